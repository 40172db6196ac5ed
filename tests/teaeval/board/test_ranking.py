"""Ranking: places that a test supports, as two predictions compared alone have them."""

from __future__ import annotations

import numpy as np
import pytest

import teaeval
from teaeval.board.correlation import rank_correlation
from teaeval.board.ranking import ALPHA, holm, rank
from teaeval.board.units import Units
from teaeval.metrics.sign_flips import SignFlips
from teaeval.scores.examine import examine


def test_a_pair_is_what_compare_says(noise):
    made = [noise(scale, seed) for scale, seed in ((1.0, 0), (1.02, 1), (2.0, 2))]
    ranking = rank([Units.of(examine(item)) for item in made], "F", "mae")
    for first, second in ((0, 1), (0, 2)):
        said = teaeval.compare(made[first], made[second]).rows[1].mae
        pair = ranking.pair(first, second)
        assert pair.p == said.p
        assert pair.difference == pytest.approx(said.difference, rel=1e-12)
        assert pair.interval == pytest.approx(said.interval, rel=1e-12)


def test_models_that_no_test_separates_share_a_place(noise):
    made = [noise(scale, seed) for scale, seed in ((3.0, 0), (1.0, 1), (1.0, 2))]
    ranking = rank([Units.of(examine(item)) for item in made], "F", "rmse")
    assert ranking.places == [3, 1, 1]
    assert ranking.order[2] == 0
    tied = ranking.pair(1, 2)
    assert tied.holm >= ALPHA
    assert tied.needed > ranking.frames
    assert ranking.pair(0, 1).needed is None


def test_few_trajectories_cannot_separate_many_models(noise):
    """Eight trajectories give no p below 1/128; over 45 pairs that is no p below 0.35."""
    made = [Units.of(examine(noise(1.0 + n / 4, n))) for n in range(10)]
    ranking = rank(made, "F", "mae")
    assert ranking.smallest == pytest.approx(45 / 128)
    assert ranking.places == [1] * 10
    assert rank(made[:1], "F", "mae").places == [1]


def test_holm_s_correction():
    assert holm(np.array([0.01, 0.04, 0.03, 0.005])) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm(np.empty(0)).shape == (0,)


@pytest.mark.parametrize("units", [1, 2, 8, 14, 20, 40])
def test_pairs_at_once_have_the_p_values_of_pairs_alone(units):
    values = np.random.default_rng(units).gamma(2.0, size=(units, 4))
    values[:, 1] = 1.01 * values[:, 0]
    pairs = np.array([(a, b) for a in range(4) for b in range(a)])
    flips = SignFlips(units, 2000, 0)
    alone = flips.p_values(values[:, pairs[:, 0]] - values[:, pairs[:, 1]])
    assert flips.p_values_of_pairs(values, pairs) == pytest.approx(alone)


def test_many_pairs_of_some_units_are_tested_by_patterns_that_are_drawn(monkeypatch):
    monkeypatch.setattr("teaeval.metrics.sign_flips.MOST_EXACT_PAIRS", 100)
    values = np.random.default_rng(0).gamma(2.0, size=(20, 20))
    pairs = np.array([(a, b) for a in range(20) for b in range(a)])
    flips = SignFlips(20, 4000, 0)
    assert not flips.exact_for(len(pairs))
    alone = flips.p_values(values[:, pairs[:50, 0]] - values[:, pairs[:50, 1]])
    assert flips.p_values_of_pairs(values, pairs)[:50] == pytest.approx(alone, abs=0.03)


def test_a_rank_correlation_has_an_interval():
    value, limits = rank_correlation([1, 2, 3, 4, 5, 6], [2, 1, 4, 3, 6, 5])
    assert value == pytest.approx(1 - 6 * 6 / (6 * 35))
    assert limits[0] < value < limits[1]
    assert rank_correlation([1, 2, 3], [1, 2, 3]) == (1.0, None)
    assert rank_correlation([1, 2], [1, 2]) is None
    assert rank_correlation([1, 2, 3], [2, 2, 2]) is None
