"""Files of arrays with one row per frame: npz, HDF5, Zarr, parquet, extended XYZ, ASE's."""

from __future__ import annotations

import importlib
from pathlib import Path

from teadata.arrays.base import ArrayFile, SeekableFile, text
from teadata.arrays.stored_array import IN_MEMORY, StoredArray
from teadata.errors import unknown_name
from teadata.typing import Array

__all__ = [
    "IN_MEMORY",
    "Array",
    "ArrayFile",
    "SeekableFile",
    "StoredArray",
    "open_arrays",
    "suffix_of",
    "text",
]

CLASSES = {
    "npz": "npz.NpzFile",
    "hdf5": "hdf5.HDF5File",
    "zarr": "zarr.ZarrFile",
    "parquet": "parquet.ParquetFile",
    "extxyz": "extxyz.ExtxyzFile",
    "ase": "ase_files.AseFile",
}
"""Module and class that read each format."""

SUFFIXES = {
    ".npz": "npz",
    ".h5": "hdf5",
    ".hdf5": "hdf5",
    ".zarr": "zarr",
    ".zip": "zarr",
    ".parquet": "parquet",
    ".xyz": "extxyz",
    ".extxyz": "extxyz",
    ".xyz.gz": "extxyz",
    ".extxyz.gz": "extxyz",
    ".traj": "ase",
    ".db": "ase",
}
"""Format of each file suffix."""


def suffix_of(path: Path) -> str:
    """The suffix of a path in small letters; of a compressed file that before .gz too."""
    suffix = path.suffix.lower()
    return Path(path.stem).suffix.lower() + suffix if suffix == ".gz" else suffix


def open_arrays(path: Path, format_name: str | None = None, label: str | None = None) -> ArrayFile:
    """Open a file of arrays; the suffix tells the format if none is named.

    Parameters
    ----------
    path
        File, or folder of a Zarr store.
    format_name
        One of :data:`CLASSES`; by default that of the suffix.
    label
        How errors name the file; by default its path.

    Raises
    ------
    UsageError
        If the suffix, or the format, is not known.
    DataError
        If the file is not readable as that.
    """
    if format_name is None:
        suffix = suffix_of(path)
        if suffix not in SUFFIXES:
            raise unknown_name("file suffix", suffix, SUFFIXES)
        format_name = SUFFIXES[suffix]
    if format_name not in CLASSES:
        raise unknown_name("format", format_name, CLASSES)
    module, name = CLASSES[format_name].split(".")
    file_class: type[ArrayFile] = getattr(importlib.import_module(f"teadata.arrays.{module}"), name)
    return file_class(path, label)
