"""Rows that come some at a time, put together in no more memory than they take in the end."""

from __future__ import annotations

import numpy as np

from teadata.typing import Array


class GrowingArray:
    """An array (N, …) to which rows are added.

    Room for more of them is asked for ahead, and the system gives memory only to what is written.

    Parameters
    ----------
    rows
        The first rows.
    """

    def __init__(self, rows: Array) -> None:
        self._array = np.array(rows, order="C")  # one row after another
        self._count = len(rows)

    def __len__(self) -> int:
        return self._count

    def append(self, rows: Array) -> None:
        """Add rows of the same shape, and of the same type or one that both can become."""
        kind = np.promote_types(self._array.dtype, rows.dtype)
        if kind != self._array.dtype:
            self._array = self._array.astype(kind)
        stop = self._count + len(rows)
        if stop > len(self._array):
            self._resize(stop + stop // 8)
        self._array[self._count : stop] = rows
        self._count = stop

    def whole(self) -> Array:
        """All rows; none can be added any more."""
        self._resize(self._count)
        return self._array

    def _resize(self, count: int) -> None:
        # nothing else refers to the array's memory
        self._array.resize((count, *self._array.shape[1:]), refcheck=False)
