"""What HDF5, Zarr and parquet files of frames share: metadata, units, precision, fields."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from teadata.errors import DataError
from teadata.frames import OPTIONAL, Frames

LAYOUT = "tea-frames-1"
"""Name of the layout, which every file of frames states in its metadata."""

UNITS = {
    "positions": "Å",
    "energies": "kcal/mol",
    "forces": "kcal/mol/Å",
    "cell": "Å",
    "stress": "kcal/mol/Å³",
    "temperatures": "K",
}
"""Unit of each field that has one."""

CHUNK = 256
"""Frames in one chunk of an HDF5 or Zarr array: they are compressed and read together."""


def metadata(name: str, theory: str) -> dict[str, str]:
    """Metadata of a file of frames: layout, name, level of theory and units."""
    return {
        "layout": LAYOUT,
        "name": name,
        "theory": theory,
        "energy_unit": "kcal/mol",
        "length_unit": "Å",
    }


def check_layout(path: Path, layout: object) -> None:
    """Refuse a file whose metadata name another layout than :data:`LAYOUT`.

    Raises
    ------
    DataError
        If `layout` is another one, or None.
    """
    if layout != LAYOUT:
        raise DataError(f"{path}: expected frames in the layout {LAYOUT!r}, found {layout!r}")


def present(path: Path, names: Container[str]) -> list[str]:
    """Fields of :class:`Frames` that a file has, by the names of its arrays.

    Raises
    ------
    DataError
        If a field is missing that is not optional.
    """
    wanted = [field.name for field in fields(Frames)]
    missing = [name for name in wanted if name not in names and name not in OPTIONAL]
    if missing:
        raise DataError(f"{path}: the file has no {', '.join(missing)}")
    return [name for name in wanted if name in names]


def compact(array: NDArray[np.generic]) -> NDArray[np.generic]:
    """Store an array in 32 bits per number if that keeps every bit of it, else in 64."""
    for narrow, wide in ((np.float32, np.float64), (np.int32, np.int64)):
        if array.dtype == wide:
            with np.errstate(over="ignore", invalid="ignore"):
                small = array.astype(narrow)
            if np.array_equal(small.astype(wide).view(np.int64), array.view(np.int64)):
                return small
    return array
