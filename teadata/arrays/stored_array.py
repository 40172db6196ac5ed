"""An array that stays in its file until it is indexed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from teadata.arrays.base import SeekableFile
from teadata.typing import Floats, Ints

IN_MEMORY = 1 << 26
"""Arrays of more bytes than this, in double precision, stay in their file if it is seekable."""

RUN = 256
"""Scattered rows are read in runs of this many rows."""


SPAN = 1 << 20
"""Rows that are read together where parts of them are asked for in order."""


@dataclass(frozen=True, eq=False)
class _Stored:
    """Rows of an array of a file, which are selected without reading them.

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
    """

    file: SeekableFile
    name: str
    row_shape: tuple[int, ...]
    rows: Ints | range | None = None

    @classmethod
    def of(cls, file: SeekableFile, name: str, row_shape: tuple[int, ...] | None = None) -> Self:
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

    def take(self, index: slice | ArrayLike) -> Self:
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

    def _read(self, index: slice | ArrayLike) -> NDArray[Any]:
        """Read rows: contiguous ones at once, scattered ones run by run; or one."""
        if not isinstance(index, slice) and np.ndim(index) == 0:
            one: NDArray[Any] = self._read(np.atleast_1d(np.asarray(index)))[0]
            return one
        rows = as_range(self.take(index).rows)
        if isinstance(rows, range) and rows.step == 1:
            values = self.file.section(self.name, rows.start, rows.start + len(rows))
        else:
            values = self._run_by_run(np.asarray(rows))
        return values.reshape(len(rows), *self.row_shape)

    def _run_by_run(self, rows: Ints) -> NDArray[Any]:
        """Read scattered rows of the file's array."""
        width = self.file.shape(self.name)[1:]
        values = np.empty((len(rows), *width), self.file.dtype(self.name))
        order = np.argsort(rows, kind="stable")
        ascending = rows[order]
        ends = np.flatnonzero(np.diff(ascending // RUN)) + 1
        for begin, end in zip([0, *ends.tolist()], [*ends.tolist(), len(rows)], strict=True):
            some = ascending[begin:end]
            if len(some):
                found = self.file.section(self.name, int(some[0]), int(some[-1]) + 1)
                values[order[begin:end]] = found[some - some[0]]
        return values


@dataclass(frozen=True, eq=False)
class StoredArray(_Stored):
    """Numbers (N, …) in a file; indexing reads them in double precision.

    Parameters
    ----------
    factors
        What values are multiplied by, one after another.
    order
        (A,) which of a row's entries, along its first axis, are taken; None for all in order.
    """

    factors: tuple[float, ...] = ()
    order: Ints | None = None

    def __mul__(self, factor: float) -> StoredArray:
        return replace(self, factors=(*self.factors, factor))

    def __neg__(self) -> StoredArray:
        return self * -1.0

    def reordered(self, order: Ints) -> StoredArray:
        """Select entries of each row, in this order, without reading them."""
        return replace(self, order=order if self.order is None else self.order[order])

    def __getitem__(self, index: slice | ArrayLike) -> Floats:
        """Read some of the rows, or one."""
        values = self._read(index).astype(np.float64, copy=False)
        if self.order is not None:
            values = np.take(values, self.order, axis=-len(self.row_shape))
        for factor in self.factors:
            if factor != 1.0:
                values = values * factor
        return values


@dataclass(frozen=True, eq=False)
class StoredInts(_Stored):
    """Integers (N, …) in a file, such as ids; indexing reads them in 64 bits."""

    def __getitem__(self, index: slice | ArrayLike) -> Ints:
        """Read some of the rows, or one."""
        return self._read(index).astype(np.int64, copy=False)


class InSpans:
    """An array (N, …) of which parts are asked for in order; a file is read in longer spans.

    Its chunks may be much longer than the parts, and are read as a whole each time.
    """

    def __init__(self, array: Floats | StoredArray) -> None:
        self._array = array
        self._span, self._values = range(0), np.empty(0)

    def __getitem__(self, part: slice) -> Floats:
        """Rows from a start to an end."""
        if not isinstance(self._array, StoredArray):
            return self._array[part]
        if not (self._span.start <= part.start and part.stop <= self._span.stop):
            stop = min(max(part.stop, part.start + SPAN), len(self._array))
            self._span = range(part.start, stop)
            self._values = self._array[part.start : stop]
        return self._values[part.start - self._span.start : part.stop - self._span.start]


def as_range(rows: Ints | range | None) -> Ints | range:
    """Rows as a range, if each follows the one before."""
    assert rows is not None
    if isinstance(rows, range) or not len(rows) or rows[-1] - rows[0] != len(rows) - 1:
        return rows
    if (np.diff(rows) == 1).all():
        return range(int(rows[0]), int(rows[-1]) + 1)
    return rows


def rows_taken(array: Floats | StoredArray, rows: Ints | slice) -> Floats | StoredArray:
    """Select rows of an array: a view if possible; an array in a file stays there."""
    if isinstance(array, StoredArray):
        return array.take(rows)
    if isinstance(rows, slice):
        return array[rows]
    if len(rows) and (np.diff(rows) == 1).all():
        return array[int(rows[0]) : int(rows[-1]) + 1]
    return array[rows]
