"""The table of one score says where its intervals come from."""

from __future__ import annotations

import json

import teaeval
from teaeval.scores.record import read_score
from teaeval.tables.single import markdown


def test_how_intervals_were_made(noisy):
    score = teaeval.score(noisy, replicates=50, seed=3)
    head = "95% intervals of the absolute errors (jackknife over 21 trajectories; MAX: 50 bootstrap"
    assert head in markdown(score)
    assert "intervals" not in markdown(teaeval.score(noisy, replicates=0))


def test_a_score_of_before_still_says_that_its_intervals_are_percentiles(noisy, tmp_path):
    fields = json.loads(teaeval.score(noisy, replicates=50, seed=3).model_dump_json())
    del fields["bootstrap"]["method"]
    file = tmp_path / "old.json"
    file.write_text(json.dumps(fields))
    assert "(50 bootstrap samples of 21 trajectories, seed 3)" in markdown(read_score(file))
