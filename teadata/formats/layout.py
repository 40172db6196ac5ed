"""What HDF5, Zarr and parquet files of frames share: metadata, units, precision, fields."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from teadata.errors import DataError, UsageError
from teadata.frames import OPTIONAL, Frames
from teadata.units import INSIDE, UnitSystem

LAYOUT = "tea-frames-1"
"""Name of the layout, which every file of frames states in its metadata."""

UNITS = INSIDE.names
"""Unit of each field that has one, in a file in kcal/mol and Å."""

NOTHING: Mapping[str, str] = {}
"""What a file states besides name, level of theory and units, where that is nothing."""

CHUNK = 256
"""Frames in one chunk of an HDF5 or Zarr array: they are compressed and read together."""


def metadata(
    name: str, theory: str, units: UnitSystem = INSIDE, texts: Mapping[str, str] = NOTHING
) -> dict[str, str]:
    """Metadata of a file of frames: layout, name, level of theory, units, and other texts."""
    return {
        "layout": LAYOUT,
        "name": name,
        "theory": theory,
        "energy_unit": units.energy,
        "length_unit": units.length,
        **units.further,
        **texts,
    }


def stated_units(path: Path, attributes: Mapping[str, Any]) -> UnitSystem:
    """The units that a file's metadata state.

    Raises
    ------
    DataError
        If they state none, or unknown ones.
    """
    try:
        energy, length = str(attributes["energy_unit"]), str(attributes["length_unit"])
        return UnitSystem(energy, length, str(attributes.get("force_unit", "")))
    except (KeyError, UsageError) as error:
        raise DataError(f"{path}: its metadata do not state its units: {error}") from None


def converted(frames: Frames, units: UnitSystem) -> Frames:
    """The numbers of frames in other units, for a writer; frames proper are in kcal/mol and Å."""
    if units == INSIDE:
        return frames
    return _scaled(frames, {name: 1 / factor for name, factor in units.factors.items()})


def restored(frames: Frames, units: UnitSystem) -> Frames:
    """Frames in kcal/mol and Å, of numbers that were read in a file's units."""
    return frames if units == INSIDE else _scaled(frames, units.factors)


def _scaled(frames: Frames, factors: Mapping[str, float]) -> Frames:
    values = {field.name: getattr(frames, field.name) for field in fields(frames)}
    for name, factor in factors.items():
        if values[name] is not None and factor != 1:
            values[name] = values[name] * factor
    return Frames(**values)


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
