"""Which of two predictions is better: decided where it can be, left open where it cannot."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

import teadata
import teaeval
from teadata import Dataset, Frames
from teadata.errors import UsageError
from teaeval import Prediction, PredictionError
from teaeval.scores.comparison import compare_examined
from teaeval.scores.examine import examine
from teaeval.tables.comparison import print_comparison


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
    assert found.exact
    for row in found.rows:
        for part in (row.mae, row.rmse):
            assert part.difference == pytest.approx(part.first - part.second)
            assert part.difference < part.interval[1] < 0
            assert part.p == found.smallest_p == 1 / 2**20
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


def test_models_of_one_name_are_told_apart(folded, tmp_path):
    small = made(folded, 1.0, 1, model="mine", train="folded/train/50")
    large = made(folded, 1.0, 2, model="mine", train="folded/train/100")
    found = teaeval.compare(small, large, replicates=0)
    assert (found.first, found.second) == ("mine (folded/train/50)", "mine (folded/train/100)")
    other = dataclasses.replace(small, train=None)
    found = teaeval.compare(small, other, replicates=0)
    assert (found.first, found.second) == ("mine (folded/train/50)", "mine")
    for name, prediction in (("a.npz", small), ("b.npz", made(folded, 1, 3, model="mine"))):
        again = dataclasses.replace(prediction, train="folded/train/50")
        teaeval.write_prediction(tmp_path / name, again)
    found = teaeval.compare(tmp_path / "a.npz", tmp_path / "b.npz", replicates=0)
    assert found.first == f"mine ({tmp_path / 'a.npz'})"
    assert found.second == f"mine ({tmp_path / 'b.npz'})"


def test_a_prediction_is_no_better_than_itself(folded):
    one = made(folded, 1.0, 1)
    order = np.random.default_rng(0).permutation(len(folded))
    same = dataclasses.replace(
        one,
        energies=one.energies[order],
        forces=one.forces[order],
        frame_ids=one.frame_ids[order],
    )
    compared = teaeval.compare(one, same, replicates=50)
    assert "A and B predict the same" in compared.warnings[-1]
    for row in compared.rows:
        assert row.mae.difference == row.rmse.difference == 0
        assert row.mae.p == row.rmse.p == 1
        assert row.superiority == 0.5


def test_p_is_that_of_all_sign_patterns_of_the_trajectories(folded):
    """Of 21 trajectories, energies alone, which have one number a frame."""
    first, second = made(folded, 1.0, 1), made(folded, 1.01, 2)
    row = teaeval.compare(first, second).rows[0]
    gaps = [np.abs(p.energies - folded.energies) for p in (first, second)]
    units = np.unique(folded.trajectories, return_inverse=True)[1]
    sums = np.bincount(units, gaps[0] - gaps[1])
    signs = 1 - 2 * (np.arange(1 << 20)[:, None] >> np.arange(21) & 1)
    assert row.mae.p == np.mean(np.abs(signs @ sums) >= np.abs(sums.sum()) * (1 - 1e-12))


def test_more_frames_than_can_be_counted_have_drawn_patterns(folded, mini_i):
    card = mini_i.card.model_copy(update={"correlation_times": {}})
    independent = Dataset(card, mini_i.root)
    found = teaeval.compare(made(folded, 1.0, 1), made(folded, 1.2, 2), independent, replicates=300)
    assert (found.bootstrap.unit, found.bootstrap.units) == ("frame", 2500)
    assert not found.exact
    assert found.rows[0].mae.p == found.smallest_p == 1 / 301


def test_few_units_say_that_no_smaller_p_can_be_had(folded, capsys):
    found = teaeval.compare(made(folded, 1.0, 1), made(folded, 1.2, 2))
    print_comparison(found)
    assert "no p below" not in capsys.readouterr().out
    few = found.bootstrap.model_copy(update={"units": 5})
    print_comparison(found.model_copy(update={"bootstrap": few, "smallest_p": 1 / 16}))
    assert "no p below 0.062 can be had from 5 trajectories" in capsys.readouterr().out


def test_one_trajectory_says_nothing_of_others(run, tmp_path):
    test = teadata.load("mini-hydrogen").test_set("1000K-0.5")
    rng = np.random.default_rng(0)
    for name in ("a", "b"):
        prediction = Prediction(
            dataset="mini-hydrogen",
            subset="1000K-0.5",
            energies=test.energies + rng.normal(size=len(test)),
            forces=test.forces + rng.normal(size=test.forces.shape),
            frame_ids=test.ids,
        )
        teaeval.write_prediction(tmp_path / f"{name}.npz", prediction)
    done = run("teaeval", "compare", tmp_path / "a.npz", tmp_path / "b.npz")
    assert done.returncode == 0, done.stderr
    assert "no p below 1 can be had from 1 trajectories" in done.stdout
    done = run("teaeval", "score", tmp_path / "a.npz", "--json")
    assert json.loads(done.stdout)["rows"][0]["mae_interval"] is None


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
    done = run("teaeval", "compare", *files, "--patterns", 100, "--seed", 2)
    assert done.returncode == 0, done.stderr
    assert "A: a\nB: b" in done.stdout
    assert "jackknife over 21 trajectories" in done.stdout
    done = run("teaeval", "compare", *files, "--patterns", 100, "--json")
    rows = json.loads(done.stdout)["rows"]
    assert [row["quantity"] for row in rows] == ["E", "F", "F(H)", "F(C)", "F(N)", "F(O)"]
    done = run("teaeval", "compare", *files, "--patterns", 0)
    assert done.returncode == 2
    assert "--patterns" in done.stderr


def test_predictions_of_other_builds_of_a_dataset_are_not_compared(folded, mini_i):
    one, other = (examine(made(folded, 1.0, n, model=f"m{n}"), by_frame=True) for n in (1, 2))
    files = [item.model_copy(update={"sha256": "1" * 64}) for item in mini_i.card.files]
    again = Dataset(mini_i.card.model_copy(update={"files": files}), mini_i.root)
    with pytest.raises(UsageError, match=f"frames have SHA-256 .* in m1, and {'1' * 64} in m2"):
        compare_examined(one, dataclasses.replace(other, dataset=again))
