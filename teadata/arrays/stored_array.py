"""An array that stays in its file until it is indexed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from teadata.arrays.base import SeekableFile
from teadata.typing import Floats, Ints

IN_MEMORY = 1 << 26
"""Arrays of more bytes than this, in double precision, stay in their file if it is seekable."""

RUN = 256
"""Scattered rows are read in runs of this many rows."""


@dataclass(frozen=True, eq=False)
class StoredArray:
    """Numbers (N, …) in a file; indexing reads them in double precision.

    Can be pickled: what it is unpickled as reads the same file.

    Parameters
    ----------
    file
        The file, HDF5 or Zarr.
    name
        Name of the array in it.
    row_shape
        Shape of a row.
    rows
        (N,) rows of the file's array that these are: a range where they follow each other; None
        for all of them.
    factors
        What values are multiplied by, one after another.
    order
        (A,) which of a row's entries, along its first axis, are taken; None for all in order.
    """

    file: SeekableFile
    name: str
    row_shape: tuple[int, ...]
    rows: Ints | range | None = None
    factors: tuple[float, ...] = ()
    order: Ints | None = None

    @classmethod
    def of(
        cls, file: SeekableFile, name: str, row_shape: tuple[int, ...] | None = None
    ) -> StoredArray:
        """An array of a file, its rows in the file's shape or another of as many numbers."""
        return cls(file, name, file.shape(name)[1:] if row_shape is None else row_shape)

    def __len__(self) -> int:
        return self.file.shape(self.name)[0] if self.rows is None else len(self.rows)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape, (N, …)."""
        return (len(self), *self.row_shape)

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    def __mul__(self, factor: float) -> StoredArray:
        return replace(self, factors=(*self.factors, factor))

    def __neg__(self) -> StoredArray:
        return self * -1.0

    def take(self, index: slice | ArrayLike) -> StoredArray:
        """Select rows without reading them."""
        known = range(len(self)) if self.rows is None else self.rows
        if isinstance(index, slice):
            return replace(self, rows=known[index])
        picked = np.asarray(index)
        # A mask, or rows; an empty list is of no integer type.
        mask = picked.dtype == np.bool_
        picked = np.flatnonzero(picked) if mask else picked.astype(np.int64, copy=False)
        if not isinstance(known, range):
            return replace(self, rows=known[picked])
        if len(picked) and not -len(known) <= picked.min() <= picked.max() < len(known):
            raise IndexError(f"rows {picked.min()} to {picked.max()} of {len(known)}")
        rows = as_range(picked)
        if isinstance(rows, range) and rows.start >= 0:
            return replace(self, rows=known[rows.start : rows.stop])
        places = np.where(picked < 0, picked + len(known), picked)
        return replace(self, rows=as_range(known.start + known.step * places))

    def reordered(self, order: Ints) -> StoredArray:
        """Select entries of each row, in this order, without reading them."""
        return replace(self, order=order if self.order is None else self.order[order])

    def __getitem__(self, index: slice | ArrayLike) -> Floats:
        """Read some of the rows."""
        rows = as_range(self.take(index).rows)
        values = self._read(rows).astype(np.float64, copy=False)
        values = values.reshape(len(rows), *self.row_shape)
        if self.order is not None:
            values = values[:, self.order]
        for factor in self.factors:
            if factor != 1.0:
                values = values * factor
        return values

    def _read(self, rows: Ints | range) -> NDArray[Any]:
        """Read rows of the file's array: contiguous ones at once, scattered ones run by run."""
        if isinstance(rows, range) and rows.step == 1:
            return self.file.section(self.name, rows.start, rows.start + len(rows))
        rows = np.asarray(rows)
        width = self.file.shape(self.name)[1:]
        values = np.empty((len(rows), *width), self.file.dtype(self.name))
        run = rows // RUN
        for i in np.unique(run).tolist():
            wanted = run == i
            start, stop = int(rows[wanted].min()), int(rows[wanted].max()) + 1
            values[wanted] = self.file.section(self.name, start, stop)[rows[wanted] - start]
        return values


def as_range(rows: Ints | range | None) -> Ints | range:
    """Rows as a range, if each follows the one before."""
    assert rows is not None
    if isinstance(rows, range) or not len(rows) or rows[-1] - rows[0] != len(rows) - 1:
        return rows
    if (np.diff(rows) == 1).all():
        return range(int(rows[0]), int(rows[-1]) + 1)
    return rows


def rows_taken(array: Floats | StoredArray, rows: Ints) -> Floats | StoredArray:
    """Select rows of an array: a view if possible; an array in a file stays there."""
    if isinstance(array, StoredArray):
        return array.take(rows)
    if len(rows) and (np.diff(rows) == 1).all():
        return array[int(rows[0]) : int(rows[-1]) + 1]
    return array[rows]
