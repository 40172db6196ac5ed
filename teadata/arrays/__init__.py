"""Files of arrays with one row per frame: npz, HDF5, Zarr, parquet, extended XYZ, ASE's."""

from __future__ import annotations

import importlib
import re
from contextlib import suppress
from pathlib import Path

from teadata.arrays.base import ArrayFile, SeekableFile, text
from teadata.arrays.deepmd import is_deepmd
from teadata.arrays.stored_array import IN_MEMORY, StoredArray, StoredInts
from teadata.errors import EmptyFileError, PathError, unknown_name, unknown_suffix
from teadata.files import check_input
from teadata.locations import Location, RemoteFile
from teadata.typing import Array

__all__ = [
    "IN_MEMORY",
    "Array",
    "ArrayFile",
    "SeekableFile",
    "StoredArray",
    "StoredInts",
    "format_of",
    "open_arrays",
    "suffix_of",
    "text",
]

CLASSES = {
    "npz": "npz.NpzFile",
    "hdf5": "hdf5.HDF5File",
    "zarr": "zarr.ZarrFile",
    "parquet": "parquet.ParquetFile",
    "extxyz": "extxyz.reader.ExtxyzFile",
    "ase": "ase_files.AseFile",
    "output": "ase_outputs.OutputFile",
    "deepmd": "deepmd.DeepmdFile",
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
    ".out": "output",
    ".log": "output",
    ".castep": "output",
    ".nwo": "output",
    ".pwo": "output",
}
"""Format of each file suffix."""

OUTPUTS = re.compile(r"(?:.*[._-])?OUTCAR(?:[._-].*)?|.*vasprun.*\.xml(?:\.gz)?", re.IGNORECASE)
"""Names of VASP's outputs, which have no suffix of their own."""


def suffix_of(path: Path) -> str:
    """The suffix of a path in small letters; of a compressed file that before .gz too."""
    suffix = path.suffix.lower()
    return Path(path.stem).suffix.lower() + suffix if suffix == ".gz" else suffix


def format_of(path: Path) -> str | None:
    """The format of a file, or of a folder, by its name and what is in it; None if unknown."""
    if is_deepmd(path):
        return "deepmd"
    return _format_by_name(path)


def _format_by_name(path: Path) -> str | None:
    if OUTPUTS.fullmatch(path.name):
        return "output"
    return SUFFIXES.get(suffix_of(path))


def _known_format(path: Path) -> str:
    """The format of a file or folder; an error that says what is there instead."""
    if (known := format_of(path)) is not None:
        return known
    with suppress(EmptyFileError):  # what it is called is said first
        check_input(path, folders=True)
    if path.is_dir():
        raise PathError(
            f"{path}: is a folder, expected one file; it is neither of Zarr (.zarr) nor of "
            "DeePMD-kit (it has no type.raw)"
        )
    raise unknown_suffix(path, suffix_of(path), [*SUFFIXES, *OTHERS])


OTHERS = ("OUTCAR", "vasprun.xml")
"""Names that say what is in a file, as a suffix does."""


def open_arrays(
    path: Location, format_name: str | None = None, label: str | None = None
) -> ArrayFile:
    """Open a file of arrays; its name tells the format if none is named.

    Parameters
    ----------
    path
        File, or folder of a Zarr store or of DeePMD-kit; of an object store too, where a folder
        can only be of Zarr.
    format_name
        One of :data:`CLASSES`; by default that of the name.
    label
        How errors name the file; by default its path.

    Raises
    ------
    UsageError
        If the suffix, or the format, is not known.
    PathError
        If there is no such file, or it is something else than a file.
    DataError
        If the file is not readable as that.
    """
    if isinstance(path, RemoteFile):
        return _opened_remotely(path, format_name, label or str(path))
    if format_name is None:
        format_name = _known_format(path)
    if format_name not in CLASSES:
        raise unknown_name("format", format_name, CLASSES)
    module, _, name = CLASSES[format_name].rpartition(".")
    file_class: type[ArrayFile] = getattr(importlib.import_module(f"teadata.arrays.{module}"), name)
    return file_class(path, label)


def _opened_remotely(remote: RemoteFile, format_name: str | None, label: str) -> ArrayFile:
    """Open a file of an object store: a folder of Zarr in its place, others as a copy."""
    from teadata.arrays.zarr import ZarrFile
    from teadata.objects.copies import LocalCopy, described

    if remote.suffix.lower() == ".zarr":
        return ZarrFile(remote, label)
    name = Path(remote.name)
    if format_name is None and _format_by_name(name) is None:
        described(remote)
        raise unknown_suffix(remote, suffix_of(name), [*SUFFIXES, *OTHERS])
    copy = LocalCopy(remote)
    file = open_arrays(copy.path, format_name, label)
    file.copy = copy
    return file
