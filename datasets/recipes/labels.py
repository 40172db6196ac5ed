"""Reference labels from tblite, in the units of the project.

tblite's wheel carries the reference BLAS.  Preloading an optimised one makes a label of
100 atoms about twice as fast and changes it by less than it is converged to:

    LD_PRELOAD=/usr/lib/x86_64-linux-gnu/openblas-serial/libopenblas.so.0 python …
"""

from __future__ import annotations

import importlib.metadata
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from ase.calculators.calculator import Calculator as ASECalculator
from ase.calculators.calculator import all_changes

from teadata.units import BOHR, EV, HARTREE

if TYPE_CHECKING:
    from tblite.interface import Calculator, Result

BOLTZMANN = 3.166811563e-6
"""Boltzmann's constant, hartree/K (CODATA 2018)."""


@dataclass(frozen=True)
class Label:
    """Energy (kcal/mol), forces (A, 3) (kcal/mol/Å), stress (3, 3) (kcal/mol/Å³) or None."""

    energy: float
    forces: np.ndarray
    stress: np.ndarray | None = None


@dataclass(frozen=True)
class Engine:
    """A Hamiltonian with its settings.

    Parameters
    ----------
    method
        tblite's name of the Hamiltonian.
    electronic_temperature
        Of the Fermi occupation, K.
    accuracy
        tblite's accuracy of a label: 0.01 is a hundred times tighter than its default.
    stress
        Whether labels carry the stress (periodic systems).
    """

    method: str = "GFN2-xTB"
    electronic_temperature: float = 300.0
    accuracy: float = 0.01
    stress: bool = False

    @property
    def version(self) -> str:
        """Name and version of the program, for the card."""
        return f"tblite {importlib.metadata.version('tblite')}"

    @property
    def settings(self) -> str:
        """Accuracy and electronic temperature, for the card."""
        return (
            f"accuracy {self.accuracy:g}, electronic temperature {self.electronic_temperature:g} K"
        )

    def label(
        self, numbers: np.ndarray, positions: np.ndarray, cell: np.ndarray | None = None
    ) -> Label:
        """Energy, forces and stress of one frame, from a fresh SCF.

        Stress is the derivative of the energy by the strain over the volume, as in ASE:
        negative under compression.

        Parameters
        ----------
        numbers
            (A,) atomic numbers.
        positions
            (A, 3), Å.
        cell
            (3, 3) cell vectors as rows, Å; None for a molecule.
        """
        calculator = self._interface(numbers, positions, cell, self.accuracy)
        return self._convert(calculator.singlepoint(), cell)

    def _interface(
        self,
        numbers: np.ndarray,
        positions: np.ndarray,
        cell: np.ndarray | None,
        accuracy: float,
    ) -> Calculator:
        from tblite.interface import Calculator

        periodic = {}
        if cell is not None:
            periodic = {"lattice": np.asarray(cell) / BOHR, "periodic": np.array([True] * 3)}
        calculator = Calculator(
            self.method, np.asarray(numbers), np.asarray(positions) / BOHR, **periodic
        )
        calculator.set("verbosity", 0)
        calculator.set("accuracy", accuracy)
        calculator.set("temperature", self.electronic_temperature * BOLTZMANN)
        calculator.set("max-iter", 500)
        return calculator

    def _convert(self, result: Result, cell: np.ndarray | None) -> Label:
        stress = None
        if self.stress and cell is not None:
            stress = np.asarray(result["virial"]) * HARTREE / abs(np.linalg.det(cell))
        return Label(
            float(result["energy"]) * HARTREE,
            -np.asarray(result["gradient"]) * (HARTREE / BOHR),
            stress,
        )

    def dynamics(self, accuracy: float = 1.0, restart: bool = True) -> Dynamics:
        """The same as an ASE calculator, for dynamics."""
        return Dynamics(self, accuracy, restart)


class Dynamics(ASECalculator):
    """ASE calculator of an engine whose SCF starts from the last one's result.

    Without ``restart`` every SCF is a fresh one: a result then depends on the positions alone,
    and a run that was killed goes on as if it had not been.

    ``last_label`` holds the last result in the units of the project: ASE's own constants are
    of another CODATA year.
    """

    implemented_properties = ("energy", "forces")

    def __init__(self, engine: Engine, accuracy: float, restart: bool = True) -> None:
        super().__init__()
        self.restart = restart
        self.engine = engine
        self.accuracy = accuracy
        self.last_label: Label | None = None
        self._interface: Calculator | None = None
        self._last: Result | None = None

    def calculate(self, atoms=None, properties=None, system_changes=all_changes) -> None:
        """Evaluate; atoms and cell stay those of the first call."""
        super().calculate(atoms, properties, system_changes)
        cell = self.atoms.cell.array if self.atoms.pbc.any() else None
        if self._interface is None or not self.restart:
            self._last = None
            self._interface = self.engine._interface(
                self.atoms.numbers, self.atoms.positions, cell, self.accuracy
            )
        else:
            self._interface.update(self.atoms.positions / BOHR)
        self._last = self._interface.singlepoint(self._last)
        self.last_label = self.engine._convert(self._last, cell)
        self.results = {
            "energy": self.last_label.energy / EV,
            "forces": self.last_label.forces / EV,
        }
