"""Ask a calculator without ASE's comparisons of all arrays.

ASE compares six arrays with tolerances to find out whether a structure has changed, several times
a step; with a small network that is several per cent of the time.  A simulation changes nothing but
positions, and these are compared exactly.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ase.calculators.calculator import Calculator, all_changes

from teadata.typing import Floats
from teaeval.calculators import forces_of

if TYPE_CHECKING:
    from ase import Atoms

NEEDED = ("energy", "forces")


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
        forces = self._asked(
            atoms,
            lambda: self.calculator.results["forces"],
            lambda: self.calculator.get_forces(atoms),
        )
        return forces_of(forces, atoms.positions.shape, self.calculator).copy()

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
        positions = atoms.positions.copy()
        try:
            return known() if self._calculated(atoms, positions) else ask()
        finally:
            atoms.positions = positions

    def _calculated(self, atoms: Atoms, positions: Floats) -> bool:
        """Whether energy and forces of these atoms are in the calculator's results, now."""
        if not self._plain:
            return False
        if self._at is None or not (positions == self._at).all():
            changes = all_changes if self._at is None else ["positions"]
            self._at = None  # should the calculation fail
            self.calculator.results = {}
            self.calculator.calculate(atoms, list(NEEDED), changes)
            self._at = positions
        return bool(self.calculator.results.keys() >= set(NEEDED))
