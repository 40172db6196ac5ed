"""Ask a calculator without ASE's comparisons of all arrays.

ASE compares six arrays with tolerances to find out whether a structure has changed, several times
a step; with a small network that is several per cent of the time.  A simulation changes nothing but
positions, and these are compared exactly.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from ase.calculators.calculator import Calculator, all_changes

from teaeval.calculators import forces_of

if TYPE_CHECKING:
    from ase import Atoms

NEEDED = ["energy", "forces"]


@contextmanager
def _in_place(atoms: Atoms) -> Iterator[None]:
    """Put atoms back afterwards: a calculator may have moved them, e.g. into the cell."""
    positions = atoms.positions.copy()
    try:
        yield
    finally:
        atoms.positions = positions


class Direct:
    """An ASE calculator for atoms of which only the positions change.

    Parameters
    ----------
    calculator
        What calculates.  One that is not made on ASE's base class is asked as ASE does.
    """

    def __init__(self, calculator: Any) -> None:
        self.calculator = calculator
        self._plain = isinstance(calculator, Calculator)
        self._at: Any = None

    def reset(self) -> None:
        """Forget the last structure, and have the calculator do so."""
        self._at = None
        if hasattr(self.calculator, "reset"):
            self.calculator.reset()

    def get_forces(self, atoms: Atoms) -> Any:
        """Forces in eV/Å, (A, 3).

        Raises
        ------
        CalculationError
            If the calculator gives something else.
        """
        with _in_place(atoms):
            if self._calculated(atoms):
                forces = self.calculator.results["forces"]
            else:
                forces = self.calculator.get_forces(atoms)
        return forces_of(forces, atoms.positions.shape, self.calculator).copy()

    def get_potential_energy(self, atoms: Atoms, force_consistent: bool = False) -> Any:
        """Energy in eV."""
        with _in_place(atoms):
            if self._calculated(atoms) and not force_consistent:
                return self.calculator.results["energy"]
            return self.calculator.get_potential_energy(atoms, force_consistent=force_consistent)

    @property
    def energy(self) -> Any:
        """Energy in eV that was calculated with the last forces; None if it is not at hand."""
        return self.calculator.results.get("energy") if self._plain else None

    def get_stress(self, atoms: Atoms) -> Any:
        """Stress in eV/Å³."""
        with _in_place(atoms):
            return self.calculator.get_stress(atoms)

    def _calculated(self, atoms: Atoms) -> bool:
        """Whether energy and forces of these atoms are in the calculator's results, now."""
        if not self._plain:
            return False
        if self._at is None or not np.array_equal(atoms.positions, self._at):
            changes = all_changes if self._at is None else ["positions"]
            self._at, positions = None, atoms.positions.copy()  # None should the calculation fail
            self.calculator.results = {}
            self.calculator.calculate(atoms, NEEDED, changes)
            self._at = positions
        return all(name in self.calculator.results for name in NEEDED)
