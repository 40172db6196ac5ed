"""Zarr, version 3: a group with one array per field, in a folder or in a zip archive.

Names, precision and layout are those of HDF5; the dimensions are named for xarray, and each
array states its unit in the attribute ``units``.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from teadata.arrays.zarr import Contents, missing_chunks, open_group, zarr_library
from teadata.errors import DataError
from teadata.files import atomic_write, check_input
from teadata.formats.folder import atomic_folder
from teadata.formats.layout import (
    CHUNK,
    NOTHING,
    UNITS,
    check_layout,
    compact,
    metadata,
    present,
    restored,
    stated_units,
)
from teadata.frames import PER_SYSTEM, Frames
from teadata.units import INSIDE, UnitSystem

if TYPE_CHECKING:
    import zarr

DIMENSIONS = {
    "numbers": ("atom",),
    "positions": ("frame", "atom", "xyz"),
    "energies": ("frame",),
    "forces": ("frame", "atom", "xyz"),
    "cell": ("frame", "vector", "xyz"),
    "pbc": ("vector",),
    "stress": ("frame", "face", "xyz"),
    "ids": ("frame",),
    "trajectories": ("frame",),
    "temperatures": ("frame",),
}
"""Names of each field's dimensions."""

EPOCH = (1980, 1, 1, 0, 0, 0)
"""Time stamp of all entries of a zip archive, so that the same frames give the same bytes."""


def _contents(
    arrays: Mapping[str, NDArray[np.generic]],
    attributes: Mapping[str, str],
    units: Mapping[str, str],
) -> dict[str, bytes]:
    """The store's files by name, made in memory: on disk zarr's threads go on after an error."""
    zarr = zarr_library()
    buffers: dict[str, Any] = {}
    store = zarr.storage.MemoryStore(buffers)
    group = zarr.create_group(store, zarr_format=3, attributes=dict(attributes))
    for name, value in arrays.items():
        array = compact(value) if value.ndim == 3 else value
        rows = len(array) if name in PER_SYSTEM else CHUNK
        group.create_array(
            name,
            shape=array.shape,
            dtype=array.dtype,
            chunks=(max(1, min(rows, len(array))), *array.shape[1:]),
            compressors=[
                zarr.codecs.BloscCodec(cname="zstd", clevel=5, shuffle="shuffle"),
                zarr.codecs.Crc32cCodec(),
            ],
            # Write chunks of zeros too, so that a missing chunk always means lost data.
            config={"write_empty_chunks": True},
            dimension_names=DIMENSIONS.get(name),
            attributes={"units": units[name]} if name in units else {},
        )[...] = array
    return {key: buffers[key].to_bytes() for key in sorted(buffers)}


def write(
    path: Path,
    frames: Frames,
    *,
    name: str = "frames",
    theory: str = "unknown",
    units: UnitSystem = INSIDE,
    texts: Mapping[str, str] = NOTHING,
) -> None:
    """Write frames, whose numbers are in `units`, as Zarr, with ``texts`` among its attributes.

    A folder, or an archive if the path ends on .zip.

    Raises
    ------
    MissingExtraError
        If zarr is not installed.
    DataError
        If it cannot be written, or the path is a folder that is no Zarr store.
    """
    values = {field.name: getattr(frames, field.name) for field in fields(frames)}
    arrays = {key: array for key, array in values.items() if array is not None}
    write_store(path, arrays, metadata(name, theory, units, texts), units.names)


def write_store(
    path: Path,
    arrays: Mapping[str, NDArray[np.generic]],
    attributes: Mapping[str, str],
    units: Mapping[str, str] = UNITS,
) -> None:
    """Write a group of arrays with these attributes: a folder, or an archive if named .zip.

    ``units`` are those of each array that has one.

    Raises
    ------
    MissingExtraError
        If zarr is not installed.
    DataError
        If it cannot be written, or the path is a folder that is no Zarr store.
    """
    contents = _contents(arrays, attributes, units)
    if path.suffix.lower() == ".zip":
        with atomic_write(path) as partial, zipfile.ZipFile(partial, "w") as archive:
            for key, data in contents.items():  # stored as they are: chunks are compressed
                archive.writestr(zipfile.ZipInfo(key, EPOCH), data)
        return
    with atomic_folder(path, "zarr.json", "Zarr store") as folder:
        for key, data in contents.items():
            file = folder / key
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)


def _array(group: zarr.Group, name: str, path: Path) -> Any:
    array: Any = group[name]
    if problem := missing_chunks(array):
        raise DataError(f"{path}: {problem} of {name} are missing")
    return array[...]


def read(path: Path) -> Frames:
    """Read frames that :func:`write` wrote, and convert them to kcal/mol and Å.

    Raises
    ------
    MissingExtraError
        If zarr is not installed.
    DataError
        If the store is missing, damaged, not Zarr, or without the fields of frames.
    """
    zarr_library()
    check_input(path, folders=True)
    try:
        contents = Contents(path, lambda message: DataError(f"{path}: {message}"))
        with open_group(path, 3, contents.prefix) as group:
            check_layout(path, group.attrs.get("layout"))
            units = stated_units(path, group.attrs)
            arrays = {name: _array(group, name, path) for name in present(path, group)}
            return restored(Frames(**arrays), units)
    except (OSError, RuntimeError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(f"{path}: not a readable Zarr store of frames ({error})") from None
