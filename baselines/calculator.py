"""A prediction function as an ASE calculator."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from teadata import Frames
from teadata.errors import MissingExtraError
from teadata.units import EV

try:
    from ase.calculators.calculator import Calculator, all_changes
except ImportError:
    raise MissingExtraError("ase", "ase", "an ASE calculator") from None

if TYPE_CHECKING:
    from ase import Atoms

Predict = Callable[[Frames], tuple[NDArray[np.float64], NDArray[np.float64]]]


class BaselineCalculator(Calculator):  # type: ignore[misc]
    """Energies in eV and forces in eV/Å, one structure at a time.

    Parameters
    ----------
    predict
        Gives energies (N,) in kcal/mol and forces (N, A, 3) in kcal/mol/Å of frames.
    """

    implemented_properties = ("energy", "forces")

    def __init__(self, predict: Predict, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.predict = predict

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Any = ("energy",),
        system_changes: Any = all_changes,
    ) -> None:
        """Fill ``results`` with energy (eV) and forces (A, 3) (eV/Å)."""
        super().calculate(atoms, properties, system_changes)
        atoms = self.atoms
        frame = Frames(
            numbers=atoms.numbers,
            positions=atoms.positions[None],
            energies=np.zeros(1),
            forces=np.zeros((1, len(atoms), 3)),
            cell=atoms.cell.array[None] if atoms.cell.rank else None,
            pbc=atoms.pbc,
        )
        energies, forces = self.predict(frame)
        self.results = {"energy": float(energies[0]) / EV, "forces": forces[0] / EV}
