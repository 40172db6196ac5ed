"""A trained model as an ASE calculator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from teadata import Frames
from teadata.errors import MissingExtraError
from teadata.units import EV

try:
    from ase.calculators.calculator import Calculator, all_changes
    from ase.stress import full_3x3_to_voigt_6_stress
except ImportError:
    raise MissingExtraError("ase", "ase", "an ASE calculator") from None

if TYPE_CHECKING:
    from ase import Atoms

    from baselines.predicted import Predicted
    from baselines.protocol import Baseline
    from teadata.typing import Floats


class BaselineCalculator(Calculator):  # type: ignore[misc]
    """Energy in eV, forces in eV/Å and stress in eV/Å³, one structure at a time.

    Stress is there where the model has it and the structure a cell.

    Parameters
    ----------
    model
        A trained model.
    """

    implemented_properties: tuple[str, ...] = ("energy", "forces", "stress")

    def __init__(self, model: Baseline[Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.model = model

    def predict(self, frames: Frames) -> tuple[Floats, Floats]:
        """Energies (N,) in kcal/mol and forces (N, A, 3) in kcal/mol/Å of many frames at once.

        ``teaeval predict`` takes this way where a calculator has it.
        """
        predicted = self.model.predict(frames)
        return predicted.energies, predicted.forces

    def predicted(self, atoms: Atoms) -> Predicted:
        """What the model predicts of one structure, in kcal/mol and Å; labels of one frame."""
        return self.model.predict(frame_of(atoms))

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Any = ("energy",),
        system_changes: Any = all_changes,
    ) -> None:
        """Fill ``results`` with energy (eV), forces (A, 3) (eV/Å) and stress (6,) (eV/Å³)."""
        super().calculate(atoms, properties, system_changes)
        predicted = self.predicted(self.atoms)
        self.results = {
            "energy": float(predicted.energies[0]) / EV,
            "forces": predicted.forces[0] / EV,
        }
        if predicted.stress is not None:
            self.results["stress"] = full_3x3_to_voigt_6_stress(predicted.stress[0]) / EV


def frame_of(atoms: Atoms) -> Frames:
    """The atoms as one frame without labels."""
    return Frames(
        numbers=atoms.numbers,
        positions=atoms.positions[None],
        energies=np.zeros(1),
        forces=np.zeros((1, len(atoms), 3)),
        cell=atoms.cell.array[None] if atoms.cell.rank else None,
        pbc=atoms.pbc,
    )
