"""Which of two predictions is better: decided where it can be, left open where it cannot."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

import teaeval
from teadata import Dataset, Frames
from teadata.errors import UsageError
from teaeval import Prediction, PredictionError
from teaeval.metrics.bootstrap import distributions
from teaeval.metrics.frame_errors import FrameErrors
from teaeval.resampling import Resampling
from teaeval.scores.comparison import _row


def made(test: Frames, noise: float, seed: int, **more) -> Prediction:
    rng = np.random.default_rng(seed)
    return Prediction(
        dataset="mini-i",
        subset="folded",
        energies=test.energies + rng.normal(0, noise, len(test)),
        forces=test.forces + rng.normal(0, noise, test.forces.shape),
        frame_ids=test.ids,
        **more,
    )


@pytest.fixture
def folded(mini_i: Dataset) -> Frames:
    return mini_i.split("folded/test")


def test_the_better_one_is_found(folded):
    good, bad = made(folded, 1.0, 1, model="good"), made(folded, 1.2, 2, model="bad")
    found = teaeval.compare(good, bad, replicates=300)
    assert (found.first, found.second) == ("good", "bad")
    for row in found.rows:
        for part in (row.mae, row.rmse):
            assert part.difference == pytest.approx(part.first - part.second)
            assert part.difference < part.interval[1] < 0
            assert part.p == pytest.approx(2 / 301)
        assert row.superiority > 0.5
    forces = next(row for row in found.rows if row.quantity == "F")
    # the mean of 126 components: 0.16 apart, each with a standard deviation of some 0.06
    assert 0.95 < forces.superiority < 1
    assert forces.mae.first == pytest.approx(teaeval.score(good, replicates=0).row("F").mae)
    swapped = teaeval.compare(bad, good, replicates=300)
    for row, other in zip(found.rows, swapped.rows, strict=True):
        assert other.mae.difference == -row.mae.difference
        assert other.mae.p == row.mae.p
        assert other.superiority == pytest.approx(1 - row.superiority)


def test_a_prediction_is_no_better_than_itself(folded):
    one = made(folded, 1.0, 1)
    order = np.random.default_rng(0).permutation(len(folded))
    same = dataclasses.replace(
        one,
        energies=one.energies[order],
        forces=one.forces[order],
        frame_ids=one.frame_ids[order],
    )
    for row in teaeval.compare(one, same, replicates=50).rows:
        assert row.mae.difference == row.rmse.difference == 0
        assert row.mae.p == row.rmse.p == 1
        assert row.superiority == 0.5


def test_p_values_are_small_as_often_as_they_say():
    """Equally good models: a p-value below 0.05 in about one comparison of twenty."""
    rng = np.random.default_rng(5)
    small = 0
    for seed in range(300):
        reference = np.zeros((120, 1))
        first, second = (FrameErrors.of(rng.normal(size=(120, 1)), reference) for _ in range(2))
        draws = Resampling(np.arange(120), "frame", 200, seed)
        a, b = (distributions({"E": found}, draws)["E"] for found in (first, second))
        small += _row("E", first, second, a, b).mae.p < 0.05
    assert 5 <= small <= 28  # 15 expected, standard deviation 4


def test_what_cannot_be_compared(folded, mini_i):
    one = made(folded, 1.0, 1)
    with pytest.raises(UsageError, match="two predictions of one test set"):
        teaeval.compare(one, dataclasses.replace(one, subset="unfolded"))
    with pytest.raises(PredictionError, match="not-finite-forces"):
        teaeval.compare(one, dataclasses.replace(one, forces=one.forces * np.nan))


def test_the_command(folded, run, tmp_path):
    for name, noise in (("a", 1.0), ("b", 2.0)):
        teaeval.write_prediction(tmp_path / f"{name}.npz", made(folded, noise, 1, model=name))
    files = (tmp_path / "a.npz", tmp_path / "b.npz")
    done = run("teaeval", "compare", *files, "--bootstrap", 100, "--seed", 2)
    assert done.returncode == 0, done.stderr
    assert "A: a\nB: b" in done.stdout
    assert "trajectories (seed 2)" in done.stdout
    done = run("teaeval", "compare", *files, "--bootstrap", 100, "--json")
    rows = json.loads(done.stdout)["rows"]
    assert [row["quantity"] for row in rows] == ["E", "F", "F(H)", "F(C)", "F(N)", "F(O)"]
    done = run("teaeval", "compare", *files, "--bootstrap", 0)
    assert done.returncode == 2
    assert "--bootstrap 1 or more" in done.stderr
