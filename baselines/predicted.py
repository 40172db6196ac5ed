"""What a model predicts, and what can predict it."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from teadata import Frames
from teadata.typing import Floats


class Predicted(NamedTuple):
    """What a model predicts of N frames of A atoms.

    Parameters
    ----------
    energies
        (N,) in kcal/mol.
    forces
        (N, A, 3) in kcal/mol/Å.
    stress
        (N, 3, 3) in kcal/mol/Å³; None for a model without stress, or cells without a volume.
    charges
        (N, A) in e; None for a model without charges.
    """

    energies: Floats
    forces: Floats
    stress: Floats | None = None
    charges: Floats | None = None


class Predictor(Protocol):
    """Anything that predicts energies and forces of frames."""

    def predict(self, frames: Frames) -> Predicted:
        """Predict frames, in kcal/mol and Å."""
        ...
