"""A trained model as an ASE calculator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from baselines.toolkit.structures import volumes
from teadata import Frames
from teadata.errors import MissingExtraError
from teadata.output.display import html_fields
from teadata.units import EV

try:
    from ase.calculators.calculator import (
        Calculator,
        PropertyNotImplementedError,
        all_changes,
    )
    from ase.stress import full_3x3_to_voigt_6_stress
except ImportError:
    raise MissingExtraError("ase", "ase", "an ASE calculator") from None

if TYPE_CHECKING:
    from ase import Atoms

    from baselines.predicted import Predictor
    from teadata.typing import Floats


class BaselineCalculator(Calculator):  # type: ignore[misc]
    """Energy in eV, forces in eV/Å and, where the model has them, stress and charges.

    Stress (eV/Å³) needs a cell with a volume.  Charges are in e, and come with their dipole
    moment in e Å.

    Parameters
    ----------
    model
        A trained model.
    """

    implemented_properties: tuple[str, ...] = ("energy", "forces", "stress", "charges", "dipole")

    def __init__(self, model: Predictor, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.model = model

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.model!r})"

    def _repr_html_(self) -> str:
        return html_fields(type(self).__name__, {"model": repr(self.model)})

    def predict(self, frames: Frames) -> tuple[Floats, Floats]:
        """Predict energies (N,) in kcal/mol and forces (N, A, 3) in kcal/mol/Å of many frames.

        ``teaeval predict`` takes this way where a calculator has it.
        """
        predicted = self.model.predict(frames)
        return predicted.energies, predicted.forces

    def torch_sim_model(self) -> Any:
        """Make a model of torch-sim, for ``teaeval md run --engine torch-sim``.

        None of a model that has none.
        """
        make = getattr(self.model, "torch_sim_model", None)
        return None if make is None else make()

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Any = ("energy",),
        system_changes: Any = all_changes,
    ) -> None:
        """Fill ``results``: energy (eV), forces (A, 3) (eV/Å), and what else the model predicts.

        That is stress (6,) in eV/Å³, and charges (A,) in e with their dipole (3,) in e Å.

        Raises
        ------
        PropertyNotImplementedError
            If stress is asked for, and the model, or a cell without a volume, has none.
        DataError
            If no model has an energy of these atoms, or this one has none.
        """
        super().calculate(atoms, properties, system_changes)
        frame = frame_of(self.atoms)
        predicted = self.model.predict(frame)
        self.results = {
            "energy": float(predicted.energies[0]) / EV,
            "forces": predicted.forces[0] / EV,
        }
        if predicted.stress is not None:
            self.results["stress"] = full_3x3_to_voigt_6_stress(predicted.stress[0]) / EV
        elif "stress" in properties:
            raise PropertyNotImplementedError(self._no_stress(frame))
        if predicted.charges is not None:
            self.results["charges"] = predicted.charges[0]
            self.results["dipole"] = predicted.charges[0] @ self.atoms.positions

    def _no_stress(self, frame: Frames) -> str:
        if volumes(frame) is None:
            vectors = "no cell" if frame.cell is None else f"a cell {frame.cell[0].tolist()} Å"
            return (
                f"stress is energy per volume, and these atoms have {vectors}; expected three "
                "cell vectors that span a volume: set them, or leave stress out"
            )
        return f"{self.model!r} predicts no stress: leave it out, or take another model"


def frame_of(atoms: Atoms) -> Frames:
    """Make one frame, without labels, of the atoms."""
    return Frames(
        numbers=atoms.numbers,
        positions=atoms.positions[None],
        energies=np.zeros(1),
        forces=np.zeros((1, len(atoms), 3)),
        cell=atoms.cell.array[None] if atoms.cell.rank else None,
        pbc=atoms.pbc,
    )
