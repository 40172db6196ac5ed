"""What a model predicts, and whom it tells how far it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and how much there is."""


def no_progress(task: str, done: int, total: int) -> None:
    """Report nothing."""


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
