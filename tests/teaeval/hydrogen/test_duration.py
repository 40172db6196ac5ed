"""Diffusion from lags at which the displacement grows steadily, blocks that are long enough."""

from __future__ import annotations

import numpy as np
import pytest

from teaeval.hydrogen import Protocol, observe
from teaeval.hydrogen.duration import block_count, onset, shortcomings, slowest, window

FRICTION_TIME, SPEED, SPACING = 20.0, 0.02, 2.0  # fs, Å/fs along each axis, fs
DIFFUSION = SPEED**2 * FRICTION_TIME * 1000  # Å²/ps


def flights(frames: int, seed: int = 0, cage: float = 0.0) -> np.ndarray:
    """Atoms with friction (Ornstein and Uhlenbeck), whose coefficient is known; or in cages.

    In a cage of so many Å atoms swing back and forth with a period of 30 fs and go nowhere.
    """
    rng = np.random.default_rng(seed)
    if cage:
        phases = rng.uniform(0, 2 * np.pi, (1, 32, 3))
        return cage * np.sin(2 * np.pi * SPACING / 30 * np.arange(frames)[:, None, None] + phases)
    keep = np.exp(-SPACING / FRICTION_TIME)
    speeds = np.empty((frames, 32, 3))
    speeds[0] = rng.standard_normal((32, 3))
    for i in range(1, frames):
        noise = rng.standard_normal((32, 3))
        speeds[i] = keep * speeds[i - 1] + np.sqrt(1 - keep**2) * noise
    return np.cumsum(SPEED * SPACING * speeds, axis=0)


def observed(positions: np.ndarray, **settings):
    protocol = Protocol(**settings)
    numbers, cell = np.ones(positions.shape[1], dtype=int), 8 * np.eye(3)
    return observe(positions, numbers, cell, None, 1000.0, SPACING, protocol)


def test_diffusion_is_that_of_long_times():
    """Not of free flight, which short lags show."""
    found = [observed(flights(5000, seed), length=10_000.0) for seed in range(3)]
    for one in found:
        assert one.lags[0] >= 2 * FRICTION_TIME
        assert one.lags == (2 * one.onset, 4 * one.onset)
        assert one.notes == ()
        assert one.diffusion.value == pytest.approx(DIFFUSION, rel=0.15)
    assert np.mean([one.diffusion.value for one in found]) == pytest.approx(DIFFUSION, rel=0.08)
    early = observed(flights(1500), lags=(4.0, 10.0))
    assert early.diffusion.value < 0.5 * DIFFUSION
    assert "not yet the diffusion coefficient" in early.notes[0]


def test_a_trajectory_that_is_too_short_says_so():
    short = flights(99)
    assert onset(short, SPACING) is None
    assert window(short, SPACING, 1000.0) == (49.0, 98.0)
    assert window(short, SPACING, 80.0) == (20.0, 40.0)
    assert any("does not grow steadily" in note for note in observed(short).notes)
    assert onset(flights(3), SPACING) is None


def test_the_largest_slope_is_not_taken_for_a_steady_one():
    """Atoms in cages have slopes that agree for a while, at their largest, and go nowhere."""
    positions = flights(2000, cage=0.5)
    largest = observed(positions, lags=(4.0, 10.0)).diffusion.value
    assert abs(observed(positions).diffusion.value) < 0.1 * largest


def test_blocks_are_longer_than_the_slowest_correlation():
    rng = np.random.default_rng(1)
    fast, slow = rng.standard_normal(1000), np.zeros(1000)
    for i in range(1, 1000):
        slow[i] = 0.95 * slow[i - 1] + rng.standard_normal()
    time = slowest([fast, slow], SPACING)
    # of an autoregressive process: (1 + a)/(1 - a) frames
    assert time == pytest.approx(39 * SPACING, rel=0.5)
    assert block_count(2000.0, 78.0, 5) == 5
    assert block_count(2000.0, 300.0, 5) == 3
    assert block_count(200.0, 300.0, 5) == 2
    assert "intervals are too narrow" in shortcomings(200.0, 300.0, 2, 10.0, (20.0, 40.0))[0]
    assert shortcomings(2000.0, 300.0, 3, 10.0, (20.0, 40.0)) == []
