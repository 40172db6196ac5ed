"""Arrays that a caller gives, as the type that they are kept in, without losing anything."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from teadata.elements import NUMBERS, SYMBOLS
from teadata.errors import DataError
from teadata.typing import Array


def converted(name: str, value: Any, dtype: DTypeLike) -> Array:
    """Make an array of a type of what a caller gives: arrays, lists, tensors.

    Parameters
    ----------
    name
        How errors name it.
    value
        What is given.
    dtype
        float64, int64 or bool.

    Raises
    ------
    DataError
        If it holds no numbers, or other ones than the type can hold.
    """
    kind = np.dtype(dtype).kind
    if isinstance(value, np.ma.MaskedArray) and kind == "f":  # what is masked is no number
        value = np.ma.filled(value.astype(np.float64), np.nan)
    if isinstance(value, np.ndarray) and value.dtype == dtype:
        return np.asarray(value)
    try:
        if hasattr(value, "detach"):  # a tensor, which may need a gradient, or be on a GPU
            value = value.detach().cpu()
        array = np.asarray(value)
        if array.dtype.kind not in ("biuf" if kind != "f" else "iuf") and array.size:
            raise TypeError(f"values are {array.dtype}")
        result = array.astype(dtype, copy=False)
    except (TypeError, ValueError, RuntimeError) as error:
        said = " ".join(str(error).split())
        raise DataError(f"{name}: expected an array of numbers, found {said:.120}") from None
    if kind == "i" and array.dtype.kind == "f" and not np.array_equal(result, array):
        raise DataError(f"{name}: expected whole numbers, found {_odd(array)}")
    return result


def _odd(array: Array) -> Any:
    """The first value that is no whole number."""
    flat = array.reshape(-1)
    return flat[flat != np.round(flat)][:1].tolist() or array.dtype


def atomic_numbers(value: Any) -> Array:
    """Atomic numbers (A,) of what a caller gives: numbers, or symbols.

    Raises
    ------
    DataError
        If one is of no element.
    """
    if not isinstance(value, np.ndarray) and not hasattr(value, "detach"):
        value = np.asarray(value)
    if getattr(getattr(value, "dtype", None), "kind", "") == "U":
        unknown = [symbol for symbol in value.reshape(-1).tolist() if symbol not in NUMBERS]
        if unknown:
            raise DataError(f"numbers: {unknown[0]!r} is the symbol of no element")
        value = np.array([NUMBERS[symbol] for symbol in value.reshape(-1).tolist()], np.int64)
    found = converted("numbers", value, np.int64)
    if found.size and not (found.min() > 0 and found.max() < len(SYMBOLS)):
        wrong = found[(found < 1) | (found >= len(SYMBOLS))]
        raise DataError(
            f"numbers: expected atomic numbers from 1 to {len(SYMBOLS) - 1}, found {wrong[0]}"
        )
    return found
