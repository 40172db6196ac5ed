"""What the formats of arrays share: metadata, units, precision, which fields there are."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from teadata.errors import DataError
from teadata.frames import OPTIONAL, Frames

LAYOUT = "tea-frames-1"
"""Layout that a file of frames names in its metadata."""

UNITS = {
    "positions": "Å",
    "energies": "kcal/mol",
    "forces": "kcal/mol/Å",
    "cell": "Å",
    "stress": "kcal/mol/Å³",
    "temperatures": "K",
}
"""Unit of each field of frames that has one."""

CHUNK = 256
"""Frames that HDF5 and Zarr compress together, and so read together."""


def metadata(name: str, theory: str) -> dict[str, str]:
    """What a file says of all its frames: layout, name, level of theory and units."""
    return {
        "layout": LAYOUT,
        "name": name,
        "theory": theory,
        "energy_unit": "kcal/mol",
        "length_unit": "Å",
    }


def check_layout(path: Path, found: object) -> None:
    """Refuse a file that does not name this layout.

    Raises
    ------
    DataError
        If the layout found, None for none at all, is another one.
    """
    if found != LAYOUT:
        raise DataError(f"{path}: expected frames in the layout {LAYOUT!r}, found {found!r}")


def present(path: Path, names: Container[str]) -> list[str]:
    """Which fields of frames are among the names of a file's arrays.

    Raises
    ------
    DataError
        If one is not there that all frames have.
    """
    wanted = [field.name for field in fields(Frames)]
    missing = [name for name in wanted if name not in names and name not in OPTIONAL]
    if missing:
        raise DataError(f"{path}: the file has no {', '.join(missing)}")
    return [name for name in wanted if name in names]


def compact(array: NDArray[np.generic]) -> NDArray[np.generic]:
    """The array in the smallest of float32/float64, int32/int64 that holds it bit for bit."""
    for narrow, wide in ((np.float32, np.float64), (np.int32, np.int64)):
        if array.dtype == wide:
            with np.errstate(over="ignore", invalid="ignore"):
                small = array.astype(narrow)
            if np.array_equal(small.astype(wide).view(np.int64), array.view(np.int64)):
                return small
    return array
