"""sGDML's dataset files: npz with ``R``, ``z``, ``E``, ``F`` (the official data's format).

Layout of sGDML 1.0 (Chmiela et al., Comput. Phys. Commun. 240, 38, 2019), which has one
lattice for all frames and repeats it in all directions.  The arrays ``frame_id``, ``pbc``,
``stress``, ``trajectory`` and ``temperature`` are additions that sGDML passes over.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from teadata.arrays import text
from teadata.arrays.npz import NpzFile
from teadata.errors import DataError
from teadata.files import atomic_write
from teadata.formats.layout import NOTHING, restored, stated_units
from teadata.frames import Frames
from teadata.units import INSIDE, UnitSystem

OPTIONAL = ("lattice", "pbc", "stress", "frame_id", "trajectory", "temperature", "force_unit")
"""Arrays that a file need not have."""


def _fingerprint(*arrays: np.ndarray) -> str:
    """MD5 digest that sGDML writes into dataset files to tell them apart."""
    outer = hashlib.md5(usedforsecurity=False)
    for array in arrays:
        data = np.ascontiguousarray(array).tobytes()
        outer.update(hashlib.md5(data, usedforsecurity=False).digest())
    return outer.hexdigest()


def arrays(
    frames: Frames,
    *,
    name: str = "frames",
    theory: str = "unknown",
    units: UnitSystem = INSIDE,
    texts: Mapping[str, str] = NOTHING,
) -> dict[str, Any]:
    """The arrays of an sGDML dataset by their names in the file, with ``texts`` among them.

    A cell that is periodic in no direction is left out: sGDML would repeat it.

    Raises
    ------
    DataError
        If the cell differs between frames: the format holds one lattice.
    """
    z = frames.numbers.astype(np.uint8)
    # Text as bytes: sGDML shows a str with a blank after every letter.
    content: dict[str, Any] = {
        "type": b"d",
        "name": name.encode(),
        "theory": theory.encode(),
        "z": z,
        "R": frames.positions,
        "E": frames.energies,
        "F": frames.forces,
        "r_unit": units.length.replace("Å", "Ang").encode(),
        "e_unit": units.energy.encode(),
        "frame_id": frames.ids,
        "md5": _fingerprint(z, frames.positions, frames.energies, frames.forces).encode(),
    } | {key: said.encode() for key, said in {**units.further, **texts}.items()}
    if frames.cell is not None and frames.periodic:
        if len(frames) == 0 or not (frames.cell == frames.cell[0]).all():
            raise DataError(
                f"sGDML's npz holds one lattice, these {len(frames)} frames do not share one; "
                "use extxyz or hdf5"
            )
        content["lattice"] = frames.cell[0].T  # sGDML keeps lattice vectors as columns
        content["pbc"] = frames.pbc
    if frames.stress is not None:
        content["stress"] = frames.stress
    if frames.trajectories is not None:
        content["trajectory"] = frames.trajectories
    if frames.temperatures is not None:
        content["temperature"] = frames.temperatures
    return content


def write(
    path: Path,
    frames: Frames,
    *,
    name: str = "frames",
    theory: str = "unknown",
    units: UnitSystem = INSIDE,
    texts: Mapping[str, str] = NOTHING,
) -> None:
    """Write frames, whose numbers are in `units`, as an sGDML dataset, uncompressed.

    Raises
    ------
    DataError
        If the cell differs between frames, or the file cannot be written.
    """
    content = arrays(frames, name=name, theory=theory, units=units, texts=texts)
    with atomic_write(path) as partial, open(partial, "wb") as stream:
        np.savez(stream, **content)


def load_arrays(
    path: Path, required: Sequence[str] | None = None, optional: Sequence[str] = ()
) -> dict[str, np.ndarray]:
    """Load arrays of an npz file; pickled objects are refused.

    Parameters
    ----------
    path
        The file.
    required, optional
        Names to read; by default every array there is.

    Raises
    ------
    DataError
        If the file is missing, is no npz, is truncated, lacks a required array, or one of
        the arrays to be read holds pickled objects.
    """
    file = NpzFile(path)
    missing = [key for key in required or () if key not in file.names]
    if missing:
        raise file.error(
            f"expected the arrays {', '.join(required or ())}; missing: {', '.join(missing)}; "
            f"found: {', '.join(file.names) or 'none'}"
        )
    names = file.names if required is None else [*required, *optional]
    return {name: file.whole(name) for name in names if name in file.names}


def read(path: Path) -> Frames:
    """Read an sGDML dataset and convert it from the units it declares to kcal/mol and Å.

    Raises
    ------
    DataError
        If the file is unreadable, lacks an array, or does not declare its units.
    """
    content = load_arrays(path, ("R", "z", "E", "F", "r_unit", "e_unit"), OPTIONAL)
    said = {"energy_unit": text(content["e_unit"]), "length_unit": text(content["r_unit"])}
    said["force_unit"] = text(content.get("force_unit", ""))
    count = len(content["R"])
    lattice = content.get("lattice")
    if lattice is not None and lattice.shape != (3, 3):
        raise DataError(
            f"{path}: its lattice has shape {lattice.shape}, expected (3, 3) with vectors as "
            "columns, as sGDML has it"
        )
    frames = Frames(
        numbers=content["z"],
        positions=content["R"],
        energies=content["E"].reshape(-1),
        forces=content["F"],
        cell=None if lattice is None else np.tile(lattice.T, (count, 1, 1)),
        pbc=content.get("pbc", (lattice is not None,) * 3),
        stress=content.get("stress"),
        ids=content.get("frame_id"),
        trajectories=content.get("trajectory"),
        temperatures=content.get("temperature"),
    )
    return restored(frames, stated_units(path, said))
