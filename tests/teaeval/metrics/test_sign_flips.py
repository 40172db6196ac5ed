"""P-values from flipped signs: counted by hand, by brute force, and drawn."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from teaeval.metrics import sign_flips
from teaeval.metrics.sign_flips import SignFlips


def p_value(*differences: float) -> float:
    return SignFlips(len(differences), 10, 0).p_values(np.array(differences)[:, None])[0]


def test_by_hand():
    # ±1 ±2 ±4 with the sum 7: only all signs alike, 2 of 8 patterns
    assert p_value(1, 2, 4) == 2 / 8
    # 5 = −1 + 2 + 4: also 7, and both with the other sign
    assert p_value(-1, 2, 4) == 4 / 8
    # 1 = −1 − 2 + 4 is the smallest there is
    assert p_value(-1, -2, 4) == 1
    # ties count: 1 + 1 − 1 has three orders, and 3 is larger
    assert p_value(1, 1, -1) == 1
    assert p_value(0, 0, 0) == 1
    assert p_value(3) == 1


@pytest.mark.parametrize("units", [1, 2, 3, 5, 8, 11])
def test_by_brute_force(units):
    rng = np.random.default_rng(units)
    differences = rng.integers(-3, 6, size=(units, 6)).astype(float)
    signs = np.array(list(itertools.product([1, -1], repeat=units)))
    sums = np.abs(signs @ differences)
    expected = (sums >= sums[0]).mean(axis=0)
    np.testing.assert_array_equal(SignFlips(units, 10, 0).p_values(differences), expected)


def test_thirty_two_units_are_counted_and_more_are_drawn():
    assert SignFlips(32, 100, 0).exact
    assert SignFlips(32, 100, 0).p_values(np.ones((32, 1)))[0] == 2**-31
    drawn = SignFlips(33, 100, 0)
    assert not drawn.exact
    assert drawn.p_values(np.ones((33, 1)))[0] == drawn.smallest_p == 1 / 101


def test_drawn_patterns_come_near_to_all_of_them(monkeypatch):
    differences = np.random.default_rng(0).normal(0.3, 1, size=(12, 20))
    counted = SignFlips(12, 20_000, 1).p_values(differences)
    monkeypatch.setattr(sign_flips, "EXACT_UNITS", 11)
    drawn = SignFlips(12, 20_000, 1).p_values(differences)
    np.testing.assert_allclose(drawn, counted, atol=4 * 0.5 / np.sqrt(20_000))
    np.testing.assert_array_equal(SignFlips(12, 20_000, 1).p_values(differences), drawn)
    assert (SignFlips(12, 20_000, 2).p_values(differences) != drawn).any()


@pytest.mark.parametrize(("units", "smallest"), [(1, 1), (5, 1 / 16), (6, 1 / 32), (8, 1 / 128)])
def test_the_smallest_p_of_few_units(units, smallest):
    flips = SignFlips(units, 10, 0)
    assert flips.smallest_p == smallest
    assert flips.p_values(np.arange(1.0, units + 1)[:, None])[0] == smallest


def test_only_every_twentieth_is_below_a_twentieth():
    """Equally good models whose errors have heavy tails: Student's t would not be exact."""
    differences = np.random.default_rng(0).standard_t(2, size=(10, 4000))
    p = SignFlips(10, 10, 0).p_values(differences)
    # of 512 patterns: 25 / 512 and 5 / 512, with standard deviations of 0.0034 and 0.0016
    assert np.mean(p <= 0.05) == pytest.approx(0.0488, abs=0.01)
    assert np.mean(p <= 0.01) == pytest.approx(0.0098, abs=0.005)
