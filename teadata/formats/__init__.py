"""Read and write frames as files: HDF5, sGDML's npz, extended XYZ, parquet, Zarr."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from pathlib import Path

from teadata.arrays import suffix_of
from teadata.arrays.label_checksum import KEY, label_checksum
from teadata.errors import unknown_name, unknown_suffix
from teadata.formats.layout import NOTHING, converted
from teadata.frames import Frames
from teadata.units import INSIDE, UnitSystem

MODULES = {
    "hdf5": "teadata.formats.hdf5",
    "npz": "teadata.formats.npz",
    "extxyz": "teadata.formats.extxyz",
    "parquet": "teadata.formats.parquet",
    "zarr": "teadata.formats.zarr",
}
"""The module of each format: it has ``read(path)`` and ``write(path, frames, …)``."""

SUFFIXES = {
    ".h5": "hdf5",
    ".hdf5": "hdf5",
    ".npz": "npz",
    ".xyz": "extxyz",
    ".extxyz": "extxyz",
    ".xyz.gz": "extxyz",
    ".extxyz.gz": "extxyz",
    ".parquet": "parquet",
    ".zarr": "zarr",
    ".zip": "zarr",
}
"""Format of each file suffix."""


def format_of(path: Path) -> str:
    """Tell the format of a file by its suffix.

    Raises
    ------
    UsageError
        If no format has this suffix.
    """
    suffix = suffix_of(path)
    if suffix not in SUFFIXES:
        raise unknown_suffix(path, suffix, SUFFIXES)
    return SUFFIXES[suffix]


def _function(format_name: str, name: str) -> Callable[..., Frames | None]:
    if format_name not in MODULES:
        raise unknown_name("format", format_name, MODULES)
    function: Callable[..., Frames | None] = getattr(
        importlib.import_module(MODULES[format_name]), name
    )
    return function


def read(path: Path | str, format_name: str | None = None) -> Frames:
    """Read frames from a file; the suffix tells the format if none is named.

    Raises
    ------
    UsageError
        If the format is not known.
    DataError
        If the file is not readable as that format.
    """
    path = Path(path)
    frames = _function(format_name or format_of(path), "read")(path)
    assert frames is not None
    return frames


def write(
    path: Path | str,
    frames: Frames,
    format_name: str | None = None,
    *,
    name: str = "frames",
    theory: str = "unknown",
    units: UnitSystem = INSIDE,
    texts: Mapping[str, str] = NOTHING,
) -> None:
    """Write frames to a file, whole or not at all; the suffix tells the format if none is named.

    Parameters
    ----------
    path
        Where to; an existing file is replaced once the new one is whole.
    frames
        What to write, in kcal/mol and Å.
    format_name
        One of :data:`MODULES`; by default the format of the suffix.
    name, theory
        Name of the data and level of theory, kept by the formats that have a place for them.
    units
        What to write the numbers in; the file states it.
    texts
        What else the file is to state, e.g. ``dataset`` and ``subset``.

    Raises
    ------
    UsageError
        If the format is not known.
    DataError
        If the format cannot hold these frames.
    """
    path = Path(path)
    format_name = format_name or format_of(path)
    writer, frames = _function(format_name, "write"), converted(frames, units)
    if format_name != "extxyz":  # where every frame has a checksum
        texts = {**texts, KEY: label_checksum([(frames.energies, frames.forces)])}
    writer(path, frames, name=name, theory=theory, units=units, texts=texts)
