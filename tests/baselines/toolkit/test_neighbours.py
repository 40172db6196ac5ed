"""Pairs of atoms: all distances of small frames at once, and a search in large ones, agree."""

from __future__ import annotations

import numpy as np
import pytest

import teadata
from baselines.toolkit import neighbours
from teadata import Frames
from teadata.errors import UsageError


def frames(count: int, atoms: int, seed: int = 0) -> Frames:
    positions = np.random.default_rng(seed).uniform(0, 6, (count, atoms, 3))
    return Frames(
        numbers=np.ones(atoms, dtype=int),
        positions=positions,
        energies=np.zeros(count),
        forces=np.zeros((count, atoms, 3)),
    )


def expected(some: Frames, cutoff: float) -> np.ndarray:
    """Rows of frame, first and second atom, by the search."""
    rows = []
    for n in range(len(some)):
        first, second = neighbours.pairs(some, n, cutoff)[:2]
        rows += sorted((n, int(i), int(j)) for i, j in zip(first, second, strict=True))
    return np.array(rows, dtype=int).reshape(-1, 3)


@pytest.mark.parametrize(("count", "atoms"), [(5, 1), (7, 12), (3, 40), (2, 300)])
@pytest.mark.parametrize("cutoff", [0.01, 2.5, 20.0])
def test_pairs_of_isolated_frames_are_those_of_the_search(count, atoms, cutoff):
    some = frames(count, atoms)
    found = np.stack(neighbours.isolated_pairs(some, cutoff), axis=1)
    np.testing.assert_array_equal(found, expected(some, cutoff))


def test_distances_a_few_frames_at_a_time_are_the_same(monkeypatch):
    some = frames(9, 12)
    whole = np.stack(neighbours.isolated_pairs(some, 3.0))
    monkeypatch.setattr(neighbours, "DISTANCES", 2 * 12 * 12)
    np.testing.assert_array_equal(np.stack(neighbours.isolated_pairs(some, 3.0)), whole)


@pytest.mark.parametrize("name", ["mini-i", "mini-iv"])
def test_a_cutoff_without_a_neighbour_is_refused(name):
    some = teadata.load(name).split("complete/train/10")
    neighbours.check_cutoff(some, "r_cut", 1.2)
    with pytest.raises(UsageError, match=r"r_cut is 0\.5 Å, expected more than the shortest"):
        neighbours.check_cutoff(some, "r_cut", 0.5)
    neighbours.check_cutoff(frames(3, 1), "r_cut", 0.5)  # a single atom
