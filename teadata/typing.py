"""Types that all three packages use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
"""An array of any type."""

Floats = NDArray[np.float64]
"""An array in double precision."""

Ints = NDArray[np.int64]
"""An array of integers: rows, atoms, counts."""

Mask = NDArray[np.bool_]
"""An array of truth values."""

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and how much there is."""


def no_progress(task: str, done: int, total: int) -> None:
    """Report nothing."""
