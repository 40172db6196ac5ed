"""The columns of a frame's atoms, and the words that stand in them."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from teadata.arrays.images import NUMBERS
from teadata.elements import NUMBERS as ATOMIC_NUMBERS
from teadata.typing import Array

SYMBOLS = ("species", "symbols", "symbol", "element", "elements")
"""Names of the column of chemical symbols."""

ATOMIC = ("Z", "z", "numbers", "atomic_numbers")
"""Names of a column of atomic numbers."""

PLAIN = "species:S:1:pos:R:3"
"""The columns of a frame that names none."""

LOGICAL = {"T": True, "F": False, "True": True, "False": False, "1": True, "0": False}
"""Words of a column of logicals."""

TYPES = {"R": pa.float64(), "I": pa.int64()}
"""What the words of columns of numbers are converted to."""


class Column(NamedTuple):
    """A column: its name, type (S, R, I or L), values of a line, and the first of them."""

    name: str
    kind: str
    width: int
    start: int


@lru_cache(16)
def columns_of(text: str) -> tuple[Column, ...]:
    """The columns that ``Properties`` names.

    Raises
    ------
    ValueError
        If it is not name:type:count, …
    """
    parts, columns, start = text.split(":"), [], 0
    if len(parts) % 3:
        raise ValueError
    for name, kind, width in zip(parts[::3], parts[1::3], parts[2::3], strict=True):
        if not name or kind not in ("S", "R", "I", "L") or not width.isdigit() or len(width) > 12:
            raise ValueError
        if int(width) == 0:
            raise ValueError
        columns.append(Column(name, kind, int(width), start))
        start += int(width)
    return tuple(columns)


def converted(words: pa.Array, column: Column) -> Array | None:
    """The values of a column, of its words one after another.

    None if a word may be wrong, or is written as Fortran does: :mod:`careful` looks at each.
    """
    if column.kind in ("S", "L"):
        unique = words.dictionary_encode()
        known: Array = np.array(unique.dictionary.to_pylist(), object)
        if column.kind == "L":
            if {*known} - {*LOGICAL}:
                return None
            known = np.array([LOGICAL[word] for word in known], np.bool_)
        elif column.name in SYMBOLS:
            known = np.array([number_of(word) for word in known], np.int64)
        return np.asarray(known[unique.indices.to_numpy()])
    if strange(words, column.kind):
        return None
    try:
        return np.asarray(words.cast(TYPES[column.kind]).to_numpy(zero_copy_only=False))
    except pa.ArrowInvalid:
        return None


def strange(words: pa.Array, kind: str) -> bool:
    """Whether Arrow would take for numbers what none are: nan(1), or an integer 0x10."""
    if kind == "R":
        return bool(pc.any(pc.match_substring(words, "(")).as_py())
    return pc.all(pc.match_substring_regex(words, "^[+-]?[0-9]+$")).as_py() is False


def number_of(symbol: str) -> int:
    """The atomic number of a symbol, or of itself; 0 if it is neither."""
    if symbol.isascii() and symbol.isdigit():
        return int(symbol) if len(symbol) < 4 else 0
    return ATOMIC_NUMBERS.get(symbol, ATOMIC_NUMBERS.get(symbol.capitalize(), 0))


def with_numbers(blocks: dict[str, Array]) -> dict[str, Array]:
    """Columns, those of symbols or atomic numbers replaced by the atoms' numbers.

    Raises
    ------
    ValueError
        If there is neither, or they contradict each other.
    """
    symbols = next((name for name in SYMBOLS if name in blocks), None)
    atomic = next((name for name in ATOMIC if name in blocks), None)
    if symbols is None and atomic is None:
        raise ValueError(
            f"expected a column of chemical symbols (species:S:1), found {', '.join(blocks)}"
        )
    found = [blocks.pop(name) for name in (symbols, atomic) if name is not None]
    if not np.array_equal(found[0], found[-1]):
        raise ValueError(f"the columns {symbols} and {atomic} contradict each other")
    return blocks | {NUMBERS: found[0].astype(np.int64)}


def same(one: Array, other: Array) -> bool:
    """Whether two arrays are the same, NaN in the same places."""
    nan = one.dtype.kind == "f" and other.dtype.kind == "f"
    return one is other or np.array_equal(one, other, equal_nan=nan)
