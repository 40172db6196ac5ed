"""What a model predicts, and whom it tells how far it is."""

from __future__ import annotations

from typing import NamedTuple

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
        (N, 3, 3) in kcal/mol/Å³; None for a model without stress, or frames without a cell.
    """

    energies: Floats
    forces: Floats
    stress: Floats | None = None
