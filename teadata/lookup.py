"""Which row has each id, found a piece at a time: ids may be in memory, in a file, or implied."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from teadata.errors import DataError
from teadata.typing import Ints

PIECE = 1 << 20
"""Ids that are looked at together."""

Rows = NDArray[np.signedinteger[Any]]
"""Rows (n,), in 32 bits where that is enough."""


class Integers(Protocol):
    """Integers (n,), in memory or not."""

    def __len__(self) -> int:
        """Number of them."""
        ...

    def __getitem__(self, index: slice, /) -> Ints:
        """Some of them, as an array."""
        ...


def picked(index: ArrayLike, count: int) -> Ints:
    """Rows (n,) that an index picks among `count`, as NumPy does: a mask, integers, or one integer.

    Negative ones count from the end.  For one integer, the row has no dimension.

    Raises
    ------
    IndexError
        If it is neither, or a row is not there.
    """
    rows = np.asarray(index)
    if rows.dtype == np.bool_:
        if rows.shape != (count,):
            raise IndexError(f"expected a mask of shape {(count,)}, found {rows.shape}")
        return np.flatnonzero(rows)
    if rows.shape == (0,):  # an empty list is of no integer type
        return np.empty(0, np.int64)
    if rows.dtype.kind not in "iu" or rows.ndim > 1:
        raise IndexError(
            "expected a slice, a mask, an integer or a list of integers, found "
            f"{' '.join(repr(index).split()):.60}"
        )
    rows = rows.astype(np.int64)
    if not -count <= rows.min() <= rows.max() < count:
        raise IndexError(f"rows {rows.min()} to {rows.max()} of {count}")
    return np.where(rows < 0, rows + count, rows)


@dataclass(frozen=True)
class Consecutive:
    """Integers (n,) that follow each other; indexing makes those that are asked for.

    Parameters
    ----------
    first
        The first.
    count
        How many there are.
    """

    first: int
    count: int

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: slice | ArrayLike) -> Ints:
        """Some of them, as an array."""
        if isinstance(index, slice):
            some = range(self.first, self.first + self.count)[index]
            return np.arange(some.start, some.stop, some.step, dtype=np.int64)
        found: Ints = self.first + picked(index, self.count)
        return found


class Gathered:
    """Integers that come in pieces, held without memory as long as they follow each other."""

    def __init__(self) -> None:
        self._pieces: list[Ints | Consecutive] = []
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, values: Ints) -> None:
        """Take in the next ones."""
        self._count += len(values)
        piece: Ints | Consecutive = values.astype(np.int64, copy=False)
        if len(values) and follow(values):
            piece = Consecutive(int(values[0]), len(values))
            last = self._pieces[-1] if self._pieces else None
            if isinstance(last, Consecutive) and last.first + last.count == piece.first:
                piece = Consecutive(last.first, last.count + piece.count)
                self._pieces.pop()
        self._pieces.append(piece)

    def joined(self) -> Ints | Consecutive:
        """All of them."""
        if len(self._pieces) == 1:
            return self._pieces[0]
        values, start = np.empty(self._count, np.int64), 0
        for piece in self._pieces:
            values[start : start + len(piece)] = piece[:]
            start += len(piece)
        return values


def follow(values: Integers) -> bool:
    """Whether each of some integers is one more than the one before."""
    if isinstance(values, Consecutive) or not len(values):
        return True
    first, last = values[:1].item(), values[-1:].item()
    if last - first != len(values) - 1:
        return False
    return all(
        np.array_equal(values[part], np.arange(first + part.start, first + part.stop))
        for part in _parts(len(values))
    )


def find_rows(known: Integers, ids: Integers) -> Rows | range:
    """Row of each id in `known`, (n,); −1 where it is missing.

    They are a range if the ids are those that are known, in their order.
    """
    count = len(known)
    if count == len(ids) and all(np.array_equal(known[part], ids[part]) for part in _parts(count)):
        return range(count)
    rows = no_rows(len(ids), count)
    if not count:
        return rows
    if follow(known):
        first, last = known[:1].item(), known[-1:].item()
        for part in _parts(len(ids)):
            wanted = ids[part]
            there = (first <= wanted) & (wanted <= last)
            rows[part][there] = wanted[there] - first
        return rows
    every = known[:]
    order = np.argsort(every, kind="stable")
    for part in _parts(len(ids)):
        wanted = ids[part]
        place = np.searchsorted(every, wanted, sorter=order)
        found = order[np.minimum(place, count - 1)]
        rows[part] = np.where(every[found] == wanted, found, -1)
    return rows


def no_rows(length: int, count: int) -> Rows:
    """Rows (length,) among `count` that are to be found still: −1."""
    rows: Rows = np.full(length, -1, np.int32 if count < 1 << 31 else np.int64)
    return rows


def rows_of(known: Integers, ids: Integers) -> Rows | range:
    """As :func:`find_rows`, where every id must be known.

    Raises
    ------
    DataError
        If an id is not in `known`.
    """
    rows = find_rows(known, ids)
    if not isinstance(rows, range):
        unknown = np.flatnonzero(rows < 0)
        if len(unknown):
            first = ids[unknown[0] : unknown[0] + 1].item()
            raise DataError(f"{len(unknown)} unknown frame ids, the first is {first}")
    return rows


def as_array(rows: Rows | range) -> Ints:
    """Rows as an array in 64 bits."""
    if isinstance(rows, range):
        return np.arange(rows.start, rows.stop)
    return rows.astype(np.int64, copy=False)


def _parts(count: int) -> Iterator[slice]:
    """Slices of that many ids, in order."""
    return (slice(i, min(i + PIECE, count)) for i in range(0, count, PIECE))
