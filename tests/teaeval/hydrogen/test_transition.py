"""Where molecules end: the density, in words, and how sure it is."""

from __future__ import annotations

import numpy as np
import pytest

from teadata.errors import DataError
from teaeval.hydrogen import Protocol, find_transition
from teaeval.hydrogen.transition import crossing

DENSITIES = [0.5, 0.7, 0.9, 1.1]


def test_crossing_by_interpolation():
    assert crossing(DENSITIES, [0.9, 0.7, 0.2, 0.0]) == pytest.approx(0.7 + 0.2 * 0.2 / 0.5)
    assert crossing(DENSITIES, [0.9, 0.5, 0.4, 0.9]) == pytest.approx(0.7)
    found = crossing(DENSITIES, [[0.9, 0.8, 0.7, 0.6], [0.4, 0.3, 0.2, 0.1], [0.8, 0.4, 0.6, 0.0]])
    assert np.isnan(found[:2]).all()
    assert found[2] == pytest.approx(0.65)  # the first
    with pytest.raises(DataError, match="which rise"):
        crossing([0.7, 0.5], [0.9, 0.1])


def test_transition_in_words():
    protocol = Protocol()
    blocks = {0.5: [1.0, 0.9, 1.0, 0.9], 0.7: [0.7, 0.6, 0.8, 0.7], 0.9: [0.1, 0.3, 0.2, 0.2]}
    found = find_transition(1000.0, blocks, protocol)
    assert found.found
    assert found.between == (0.7, 0.9)
    assert found.density == pytest.approx(0.78)
    assert found.low < 0.78 < found.high
    assert found.crossing > 0.99
    assert find_transition(1000.0, blocks, protocol) == found  # seeded
    assert find_transition(1000.0, blocks, Protocol(seed=7)) == found  # not by the simulation's
    assert find_transition(1000.0, {0.5: [0.9] * 4, 0.7: [0.8] * 4}, protocol).verdict == (
        "not found: molecular from 0.5 to 0.7 g/cm³"
    )
    broken = find_transition(1000.0, {0.5: [0.1] * 4, 0.7: None, 0.9: [0.0] * 4}, protocol)
    assert broken.verdict == (
        "not found: atomic from 0.5 to 0.9 g/cm³; no simulation lasted at 0.7 g/cm³"
    )
    assert find_transition(1000.0, {0.5: None}, protocol).verdict.startswith("unknown: 0 densities")


CURVES = {
    "logistic": lambda z: 1 / (1 + np.exp(z)),
    "early": lambda z: 1 - np.exp(-np.log(2) * np.exp(-z)),  # falls fast, ends slowly
    "late": lambda z: np.exp(-np.log(2) * np.exp(z)),
}


@pytest.mark.parametrize("width", [0.01, 0.03, 0.1])
@pytest.mark.parametrize("shape", CURVES)
def test_intervals_hold_the_truth_whatever_the_curve_between_the_state_points(shape, width):
    """Of 100 curves whose place is known, sampled 0.2 g/cm³ apart in five noisy blocks each."""
    grid = np.arange(0.5, 1.6, 0.2)
    covered, lengths = [], []
    for seed in range(100):
        rng = np.random.default_rng(seed)
        truth = rng.uniform(0.6, 1.4)
        shares = CURVES[shape](((grid - truth) / width).clip(-30, 30))
        noise = rng.normal(0, 0.1, (5, len(grid))) * np.sqrt(shares * (1 - shares))
        blocks = dict(zip(grid.tolist(), (shares + noise).clip(0, 1).T, strict=True))
        found = find_transition(1000.0, blocks, Protocol(replicates=400))
        covered.append(found.low <= truth <= found.high)
        lengths.append(found.high - found.low)
    assert np.mean(covered) >= 0.94
    assert 0.1 < np.mean(lengths) < 0.2  # but it is not all of the gap


def test_a_share_of_one_half_at_a_state_point_needs_no_interpolation():
    blocks = {0.5: [1.0] * 5, 0.7: [0.501, 0.5, 0.502, 0.5, 0.5], 0.9: [0.0] * 5}
    found = find_transition(1000.0, blocks, Protocol())
    assert 0.69 < found.density < 0.71
    assert found.low > 0.69
    assert found.high < 0.75


def test_no_transition_is_interpolated_over_a_simulation_that_broke():
    blocks = {0.5: [0.9, 1.0], 0.7: None, 0.9: [0.0, 0.1], 1.1: None}
    found = find_transition(1000.0, blocks, Protocol())
    assert found.found
    assert found.density is None
    assert (found.low, found.high) == found.between == (0.5, 0.9)
    assert found.verdict == (
        "found between 0.5 and 0.9 g/cm³; no simulation lasted at 0.7, 1.1 g/cm³"
    )
