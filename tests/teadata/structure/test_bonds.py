from __future__ import annotations

import numpy as np
import pytest

from teadata import Frames
from teadata.structure.bonds import STRETCH, bonded, connected_atoms


def two(gap: float, cell=None, pbc=(False,) * 3) -> Frames:
    """A hydrogen atom and a fluorine atom, so far apart in Å."""
    return Frames([1, 9], [[[0.1, 0, 0], [0.1 + gap, 0, 0]]], [0], np.zeros((1, 2, 3)), cell, pbc)


@pytest.mark.parametrize(("factor", "expected"), [(0.99, True), (1.01, False)])
def test_a_bond_is_at_most_the_stretched_sum_of_radii(factor, expected):
    bonds = bonded(two(factor * STRETCH * (0.31 + 0.57)))
    assert bonds.tolist() == [[False, expected], [expected, False]]


def test_bonds_reach_across_the_cell():
    apart = two(4.0, cell=[np.diag([5.0, 9, 9])], pbc=(False,) * 3)
    assert not bonded(apart).any()
    assert bonded(two(4.0, cell=[np.diag([5.0, 9, 9])], pbc=(True, False, False)))[0, 1]


def test_connected_atoms_are_one_group_whatever_their_order():
    bonds = np.zeros((6, 6), dtype=bool)
    for a, b in [(5, 0), (0, 3), (2, 4)]:
        bonds[a, b] = bonds[b, a] = True
    assert connected_atoms(bonds) == [[0, 3, 5], [1], [2, 4]]
