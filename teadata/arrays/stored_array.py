"""An array that stays in its file until it is indexed."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self, overload

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin
from numpy.typing import ArrayLike, DTypeLike, NDArray

from teadata.arrays.base import SeekableFile
from teadata.lookup import picked
from teadata.typing import Floats, Ints

IN_MEMORY = 1 << 26
"""Arrays of more bytes than this, in double precision, stay in their file if it is seekable."""

RUN = 256
"""Scattered rows are read in runs of this many rows."""


SPAN = 1 << 20
"""Rows that are read together where parts of them are asked for in order."""


@dataclass(frozen=True, eq=False, repr=False)
class _Stored(NDArrayOperatorsMixin):
    """Rows of an array of a file, which are selected without reading them.

    Indexed as a NumPy array is, it reads what is asked for.  NumPy's functions, operators and
    comparisons read all of it.  Can be pickled: what it is unpickled as reads the same file.

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

    dtype: ClassVar[np.dtype[Any]]

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

    @property
    def size(self) -> int:
        """Number of values."""
        return math.prod(self.shape)

    def __repr__(self) -> str:
        return (
            f"<{type(self).__name__} {self.name} of {self.file.label}, shape {self.shape}; "
            "[:] reads it>"
        )

    def __getattr__(self, name: str) -> Any:
        said = f"{type(self).__name__!r} object has no attribute {name!r}"
        if not name.startswith("_") and hasattr(np.ndarray, name):
            said += (
                "; its numbers are in their file still, [:] reads them as an array, which has it"
            )
        raise AttributeError(said, name=name, obj=self)

    def __array__(self, dtype: DTypeLike = None, copy: bool | None = None) -> NDArray[Any]:
        if copy is False:
            raise ValueError("what is in a file cannot be an array without a copy")
        return self._rows(slice(None)).astype(dtype or self.dtype, copy=False)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        if any(isinstance(array, _Stored) for array in options.get("out", ())):
            raise TypeError(f"{self!r} cannot be changed; change what [:] reads")
        read = [one[:] if isinstance(one, _Stored) else one for one in inputs]
        return getattr(ufunc, method)(*read, **options)

    def __iter__(self) -> Iterator[Any]:
        step = max(1, SPAN // max(1, math.prod(self.row_shape)))
        for start in range(0, len(self), step):
            yield from self[start : start + step]

    def __getitem__(self, index: Any) -> Any:
        """Read some of the rows, or one, or parts of them."""
        first, *rest = index if isinstance(index, tuple) and index else (index,)
        if first is None or first is Ellipsis or isinstance(first, tuple):
            return self._rows(slice(None))[index]
        some = self._rows(first)
        if not rest:
            return some
        if some.ndim < self.ndim:
            return some[tuple(rest)]
        rows = slice(None) if isinstance(first, slice) else np.arange(len(some))
        return some[rows, *rest]

    @abstractmethod
    def _rows(self, index: slice | ArrayLike) -> NDArray[Any]:
        """Read some of the rows, or one."""

    def take(self, index: slice | ArrayLike) -> Self:
        """Select rows without reading them."""
        known = range(len(self)) if self.rows is None else self.rows
        if isinstance(index, slice):
            return replace(self, rows=known[index])
        places = picked(index, len(known))
        if not isinstance(known, range):
            return replace(self, rows=known[places])
        rows = as_range(places)
        if isinstance(rows, range):
            return replace(self, rows=known[rows.start : rows.stop])
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


@dataclass(frozen=True, eq=False, repr=False)
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

    dtype: ClassVar[np.dtype[Any]] = np.dtype(np.float64)

    @overload
    def __mul__(self, factor: float) -> StoredArray: ...

    @overload
    def __mul__(self, factor: Any) -> Any: ...

    def __mul__(self, factor: Any) -> Any:
        """Multiply by a number, without reading, or by anything else."""
        if np.ndim(factor):
            return super().__mul__(factor)
        return replace(self, factors=(*self.factors, factor))

    def __neg__(self) -> StoredArray:
        return self * -1.0

    def reordered(self, order: Ints) -> StoredArray:
        """Select entries of each row, in this order, without reading them."""
        return replace(self, order=order if self.order is None else self.order[order])

    def _rows(self, index: slice | ArrayLike) -> Floats:
        values = self._read(index).astype(np.float64, copy=False)
        if self.order is not None:
            values = np.take(values, self.order, axis=-len(self.row_shape))
        for factor in self.factors:
            if factor != 1.0:
                values = values * factor
        return values


@dataclass(frozen=True, eq=False, repr=False)
class StoredInts(_Stored):
    """Integers (N, …) in a file, such as ids; indexing reads them in 64 bits."""

    dtype: ClassVar[np.dtype[Any]] = np.dtype(np.int64)

    def _rows(self, index: slice | ArrayLike) -> Ints:
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
