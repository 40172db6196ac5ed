"""Forces are taken from calculators as they give them, and the atoms stay where they are."""

from __future__ import annotations

import numpy as np
import pytest

from teaeval.calculators import CalculationError

pytest.importorskip("ase")
from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes

from teaeval.md.direct import Direct


class Springs(Calculator):
    """Forces towards the origin, in another shape or kind, and atoms that may be moved."""

    implemented_properties = ("energy", "forces")

    def __init__(self, given=lambda forces: forces, moved=0.0):
        super().__init__()
        self.given, self.moved = given, moved

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        energy = float((atoms.positions**2).sum() / 2)
        self.results = {"energy": energy, "forces": self.given(-atoms.positions)}
        atoms.positions += self.moved


class NotOfAse:
    """A calculator that has ASE's methods and not its base class."""

    def get_potential_energy(self, atoms, force_consistent=False):
        atoms.positions += 1.0
        return 1.0

    def get_forces(self, atoms):
        atoms.positions -= 2.0
        return (2.0 - atoms.positions).tolist()


@pytest.fixture
def atoms():
    return Atoms("H3", np.arange(9.0).reshape(3, 3))


@pytest.mark.parametrize(
    "given", [lambda f: f, np.ndarray.tolist, lambda f: f.astype(np.float32), np.asfortranarray]
)
def test_forces_of_any_kind_of_numbers(atoms, given):
    forces = Direct(Springs(given)).get_forces(atoms)
    assert forces.dtype == np.float64
    np.testing.assert_array_equal(forces, -atoms.positions)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (np.ravel, r"forces of shape \(9,\), expected \(3, 3\): a vector for each atom"),
        (lambda f: f[None], r"forces of shape \(1, 3, 3\)"),
        (lambda f: f[:-1], r"forces of shape \(2, 3\)"),
        (lambda f: [["left"] * 3] * 3, "its forces are no numbers"),
    ],
)
def test_forces_of_another_shape_are_named(atoms, given, said):
    with pytest.raises(CalculationError, match=said):
        Direct(Springs(given)).get_forces(atoms)


@pytest.mark.parametrize("calculator", [Springs(moved=100.0), NotOfAse()])
def test_a_calculator_does_not_move_the_atoms(atoms, calculator):
    before = atoms.positions.copy()
    direct = Direct(calculator)
    for _ in range(3):
        direct.get_potential_energy(atoms)
        forces = direct.get_forces(atoms)
        np.testing.assert_array_equal(atoms.positions, before)
    if isinstance(calculator, Springs):
        np.testing.assert_array_equal(forces, -before)
        assert direct.get_potential_energy(atoms) == (before**2).sum() / 2
