"""A structure is turned to show its long axes, and keeps its bonds and its cell."""

from __future__ import annotations

import numpy as np
import pytest

import teadata
from teadata.structure.bonds import bonded
from teaeval.plots.molecule import view


def test_a_molecule_shows_its_long_axes_and_its_bonds(small):
    seen = view(small[0:1])
    spread = seen.xyz.std(axis=0)
    assert spread[0] >= spread[1] > spread[2] * 0.8
    near = np.linalg.norm(seen.xyz[:, None] - seen.xyz, axis=2)
    real = np.linalg.norm(small.positions[0][:, None] - small.positions[0], axis=2)
    np.testing.assert_allclose(near, real, atol=1e-9)  # turned, not bent
    bonds = {tuple(b) for b in seen.bonds.tolist()}
    assert bonds == {tuple(b) for b in np.argwhere(np.triu(bonded(small[0:1]))).tolist()}
    np.testing.assert_allclose(seen.turn @ seen.turn.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(seen.turn) == pytest.approx(1)  # not its mirror image


def test_atoms_of_a_crystal_are_in_the_drawn_cell():
    frame = teadata.load("mini-iv").split("complete/train/8")[0:1]
    seen = view(frame)
    assert seen.edges is not None
    inside = np.linalg.solve(frame.cell[0].T, (seen.xyz @ seen.turn).T).T
    assert (np.ptp(inside, axis=0) <= 1).all()
