"""An ASE calculator with charges."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from baselines.toolkit.calculator import BaselineCalculator, frame_of
from teadata.errors import MissingExtraError
from teadata.units import EV

try:
    from ase.calculators.calculator import Calculator, all_changes
except ImportError:
    raise MissingExtraError("ase", "ase", "an ASE calculator") from None

if TYPE_CHECKING:
    from ase import Atoms

    from baselines.physnet.model import PhysNet


class PhysNetCalculator(BaselineCalculator):
    """Energy in eV, forces in eV/Å, charges in e, and their dipole moment in e Å.

    Traced once, whatever the atoms are.

    Parameters
    ----------
    model
        A trained model.
    """

    implemented_properties: tuple[str, ...] = ("energy", "forces", "charges", "dipole")

    def __init__(self, model: PhysNet, **kwargs: Any) -> None:
        super().__init__(model, **kwargs)
        self.model: PhysNet = model

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Any = ("energy",),
        system_changes: Any = all_changes,
    ) -> None:
        """Fill ``results`` with energy (eV), forces (A, 3) (eV/Å), charges (A,) and dipole (3,)."""
        Calculator.calculate(self, atoms, properties, system_changes)
        found = self.model.predict_charged(frame_of(self.atoms))
        charges = found.charges[0]
        self.results = {
            "energy": float(found.energies[0]) / EV,
            "forces": found.forces[0] / EV,
            "charges": charges,
            "dipole": charges @ self.atoms.positions,
        }
