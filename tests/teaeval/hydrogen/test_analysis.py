"""Molecules that last, what a reference shows, and differences from it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import teadata
from teadata.errors import UsageError
from teaeval.hydrogen import Protocol, find_transition, state_points
from teaeval.hydrogen.analysis import (
    deviation,
    difference,
    observe,
    observe_frames,
    stable,
    with_rows_of,
)
from teaeval.hydrogen.record import Estimate


def test_molecules_are_stable_while_partners_stay():
    # 0–1 for ever; 2–3 until 3 takes 4 instead
    partners = np.array([[1, 0, 3, 2, -1]] * 3 + [[1, 0, -1, 4, 3]] * 2)
    np.testing.assert_allclose(stable(partners, 0), [4 / 5] * 5)
    np.testing.assert_allclose(stable(partners, 1), [4 / 5, 4 / 5, 2 / 5, 4 / 5])
    np.testing.assert_allclose(stable(partners, 2), [4 / 5, 2 / 5, 2 / 5])
    with pytest.raises(UsageError, match="5 frames in 5 of them"):
        stable(partners, 5)


@settings(max_examples=25)
@given(st.integers(0, 6), st.integers(0, 2**32 - 1))
def test_stable_molecules_by_the_loop_that_defines_them(frames, seed):
    partners = np.random.default_rng(seed).integers(-1, 2, (12, 5))
    expected = [
        np.mean(
            [
                partners[t, a] >= 0
                and all(partners[t + k, a] == partners[t, a] for k in range(frames + 1))
                for a in range(5)
            ]
        )
        for t in range(12 - frames)
    ]
    np.testing.assert_allclose(stable(partners, frames), expected)


def test_differences_have_both_errors():
    apart = difference(
        Estimate(value=5.0, error=0.3, low=4, high=6),
        Estimate(value=4.0, error=0.4, low=3, high=5),
        5,
        5,
    )
    assert apart.value == 1.0
    assert apart.error == pytest.approx(0.5)
    assert apart.low < 0 < apart.high
    # fewer blocks are fewer degrees of freedom, so that the interval is wider
    fewer = difference(Estimate(value=5.0, error=0.3), Estimate(value=4.0, error=0.4), 5, 2)
    assert fewer.error == apart.error
    assert fewer.high > apart.high
    alone = difference(Estimate(value=5.0), Estimate(value=4.0), 5, 5)
    assert (alone.value, alone.low) == (1.0, None)


@pytest.mark.parametrize(("frames", "rows"), [(100, 25), (500, 5)])
def test_pairs_of_a_long_reference_are_counted_in_rows_of_a_short_simulation(frames, rows):
    dataset, protocol = teadata.load("mini-hydrogen"), Protocol(length=40, lags=(4, 8))
    state = state_points(dataset)[0]
    trajectory = dataset.trajectory(state.trajectory)  # 500 frames
    reference = observe_frames(trajectory, state.spacing, protocol)
    part = trajectory[-frames:]
    seen = observe(
        part.positions, part.numbers, part.cell[0], part.stress, 1000.0, state.spacing, protocol,
        reference,
    )  # fmt: skip
    assert (len(reference.rdf.counts), len(seen.rdf.counts)) == (5, 5)
    counted = with_rows_of(seen, reference, trajectory, protocol)
    assert len(counted.rdf.counts) == rows
    in_blocks = np.array(counted.rdf.counts).reshape(5, rows // 5, -1).sum(axis=1)
    np.testing.assert_array_equal(in_blocks, reference.rdf.counts)
    before, after = (deviation(seen, one, protocol).rdf for one in (reference, counted))
    assert (after.value, after.low, after.high) == (before.value, before.low, before.high)


def test_state_points_and_what_their_reference_shows():
    dataset = teadata.load("mini-hydrogen")
    states = state_points(dataset)
    assert [s.name for s in states[:3]] == ["1000K-0.5", "1000K-0.6", "1000K-0.7"]
    assert len(states) == 16
    with pytest.raises(UsageError, match=r"unknown state point '1000K-0\.4'.*did you mean"):
        state_points(dataset, ["1000K-0.4"])
    with pytest.raises(UsageError, match="no continuous reference trajectories"):
        state_points(teadata.load("mini-i"))
    protocol = Protocol()
    seen = {
        s.density: observe_frames(dataset.trajectory(s.trajectory), s.spacing, protocol)
        for s in states
        if s.name in ("1000K-0.5", "1000K-0.7", "1000K-0.9")
    }
    push = [seen[rho].pressure.value for rho in (0.5, 0.7, 0.9)]
    assert push == sorted(push)
    found = find_transition(1000.0, {rho: one.blocks for rho, one in seen.items()}, protocol)
    assert found.between == (0.7, 0.9)
    place, height = seen[0.5].rdf.peak
    assert place == pytest.approx(0.76, abs=0.06)  # the molecule's bond
    assert height > 2 * seen[0.9].rdf.peak[1]
