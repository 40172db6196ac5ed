"""One score as a table: CSV, Markdown, and what is said of its intervals."""

from __future__ import annotations

import csv
import io
import json

import teaeval
from teaeval.scores.reading import read_score
from teaeval.tables.single import markdown, to_csv


def test_csv_holds_every_number_in_full(noisy):
    score = teaeval.score(noisy)
    rows = list(csv.DictReader(io.StringIO(to_csv(score))))
    assert [row["quantity"] for row in rows] == ["E", "F", "F(H)", "F(C)", "F(N)", "F(O)"]
    assert float(rows[1]["rmse_percent_mean"]) == score.row("F").rmse_percent_mean
    assert rows[0]["dataset"] == "mini-i@1.0.0"
    assert rows[0]["model"] == "noise"


def test_markdown_is_a_table_of_ten_columns(noisy):
    lines = [line for line in markdown(teaeval.score(noisy)).splitlines() if "|" in line]
    rows = [line for line in lines if line.startswith("|")]
    errors, intervals = rows[: 2 + 6], rows[2 + 6 :]
    assert all(line.count("|") == 11 for line in errors)
    assert len(intervals) == 2 + 6
    assert all(line.count("|") == 5 for line in intervals)


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
