"""Intervals that hold what they say, on data whose truth is known."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import teaeval
from teaeval import resampling as drawing
from teaeval.metrics import bootstrap
from teaeval.metrics.bootstrap import Distribution, distributions, resampling
from teaeval.metrics.definitions import errors
from teaeval.metrics.frame_errors import FrameErrors
from teaeval.resampling import Resampling, interval

numbers = st.floats(-1e6, 1e6)


def by_frame(count: int, replicates: int = 400, seed: int = 0) -> Resampling:
    return Resampling(np.arange(count), "frame", replicates, seed)


def distribution(found: FrameErrors, draws: Resampling) -> Distribution:
    return distributions({"F": found}, draws)["F"]


@given(st.data(), st.integers(1, 6))
def test_the_sample_itself_has_the_errors_of_the_table(data, count):
    predicted = data.draw(arrays(float, (count, 2, 3), elements=numbers))
    reference = data.draw(arrays(float, (count, 2, 3), elements=numbers))
    found, expected = FrameErrors.of(predicted, reference), errors(predicted, reference)
    assert found.mae.mean() == pytest.approx(expected.mae, rel=1e-12)
    assert np.sqrt((found.rmse**2).mean()) == pytest.approx(expected.rmse, rel=1e-9)
    assert found.max.max() == expected.max


def test_resamples_by_plain_loops():
    """The same draws, frames repeated as often as drawn, scored as a table is."""
    rng = np.random.default_rng(0)
    reference = rng.normal(size=(30, 4, 3))
    predicted = reference + rng.normal(size=(30, 1, 1)) * rng.normal(size=(30, 4, 3))
    draws = Resampling(np.arange(30) // 3, "trajectory", 50, 7)
    found = distribution(FrameErrors.of(predicted, reference), draws)
    for i, drawn in enumerate(np.concatenate(list(draws.draws()))):
        rows = [row for unit in range(10) for _ in range(drawn[unit]) for row in range(30)
                if draws.units[row] == unit]  # fmt: skip
        assert drawn.sum() == 10
        expected = errors(predicted[rows], reference[rows])
        assert found.mae[i] == pytest.approx(expected.mae, rel=1e-12)
        assert found.rmse[i] == pytest.approx(expected.rmse, rel=1e-12)
        assert found.max[i] == expected.max


def test_intervals_hold_the_truth_as_often_as_they_say():
    rng = np.random.default_rng(1)
    truth = {"mae": np.sqrt(2 / np.pi), "rmse": 1.0}
    inside = dict.fromkeys(truth, 0)
    for seed in range(200):
        found = distribution(
            FrameErrors.of(rng.normal(size=(150, 1)), np.zeros((150, 1))), by_frame(150, 400, seed)
        )
        for name, value in truth.items():
            low, high = interval(getattr(found, name))
            inside[name] += low <= value <= high
    # 95 % of 200 with a standard deviation of 3; a percentile interval is a little narrow
    assert all(177 <= count <= 198 for count in inside.values())


def test_correlated_frames_need_whole_trajectories():
    """Ten trajectories of thirty frames that share most of their error."""
    rng = np.random.default_rng(2)
    units = np.repeat(np.arange(10), 30)
    inside = {"frame": 0, "trajectory": 0}
    for seed in range(100):
        common = rng.normal(size=10)[units]
        found = FrameErrors.of(common + 0.3 * rng.normal(size=300), np.zeros(300))
        truth = np.sqrt(2 / np.pi) * np.sqrt(1 + 0.09)
        for kind, label in (("frame", np.arange(300)), ("trajectory", units)):
            draws = Resampling(label, kind, 300, seed)
            low, high = interval(distribution(found, draws).mae)
            inside[kind] += low <= truth <= high
    assert inside["trajectory"] >= 80  # ten units are few
    assert inside["frame"] <= 50


def test_blocks_of_many_frames_give_the_intervals_of_frames(mini_i, monkeypatch):
    monkeypatch.setattr(bootstrap, "MOST_UNITS", 500)
    test = mini_i.split("folded/test")
    card = mini_i.card.model_copy(update={"correlation_times": {}})
    draws = resampling(type(mini_i)(card, mini_i.root), test, 2000)
    assert (draws.kind, draws.count) == (
        "block",
        313,
    )  # of 8 frames: 2500 / 500, up to a power of two
    found = FrameErrors.of(np.random.default_rng(0).normal(size=(2500, 3)), np.zeros((2500, 3)))
    blocks = interval(distribution(found, draws).mae)
    frames = interval(distribution(found, by_frame(2500, 2000)).mae)
    width = frames[1] - frames[0]
    np.testing.assert_allclose(blocks, frames, atol=0.15 * width)


def test_the_largest_error_is_found_though_no_leading_unit_was_drawn(monkeypatch):
    monkeypatch.setattr(bootstrap, "LEADING", 1)
    errors_of = np.random.default_rng(0).permutation(np.arange(1.0, 9.0))
    draws = by_frame(8, 100)
    found = distribution(FrameErrors.of(errors_of[:, None], np.zeros((8, 1))), draws)
    for value, drawn in zip(found.max, np.concatenate(list(draws.draws())), strict=True):
        assert value == errors_of[drawn > 0].max()


def test_failed_frames_are_never_part_of_a_resampled_error():
    values = np.array([1.0, np.nan, 3.0, np.inf, 2.0])[:, None]
    found = distribution(FrameErrors.of(values, np.zeros((5, 1))), by_frame(5, 300))
    for i, drawn in enumerate(np.concatenate(list(by_frame(5, 300).draws()))):
        weights = drawn[[0, 2, 4]]
        if weights.sum() == 0:
            assert np.isnan(found.mae[i])
        else:
            assert found.mae[i] == pytest.approx(np.average([1, 3, 2], weights=weights))


def test_batches_change_nothing(monkeypatch):
    whole = np.concatenate(list(by_frame(20, 50).draws()))
    monkeypatch.setattr(drawing, "BATCH", 60)
    parts = list(by_frame(20, 50).draws())
    assert len(parts) == 17
    np.testing.assert_array_equal(np.concatenate(parts), whole)


def test_trajectories_are_resampled_where_frames_are_correlated(mini_i):
    test = mini_i.split("folded/test")
    draws = resampling(mini_i, test, 10)
    assert draws.kind == "trajectory"
    assert draws.count == len(np.unique(test.trajectories)) < len(test)
    card = mini_i.card.model_copy(update={"correlation_times": {}})
    independent = teaeval.metrics.bootstrap.resampling(
        type(mini_i)(card, mini_i.root), test, replicates=10
    )
    assert (independent.kind, independent.count) == ("frame", len(test))


def test_a_score_has_the_same_intervals_whatever_the_order_of_its_frames(noisy):
    score = teaeval.score(noisy, replicates=200, seed=3)
    order = np.random.default_rng(0).permutation(len(noisy.energies))
    shuffled = dataclasses.replace(
        noisy,
        energies=noisy.energies[order],
        forces=noisy.forces[order],
        frame_ids=noisy.frame_ids[order],
    )
    assert teaeval.score(shuffled, replicates=200, seed=3).rows == score.rows
    assert teaeval.score(noisy, replicates=200, seed=4).rows != score.rows
    for row in score.rows:
        for name in ("mae", "rmse"):
            low, high = getattr(row, f"{name}_interval")
            assert low < getattr(row, name) < high
        assert row.max_interval[1] <= row.max
    assert score.bootstrap.seed == 3
    none = teaeval.score(noisy, replicates=0)
    assert none.bootstrap is None
    assert none.row("F").mae == score.row("F").mae
    assert none.row("F").mae_interval is None
