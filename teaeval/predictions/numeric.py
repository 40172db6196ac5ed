"""Numbers of a prediction file: real ones in double precision, integers exactly."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from teadata.arrays import ArrayFile, StoredArray, StoredInts
from teadata.typing import Array
from teaeval.predictions.findings import Finding

KINDS: Mapping[str, type] = {
    "energy": np.float64,
    "forces": np.float64,
    "positions": np.float64,
    "cell": np.float64,
    "frame_id": np.int64,
    "numbers": np.int64,
}
"""The type of each numeric field of a prediction."""


def listed_numbers(file: ArrayFile) -> Array:
    """The atomic numbers that a file's attribute ``numbers`` lists as JSON, (A,).

    Raises
    ------
    DataError
        If it is no such list.
    """
    try:
        found = np.array(json.loads(file.attributes["numbers"]))
    except (ValueError, RecursionError):
        found = np.empty(0)
    if found.dtype.kind not in "iu" or found.ndim != 1:
        raise file.error(
            "expected a list of atomic numbers in the attribute numbers, such as [6, 1, 1], found "
            f"{file.attributes['numbers'][:60]!r}"
        )
    return found


def _from_texts(ids: Array) -> Array:
    """Frame ids, integers where all are texts of digits, as 000123 in extended XYZ."""
    if ids.dtype.kind not in "SUO" or not ids.size:
        return ids
    words = [str(i.decode(errors="replace") if isinstance(i, bytes) else i) for i in ids.flat]
    if not all(word.isascii() and word.isdigit() and len(word) < 19 for word in words):
        return ids
    return np.array([int(word) for word in words], np.int64).reshape(ids.shape)


def convert_numbers(fields: dict[str, Any]) -> list[Finding]:
    """Convert the numeric fields to the right type, in place; report those that cannot be.

    An integer is exact or refused: none wraps, none is rounded.
    """
    problems = []
    for name, dtype in KINDS.items():
        if name not in fields or isinstance(fields[name], StoredArray | StoredInts):
            continue
        value = fields[name]
        if name == "frame_id":
            value = _from_texts(value)
        numeric = value.dtype.kind in ("iuf" if dtype is np.float64 else "iu")
        if dtype is np.int64 and numeric | (value.dtype.kind == "f"):
            # Beyond 64 bits, or beyond what a float holds exactly, another integer would come.
            most = 2**53 if value.dtype.kind == "f" else 2**63 - 1
            numeric = bool(((value == np.round(value)) & (np.abs(value) <= most)).all())
        if not numeric:
            problems.append(
                Finding.error(
                    f"type-of-{name}",
                    expected="real numbers" if dtype is np.float64 else "integers",
                    found=f"values of type {value.dtype}",
                    remedy=f"save {name} as a plain array of numbers",
                )
            )
            continue
        fields[name] = value.astype(dtype)
    if "energy" in fields and fields["energy"].ndim == 2 and fields["energy"].shape[1] == 1:
        fields["energy"] = fields["energy"][:, 0]
    return problems
