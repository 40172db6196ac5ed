"""HDF5: the format the embedded datasets are stored in.

One dataset per field of :class:`~teadata.frames.Frames`, under the field's name.  A float
array is stored in single precision where that loses nothing, in double precision otherwise,
so that what is read back equals what was written, bit for bit.

Chunks of frames are compressed together; some frames are read by reading their chunks.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import ArrayLike, NDArray

from teadata.arrays.hdf5 import unreadable
from teadata.errors import DataError
from teadata.files import atomic_write
from teadata.formats.layout import (
    CHUNK,
    NOTHING,
    check_layout,
    compact,
    metadata,
    present,
    restored,
    stated_units,
)
from teadata.frames import PER_SYSTEM, Frames
from teadata.lookup import as_array, rows_of
from teadata.typing import Ints
from teadata.units import INSIDE, UnitSystem


def write(
    path: Path,
    frames: Frames,
    *,
    name: str = "frames",
    theory: str = "unknown",
    units: UnitSystem = INSIDE,
    texts: Mapping[str, str] = NOTHING,
    checksums: bool = True,
) -> None:
    """Write frames as HDF5; the same frames give the same bytes.

    Parameters
    ----------
    path
        File to write.
    frames
        What to write.
    name, theory, units, texts
        Name of the data, level of theory, the units that the numbers are in, and what else the
        file is to state.
    checksums
        Whether every chunk has one (Fletcher's), compared when it is read.  The published files
        have none: their cards state their SHA-256.
    """
    # In memory first: HDF5 crashes the interpreter when the disk is full.
    memory = io.BytesIO()
    # HDF5 1.10's layout has checksums of its metadata too; the published files are older.
    opened = (
        h5py.File(memory, "w", libver=("v110", "v110"))
        if checksums
        else h5py.File(path.name, "w", driver="core", backing_store=False)
    )
    with opened as file:
        for key, text in metadata(name, theory, units, texts).items():
            file.attrs[key] = text
        for field in fields(frames):
            value = getattr(frames, field.name)
            if value is None:
                continue
            plain = field.name == "energies" or value.size < 64
            if not len(value) or (plain and not checksums):
                file.create_dataset(field.name, data=value, track_times=False)
                continue
            array = value if plain else compact(value)
            packing = {} if plain else {"compression": "gzip", "compression_opts": 9}
            file.create_dataset(
                field.name,
                data=array,
                chunks=(min(len(array), CHUNK), *array.shape[1:]),
                **packing,
                shuffle=not plain,
                fletcher32=checksums,
                track_times=False,
            )
        if not checksums:
            file.flush()
            memory.write(file.id.get_file_image())
    with atomic_write(path) as partial:
        partial.write_bytes(memory.getbuffer())


class Writer:
    """Writes frames to HDF5 piece by piece, for datasets larger than memory.

    The layout is that of :func:`write`.  Not to be used where the disk may fill up: HDF5
    crashes the interpreter then.

    Parameters
    ----------
    path
        File to write.
    name, theory
        Name of the data and level of theory.
    """

    def __init__(self, path: Path, *, name: str, theory: str) -> None:
        self.file = h5py.File(path, "w", libver=("v110", "v110"))
        for key, text in metadata(name, theory).items():
            self.file.attrs[key] = text
        self.waiting: list[Frames] = []

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Write what is left, and close the file; nothing happens if it is closed already."""
        if not self.file:
            return
        try:
            self._flush()
        finally:
            self.file.close()

    def append(self, frames: Frames) -> None:
        """Append frames (kcal/mol, Å)."""
        self.waiting.append(frames)
        if sum(map(len, self.waiting)) >= CHUNK:  # a chunk is compressed once
            self._flush()

    def _flush(self) -> None:
        if not self.waiting:
            return
        frames = Frames.concatenate(self.waiting)
        self.waiting = []
        for field in fields(frames):
            value = getattr(frames, field.name)
            if value is None:
                continue
            if field.name in PER_SYSTEM:
                if field.name not in self.file:
                    self.file.create_dataset(field.name, data=value, fletcher32=True)
                continue
            if field.name not in self.file:
                self.file.create_dataset(
                    field.name,
                    shape=(0, *value.shape[1:]),
                    maxshape=(None, *value.shape[1:]),
                    dtype=value.dtype,
                    chunks=(CHUNK, *value.shape[1:]),
                    compression="gzip",
                    compression_opts=1,
                    shuffle=True,
                    fletcher32=True,
                )
            stored = self.file[field.name]
            count = len(stored)
            stored.resize(count + len(value), axis=0)
            stored[count:] = value


def _rows(dataset: h5py.Dataset, rows: Ints) -> NDArray[Any]:
    """Read rows of an array, in any order, with one chunk at a time in memory."""
    wide = np.float64 if dataset.dtype.kind == "f" else np.int64
    rows_read = np.empty((len(rows), *dataset.shape[1:]), wide)
    step = dataset.chunks[0] if dataset.chunks else CHUNK
    chunk = rows // step
    for i in np.unique(chunk).tolist():
        wanted = chunk == i
        rows_read[wanted] = dataset[i * step : (i + 1) * step][rows[wanted] - i * step]
    return rows_read


def _rows_with(known: Ints, ids: ArrayLike) -> Ints:
    """Rows of the frames with these ids, all of which must be known."""
    return as_array(rows_of(known, np.atleast_1d(np.asarray(ids, dtype=np.int64))))


def trajectory_ids(path: Path, index: int) -> Ints:
    """Ids of the frames of one trajectory (n,), in file order; the file must hold trajectories."""
    with h5py.File(path, "r") as file:
        ids: Ints = file["ids"][()][file["trajectories"][()] == index].astype(np.int64)
    return ids


def read(path: Path, ids: ArrayLike | None = None) -> Frames:
    """Read frames that :func:`write` wrote, and convert them to kcal/mol and Å.

    Parameters
    ----------
    path
        The file.
    ids
        Frame ids to read, in the order wanted; by default all, in file order.  Only the
        chunks that hold one of them are read.

    Raises
    ------
    DataError
        If the file is missing, not HDF5, or without the fields of frames, or has no frame
        of one of these ids.
    """
    try:
        with h5py.File(path, "r") as file:
            check_layout(path, file.attrs.get("layout"))
            units = stated_units(path, file.attrs)
            names = present(path, file)
            for name in names:
                if problem := unreadable(file[name]):
                    raise DataError(f"{path}: {name} {problem}")
            rows = None if ids is None else _rows_with(file["ids"][()].astype(np.int64), ids)
            arrays = {
                name: file[name][()]
                if rows is None or name in PER_SYSTEM
                else _rows(file[name], rows)
                for name in names
            }
    except OSError as error:
        raise DataError(f"{path}: not a readable HDF5 file ({error})") from None
    return restored(Frames(**arrays), units)
