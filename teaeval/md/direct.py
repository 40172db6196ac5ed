"""Ask a calculator without ASE's comparisons of all arrays.

ASE compares six arrays with tolerances to find out whether a structure has changed, several times
a step; with a small network that is several per cent of the time.  A simulation changes nothing but
positions, and these are compared exactly.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ase.calculators.calculator import Calculator, all_changes

from teaeval.calculators import forces_of

if TYPE_CHECKING:
    from ase import Atoms


class Direct:
    """An ASE calculator for atoms of which only the positions change.

    Parameters
    ----------
    calculator
        What calculates.  One that is not made on ASE's base class is asked as ASE does.

    Attributes
    ----------
    sound
        The positions that were last calculated without an error, (A, 3) in Å; None before.
    """

    def __init__(self, calculator: Any) -> None:
        self.calculator = calculator
        self._plain = isinstance(calculator, Calculator)
        self._at: Any = None
        self.sound: Any = None

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
        forces = self._asked(
            atoms,
            lambda: self.calculator.results["forces"],
            lambda: self.calculator.get_forces(atoms),
        )
        return forces_of(forces, atoms.positions.shape, self.calculator).copy()

    def moved(self, atoms: Atoms) -> Any:
        """Forces in eV/Å, (A, 3), of atoms that have just been moved.

        The atoms are not compared with the last ones, and the forces not copied: a calculator may
        write its next ones into the same array.

        Raises
        ------
        CalculationError
            If the calculator gives something else.
        """
        if not (self._plain and self._calculate(atoms)):
            return self.get_forces(atoms)
        forces = self.calculator.results["forces"]
        return forces_of(forces, self._at.shape, self.calculator)

    def get_potential_energy(self, atoms: Atoms, force_consistent: bool = False) -> Any:
        """Energy in eV."""

        def ask() -> Any:
            return self.calculator.get_potential_energy(atoms, force_consistent=force_consistent)

        known = ask if force_consistent else lambda: self.calculator.results["energy"]
        return self._asked(atoms, known, ask)

    @property
    def energy(self) -> Any:
        """Energy in eV that was calculated with the last forces; None if it is not at hand."""
        return self.calculator.results.get("energy") if self._plain else None

    def get_stress(self, atoms: Atoms) -> Any:
        """Stress in eV/Å³."""

        def ask() -> Any:
            return self.calculator.get_stress(atoms)

        return self._asked(atoms, ask, ask)

    def _asked(self, atoms: Atoms, known: Callable[[], Any], ask: Callable[[], Any]) -> Any:
        """What is known of these atoms, if they are calculated, or what is asked for.

        The atoms are put back afterwards: a calculator may have moved them, e.g. into the cell.
        """
        if self._calculated(atoms):
            return known()
        positions = atoms.positions.copy()
        try:
            answer = ask()
        finally:
            atoms.positions = positions
        self.sound = positions
        return answer

    def _calculated(self, atoms: Atoms) -> bool:
        """Whether energy and forces of these atoms are in the calculator's results, now."""
        if not self._plain:
            return False
        if self._at is None or not (atoms.arrays["positions"] == self._at).all():
            return self._calculate(atoms)
        return self._complete()

    def _calculate(self, atoms: Atoms) -> bool:
        """Calculate these atoms; whether energy and forces are in the calculator's results.

        The atoms are put back afterwards, see :meth:`_asked`.
        """
        calculator, positions = self.calculator, atoms.arrays["positions"].copy()
        changes = all_changes if self._at is None else ["positions"]
        self._at = None  # should the calculation fail
        calculator.results = {}
        try:
            calculator.calculate(atoms, ["energy", "forces"], changes)
        finally:
            atoms.arrays["positions"][:] = positions
        self._at = self.sound = positions
        return self._complete()

    def _complete(self) -> bool:
        results = self.calculator.results
        return "energy" in results and "forces" in results
