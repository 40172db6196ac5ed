"""What the formats of arrays share: layout name, precision, units."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

LAYOUT = "tea-frames-1"
"""Layout that a file of frames names in its metadata."""

UNITS = {
    "positions": "Å",
    "energies": "kcal/mol",
    "forces": "kcal/mol/Å",
    "cell": "Å",
    "stress": "kcal/mol/Å³",
}
"""Unit of each field of frames that has one."""


def compact(array: NDArray[np.generic]) -> NDArray[np.generic]:
    """The array in the smallest of float32/float64, int32/int64 that holds it bit for bit."""
    for narrow, wide in ((np.float32, np.float64), (np.int32, np.int64)):
        if array.dtype == wide:
            with np.errstate(over="ignore", invalid="ignore"):
                small = array.astype(narrow)
            if np.array_equal(small.astype(wide).view(np.int64), array.view(np.int64)):
                return small
    return array
