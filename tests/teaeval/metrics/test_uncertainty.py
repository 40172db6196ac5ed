"""Intervals that hold what they say, on data whose truth is known."""

from __future__ import annotations

import dataclasses

import calibration
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import teaeval
from teadata import Frames
from teaeval.metrics import uncertainty
from teaeval.metrics.definitions import errors
from teaeval.metrics.frame_errors import FrameErrors
from teaeval.metrics.jackknife import student_t
from teaeval.metrics.sign_flips import SignFlips
from teaeval.metrics.uncertainty import (
    ErrorIntervals,
    difference_intervals,
    error_intervals,
    mean_intervals,
    resampling,
)
from teaeval.resampling import Resampling

numbers = st.floats(-1e6, 1e6)


def by_frame(count: int, replicates: int = 400, seed: int = 0) -> Resampling:
    return Resampling(np.arange(count), "frame", replicates, seed)


def intervals(found: FrameErrors, draws: Resampling) -> ErrorIntervals:
    return error_intervals({"F": found}, draws)["F"]


@given(st.data(), st.integers(1, 6))
def test_the_sample_itself_has_the_errors_of_the_table(data, count):
    predicted = data.draw(arrays(float, (count, 2, 3), elements=numbers))
    reference = data.draw(arrays(float, (count, 2, 3), elements=numbers))
    found, expected = FrameErrors.of(predicted, reference), errors(predicted, reference)
    assert found.mae.mean() == pytest.approx(expected.mae, rel=1e-12)
    assert np.sqrt((found.rmse**2).mean()) == pytest.approx(expected.rmse, rel=1e-9)
    assert found.max.max() == expected.max


def test_intervals_by_plain_loops():
    """Each trajectory left out in turn, and the rest scored as a table is."""
    rng = np.random.default_rng(0)
    reference = rng.normal(size=(30, 4, 3))
    predicted = reference + rng.normal(size=(30, 1, 1)) * rng.normal(size=(30, 4, 3))
    draws = Resampling(np.repeat(np.arange(4), [5, 10, 8, 7]), "trajectory", 50, 7)
    found = intervals(FrameErrors.of(predicted, reference), draws)
    for name, power in (("mae", 1), ("rmse", 2)):
        kept = [draws.units != unit for unit in range(4)]
        value = getattr(errors(predicted, reference), name) ** power
        others = [getattr(errors(predicted[k], reference[k]), name) ** power for k in kept]
        relative = np.sqrt(3 / 4 * sum((x - value) ** 2 for x in others)) / value
        t = student_t(3 / (1 + 3.5 * 4 * relative**2))
        limits = value * np.exp(-t * relative), value * np.exp(t * relative)
        assert getattr(found, name) == pytest.approx([x ** (1 / power) for x in limits], rel=1e-9)
    largest = [
        max(
            np.abs(predicted - reference)[draws.units == unit].max() for unit in np.flatnonzero(row)
        )
        for row in np.concatenate(list(draws.draws()))
    ]
    assert found.max == pytest.approx(np.quantile(largest, [0.025, 0.975]), rel=1e-12)


def test_differences_by_plain_loops():
    rng = np.random.default_rng(3)
    reference = np.zeros((20, 3))
    first, second = rng.normal(size=(20, 3)), 1e3 * rng.normal(size=(20, 3))
    units = np.repeat(np.arange(5), 4)
    found = difference_intervals(
        {"F": FrameErrors.of(first, reference)},
        {"F": FrameErrors.of(second, reference)},
        Resampling(units, "trajectory", 10, 0),
        SignFlips(5, 10, 0),
    )["F"]
    for name in ("mae", "rmse"):

        def gap(rows, name=name):
            a, b = (getattr(errors(x[rows], reference[rows]), name) for x in (first, second))
            return a - b

        value, others = gap(units >= 0), np.array([gap(units != unit) for unit in range(5)])
        half = student_t(4) * np.sqrt(4 / 5 * ((others - value) ** 2).sum())
        assert getattr(found, name) == pytest.approx((value - half, value + half), rel=1e-9)
        # The second is worse in every trajectory: one pattern of sixteen is as extreme.
        assert getattr(found, f"{name}_p") == 1 / 16


def test_intervals_of_independent_frames_hold_the_truth():
    rng = np.random.default_rng(1)
    truth = {"mae": np.sqrt(2 / np.pi), "rmse": 1.0}
    inside = dict.fromkeys(truth, 0)
    for seed in range(400):
        values = rng.normal(size=(150, 1))
        found = intervals(FrameErrors.of(values, np.zeros((150, 1))), by_frame(150, 1, seed))
        for name, value in truth.items():
            low, high = getattr(found, name)
            inside[name] += low <= value <= high
    # 95 % of 400, with a standard deviation of 4
    assert all(369 <= count <= 391 for count in inside.values())


def test_few_trajectories_of_unequal_lengths_are_calibrated():
    """With five units, percentiles of bootstrap samples hold the truth eight times of ten."""
    case = "forces, unequal"
    expected = calibration.truth(case, 50)
    for units in (5, 8, 21):
        for row in calibration.rows(case, units, expected, 1500):
            # one standard deviation of 1500 shares: 0.006 for coverage and p5, 0.003 for p1
            assert 0.93 <= row.coverage <= 0.97, row
            assert 0.93 <= row.difference <= 0.97, row
            if units >= 8:
                assert 0.033 <= row.p5 <= 0.067, row
                assert 0.002 <= row.p1 <= 0.018, row
            else:
                assert row.p5 == row.p1 == 0


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
            low, high = intervals(found, Resampling(label, kind, 1, seed)).mae
            inside[kind] += low <= truth <= high
    assert 90 <= inside["trajectory"] <= 99
    assert inside["frame"] <= 50


def test_blocks_of_many_frames_give_the_intervals_of_frames(mini_i, monkeypatch):
    monkeypatch.setattr(uncertainty, "MOST_UNITS", 500)
    test = mini_i.split("folded/test")
    card = mini_i.card.model_copy(update={"correlation_times": {}})
    draws = resampling(type(mini_i)(card, mini_i.root), test, 1)
    # of 8 frames: 2500 / 500, up to a power of two
    assert (draws.kind, draws.count) == ("block", 313)
    found = FrameErrors.of(np.random.default_rng(0).normal(size=(2500, 3)), np.zeros((2500, 3)))
    blocks, frames = (intervals(found, units).mae for units in (draws, by_frame(2500, 1)))
    width = frames[1] - frames[0]
    np.testing.assert_allclose(blocks, frames, atol=0.15 * width)


def test_rows_of_several_frames_are_drawn_as_they_are():
    """Also of few frames, each of which would be drawn by itself: 7 rows of 8 frames, one of 4."""
    some = np.zeros((60, 1, 3))
    draws = resampling(None, Frames([1], some, np.zeros(60), some), 1, each=8)
    assert (draws.kind, draws.units.tolist()) == ("block", list(range(8)))


def test_the_largest_error_is_found_though_no_leading_unit_was_drawn(monkeypatch):
    values = np.random.default_rng(0).permutation(np.arange(1.0, 9.0))
    found = FrameErrors.of(values[:, None], np.zeros((8, 1)))
    expected = intervals(found, by_frame(8, 100)).max
    monkeypatch.setattr(uncertainty, "LEADING", 1)
    assert intervals(found, by_frame(8, 100)).max == expected
    assert expected[0] < expected[1] == 8


def test_failed_frames_count_as_no_frames():
    values = np.array([1.0, np.nan, 3.0, np.inf, 2.0])[:, None]
    failed = intervals(FrameErrors.of(values, np.zeros((5, 1))), by_frame(5, 300))
    there = intervals(FrameErrors.of(values[[0, 2, 4]], np.zeros((3, 1))), by_frame(3, 300))
    assert failed.mae == pytest.approx(there.mae, rel=1e-12)
    assert failed.rmse == pytest.approx(there.rmse, rel=1e-12)
    means = mean_intervals({"x": values[:, 0]}, by_frame(5))
    assert means["x"] == pytest.approx(there.mae, rel=1e-12)


def test_one_trajectory_has_no_interval():
    found = FrameErrors.of(np.arange(1.0, 9.0)[:, None], np.zeros((8, 1)))
    one = Resampling(np.zeros(8, dtype=int), "trajectory", 10, 0)
    assert intervals(found, one) == ErrorIntervals(None, None, None)
    compared = difference_intervals({"F": found}, {"F": found}, one, SignFlips(1, 10, 0))["F"]
    assert (compared.mae, compared.mae_p) == (None, 1)


def test_huge_errors_have_finite_intervals():
    values = 1e200 * np.arange(1.0, 9.0)[:, None]
    huge = intervals(FrameErrors.of(values, np.zeros((8, 1))), by_frame(8))
    usual = intervals(FrameErrors.of(values / 1e200, np.zeros((8, 1))), by_frame(8))
    for name in ("mae", "rmse"):
        expected = [1e200 * x for x in getattr(usual, name)]
        assert getattr(huge, name) == pytest.approx(expected, rel=1e-12)


def test_trajectories_are_resampled_where_frames_are_correlated(mini_i):
    test = mini_i.split("folded/test")
    draws = resampling(mini_i, test, 10)
    assert draws.kind == "trajectory"
    assert draws.count == len(np.unique(test.trajectories)) < len(test)
    card = mini_i.card.model_copy(update={"correlation_times": {}})
    independent = resampling(type(mini_i)(card, mini_i.root), test, replicates=10)
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
