"""Ask a calculator without ASE's comparisons of all arrays.

ASE compares six arrays with tolerances to find out whether a structure has changed, several times
a step; with a small network that is several per cent of the time.  A simulation changes nothing but
positions, and these are compared exactly.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from ase.calculators.calculator import Calculator, all_changes

if TYPE_CHECKING:
    from ase import Atoms

NEEDED = ["energy", "forces"]


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
        """Forces in eV/Å, (A, 3)."""
        if self._calculated(atoms):
            return self.calculator.results["forces"].copy()
        return self.calculator.get_forces(atoms)

    def get_potential_energy(self, atoms: Atoms, force_consistent: bool = False) -> Any:
        """Energy in eV."""
        if self._calculated(atoms) and not force_consistent:
            return self.calculator.results["energy"]
        return self.calculator.get_potential_energy(atoms, force_consistent=force_consistent)

    def get_stress(self, atoms: Atoms) -> Any:
        """Stress in eV/Å³."""
        return self.calculator.get_stress(atoms)

    def _calculated(self, atoms: Atoms) -> bool:
        """Whether energy and forces of these atoms are in the calculator's results, now."""
        if not self._plain:
            return False
        if self._at is None or not np.array_equal(atoms.positions, self._at):
            changes = all_changes if self._at is None else ["positions"]
            self._at = None  # should the calculation fail
            self.calculator.results = {}
            self.calculator.calculate(atoms, NEEDED, changes)
            self._at = atoms.positions.copy()
        return all(name in self.calculator.results for name in NEEDED)
