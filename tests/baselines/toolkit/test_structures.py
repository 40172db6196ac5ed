"""What no model has an energy of is named, whatever the model."""

from __future__ import annotations

import numpy as np
import pytest

from baselines.toolkit.structures import check_structures, stress_of, volumes
from teadata import Frames
from teadata.errors import DataError

CELL = np.array([[5.0, 0.0, 0.0], [1.5, 6.0, 0.0], [-1.0, 2.0, 7.0]])


def frames(positions, cell=None, pbc=(False,) * 3) -> Frames:
    positions = np.asarray(positions, dtype=float)
    count, atoms, _ = positions.shape
    return Frames(
        numbers=np.ones(atoms, dtype=int),
        positions=positions,
        energies=np.zeros(count),
        forces=np.zeros(positions.shape),
        cell=None if cell is None else np.broadcast_to(np.asarray(cell, float), (count, 3, 3)),
        pbc=pbc,
        ids=np.arange(5, 5 + count),
    )


def random(count: int, atoms: int) -> np.ndarray:
    return np.random.default_rng(1).uniform(0, 6, (count, atoms, 3))


PBC = [(False,) * 3, (True,) * 3, (True, True, False), (False, True, False)]


@pytest.mark.parametrize("pbc", PBC)
@pytest.mark.parametrize("atoms", [1, 12, 300])
def test_atoms_at_the_same_place_are_named(atoms, pbc):
    """At the place of an image, too; and a thousand times the distance apart they are not."""
    cell = CELL if any(pbc) else None
    positions = random(3, atoms)
    check_structures(frames(positions, cell, pbc))
    if atoms == 1:
        return
    for apart, refused in ((0.0, True), (9e-5, True), (2e-4, False), (1e-3, False)):
        moved = positions.copy()
        shift = (np.array([2, -1, 3]) * pbc) @ CELL
        moved[2, 7] = moved[2, 4] + shift + [0.0, apart, 0.0]
        if refused:
            with pytest.raises(DataError, match="frame 7: atoms 4 and 7 are at the same place"):
                check_structures(frames(moved, cell, pbc))
        else:
            check_structures(frames(moved, cell, pbc))


def test_a_perfect_crystal_is_no_coincidence():
    places = np.array(list(np.ndindex(6, 6, 6))) * 2.0
    check_structures(frames(places[None], 12 * np.eye(3), (True,) * 3))
    places[17] = places[100] + [12.0, 0.0, -24.0]
    with pytest.raises(DataError, match="atoms 17 and 100 are at the same place"):
        check_structures(frames(places[None], 12 * np.eye(3), (True,) * 3))


@pytest.mark.parametrize("value", [np.nan, -np.inf])
def test_an_atom_at_no_place_is_named(value):
    positions = random(3, 4)
    positions[1, 2, 0] = value
    with pytest.raises(DataError, match="frame 6: the position of atom 2 has NaN or infinity"):
        check_structures(frames(positions))


def test_no_atoms_are_no_system():
    with pytest.raises(DataError, match="no atoms"):
        check_structures(frames(np.zeros((1, 0, 3))))


@pytest.mark.parametrize(
    ("cell", "pbc", "message"),
    [
        (None, (True, True, True), "periodic along a, b, c, and without a cell"),
        (None, (False, False, True), "periodic along c, and without a cell"),
        (np.diag([9, 9, 0]), (True,) * 3, r"the cell vector c is \[0.0, 0.0, 0.0\] Å"),
        (np.diag([9, np.nan, 9]), (True,) * 3, "the cell vector b is"),
        ([[9, 0, 0], [4, 4, 0], [5, 4, 0]], (True,) * 3, "in one plane or along one line"),
        ([[9, 0, 0], [4, 0, 0], [0, 0, 0]], (True, True, False), "along one line"),
    ],
)
def test_a_periodic_direction_needs_a_cell_vector(cell, pbc, message):
    with pytest.raises(DataError, match=rf"frame 5: .*{message}.*; give the atoms a cell"):
        check_structures(frames(random(2, 3), cell, pbc))


@pytest.mark.parametrize("pbc", PBC)
def test_no_stress_where_there_is_no_volume(pbc):
    """Directions that are not periodic need no cell vector; whether there is stress hangs on it."""
    virials = np.ones((2, 3, 3))
    whole = frames(random(2, 3), CELL, pbc)
    check_structures(whole)
    np.testing.assert_allclose(volumes(whole), 210)
    np.testing.assert_allclose(stress_of(virials, whole), 1 / 210)
    flat = frames(random(2, 3), CELL * np.array(pbc)[:, None], pbc)
    check_structures(flat)
    assert (stress_of(virials, flat) is None) == (not all(pbc))
    assert stress_of(virials, frames(random(2, 3))) is None
