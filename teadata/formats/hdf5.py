"""HDF5: the format the embedded datasets are stored in.

One dataset per field of :class:`~teadata.frames.Frames`, under the field's name.  A float
array is stored in single precision where that loses nothing, in double precision otherwise,
so that what is read back equals what was written, bit for bit.
"""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import h5py

from teadata.errors import DataError
from teadata.formats.layout import LAYOUT, compact
from teadata.frames import OPTIONAL, Frames
from teadata.provenance import replacing


def write(path: Path, frames: Frames, *, name: str = "frames", theory: str = "unknown") -> None:
    """Write frames as HDF5 (kcal/mol, Å); the same frames give the same bytes."""
    # In memory first: HDF5 crashes the interpreter when the disk is full.
    with h5py.File(path.name, "w", driver="core", backing_store=False) as file:
        file.attrs["layout"] = LAYOUT
        file.attrs["name"] = name
        file.attrs["theory"] = theory
        file.attrs["energy_unit"] = "kcal/mol"
        file.attrs["length_unit"] = "Å"
        for field in fields(frames):
            value = getattr(frames, field.name)
            if value is None:
                continue
            if field.name == "energies" or value.size < 64:
                file.create_dataset(field.name, data=value, track_times=False)
                continue
            array = compact(value)
            file.create_dataset(
                field.name,
                data=array,
                chunks=(min(len(array), 256), *array.shape[1:]),
                compression="gzip",
                compression_opts=9,
                shuffle=True,
                track_times=False,
            )
        file.flush()
        image = file.id.get_file_image()
    with replacing(path) as partial:
        partial.write_bytes(image)


def read(path: Path) -> Frames:
    """Read frames that :func:`write` wrote.

    Raises
    ------
    DataError
        If the file is missing, not HDF5, or without the fields of frames.
    """
    try:
        with h5py.File(path, "r") as file:
            layout = file.attrs.get("layout")
            if layout != LAYOUT:
                raise DataError(f"{path}: expected the HDF5 layout {LAYOUT!r}, found {layout!r}")
            wanted = [f.name for f in fields(Frames)]
            missing = [name for name in wanted if name not in file and name not in OPTIONAL]
            if missing:
                raise DataError(f"{path}: the file has no {', '.join(missing)}")
            arrays = {name: file[name][()] for name in wanted if name in file}
    except OSError as error:
        raise DataError(f"{path}: not a readable HDF5 file ({error})") from None
    return Frames(**arrays)
