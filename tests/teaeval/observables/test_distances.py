"""Distances of distributions: against SciPy, and against what chance alone makes of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from teadata.errors import DataError
from teaeval.observables import distance, hellinger, wasserstein

histograms = arrays(float, 8, elements=st.floats(0, 100)).filter(lambda c: c.sum() > 1)
EDGES = np.linspace(0, 4, 9)


@given(histograms, histograms)
@settings(max_examples=60)
def test_distances_are_metrics(p, q):
    for between in (hellinger, lambda a, b: wasserstein(a, b, EDGES)):
        assert between(p, q) == pytest.approx(between(q, p), abs=1e-12)
        assert between(p, 3 * p) == pytest.approx(0, abs=1e-7)
        assert between(p, q) >= 0
    assert hellinger(p, q) <= 1 + 1e-12


@given(histograms, histograms)
@settings(max_examples=30, deadline=None)  # SciPy is imported in the first example
def test_wasserstein_is_that_of_scipy(p, q):
    from scipy.stats import wasserstein_distance

    # counts spread over their bins as many points
    points = (np.arange(8 * 200) + 0.5) / 400
    expected = wasserstein_distance(points, points, np.repeat(p, 200), np.repeat(q, 200))
    assert wasserstein(p, q, EDGES) == pytest.approx(expected, abs=2e-3)


def test_distance_of_what_is_shifted_and_of_what_is_not():
    rng = np.random.default_rng(5)
    edges = np.linspace(-5, 6, 111)

    def counts(mean):
        return np.stack([np.histogram(rng.normal(mean, 1, 400), edges)[0] for _ in range(10)])

    same, moved = distance(counts(0), counts(0), edges=edges), distance(
        counts(0.5), counts(0), edges=edges
    )  # fmt: skip
    assert moved.low < 0.5 < moved.high
    assert moved.low > same.high
    assert moved.value > moved.ceiling > moved.floor
    assert same.value < same.ceiling
    one, two = counts(0), counts(0)
    assert distance(one, two, seed=1) == distance(one, two, seed=1)


def test_distance_refuses_other_bins_and_nothing():
    with pytest.raises(DataError, match="same bins"):
        distance(np.ones((3, 4)), np.ones((3, 5)))
    with pytest.raises(DataError, match="without counts"):
        distance(np.zeros((3, 4)), np.ones((3, 4)))
    with pytest.raises(DataError, match="not all zero"):
        hellinger(np.zeros(3), np.ones(3))


BINS = np.linspace(-5, 5, 61)


def in_blocks(blocks, length, memory, seed):
    """Counts of an autoregressive series of mean 0 and variance 1, in blocks."""
    noise = np.random.default_rng(seed).normal(0, np.sqrt(1 - memory**2), blocks * length + 200)
    series = np.convolve(noise, memory ** np.arange(200))[200 : len(noise)]
    return np.stack([np.histogram(part, BINS)[0] for part in np.split(series, blocks)])


@pytest.mark.parametrize("edges", [None, BINS])
@pytest.mark.parametrize(
    ("first", "second", "memory"),
    [
        ((5, 100), (5, 100), 0.0),
        ((5, 200), (5, 200), 0.8),
        ((20, 100), (21, 120), 0.9),  # replicas against trajectories
        ((25, 40), (5, 40), 0.5),  # a long simulation against a short one
        ((5, 40), (25, 40), 0.5),  # a short one against a long one
    ],
)
def test_two_samples_of_one_distribution_are_as_far_apart_as_chance_says(
    first, second, memory, edges
):
    pieces, others = first[0] // 5, second[0] // 5 if second[0] % 5 == 0 else 1
    found = [
        distance(
            in_blocks(*first, memory, [seed, 0]),
            in_blocks(*second, memory, [seed, 1]),
            edges=edges,
            pieces=pieces,
            others=others,
            replicates=200,
        )
        for seed in range(200)
    ]
    # half are above the mean of what chance makes, and one in twenty above its 95 % quantile
    assert 0.4 <= np.mean([apart.value > apart.floor for apart in found]) <= 0.6
    assert 0.02 <= np.mean([apart.value > apart.ceiling for apart in found]) <= 0.10
    values, floors = ([getattr(a, name) for a in found] for name in ("value", "floor"))
    assert np.mean(floors) == pytest.approx(np.mean(values), rel=0.1)


def test_blocks_of_pieces_are_resampled_whole():
    """The interval is of the long blocks, whatever they are cut into."""
    first, second = in_blocks(20, 100, 0.9, 0), in_blocks(5, 100, 0.9, 1)
    whole = distance(first.reshape(5, 4, -1).sum(axis=1), second)
    cut = distance(first, second, pieces=4)
    assert (cut.value, cut.low, cut.high) == (whole.value, whole.low, whole.high)
    whole = distance(second, first.reshape(5, 4, -1).sum(axis=1))
    cut = distance(second, first, others=4)
    assert (cut.value, cut.low, cut.high) == (whole.value, whole.low, whole.high)
    with pytest.raises(DataError, match="20 rows of counts; expected a multiple of 3 pieces"):
        distance(first, second, pieces=3)
    with pytest.raises(DataError, match="20 rows of counts; expected a multiple of 3 pieces"):
        distance(second, first, others=3)
