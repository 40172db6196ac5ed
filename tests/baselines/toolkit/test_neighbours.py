"""Pairs of atoms: all distances of small frames at once, and a search in large ones, agree."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from baselines.toolkit import neighbours
from teadata import Frames
from teadata.errors import DataError


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


@pytest.mark.parametrize("atoms", [12, 300])
def test_atoms_at_the_same_place_are_named(atoms):
    some = frames(3, atoms)
    positions = some.positions.copy()
    positions[2, 7] = positions[2, 4]
    some = dataclasses.replace(some, positions=positions)
    with pytest.raises(DataError, match="frame 2: atoms 4 and 7 are at the same place"):
        neighbours.isolated_pairs(some, 5.0)


@pytest.mark.parametrize("value", [np.nan, -np.inf])
def test_an_atom_at_no_place_is_named(value):
    some = frames(3, 4)
    neighbours.check_places(some)
    positions = some.positions.copy()
    positions[1, 2, 0] = value
    some = dataclasses.replace(some, positions=positions, ids=[5, 6, 7])
    with pytest.raises(DataError, match="frame 6: the position of atom 2 has NaN or infinity"):
        neighbours.check_places(some)
