"""DeePMD-kit's folders: ``type.raw``, ``type_map.raw`` and ``set.000`` with arrays of all frames.

Coordinates and boxes are in Å, energies and virials in eV, forces in eV/Å, as DeePMD-kit asks for.
Its virial is −V times the stress, the opposite sign of ASE's: positive under compression.  It
repeats a box in all directions or, where a file ``nopbc`` says so, in none.  ``frame_id.npy`` and
``README.txt`` are additions that it passes over.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from teadata.elements import SYMBOLS
from teadata.errors import DataError
from teadata.formats.folder import atomic_folder
from teadata.formats.layout import NOTHING
from teadata.frames import Frames
from teadata.units import ASE, UnitSystem

MARK = "type.raw"
"""A file that every such folder has, so that an older one is known and replaced."""

README = """\
{count} frames of {name}, labelled by {theory}, for DeePMD-kit.

coord.npy   positions in {length}, (frames, 3 x atoms)
energy.npy  energies in {energy}, total, no isolated atoms taken off
force.npy   forces in {energy}/{length}, (frames, 3 x atoms)
{box}{virial}frame_id.npy  ids of the frames in the dataset; DeePMD-kit passes them over
{said}"""


def write(
    path: Path,
    frames: Frames,
    *,
    name: str = "frames",
    theory: str = "unknown",
    units: UnitSystem = ASE,
    texts: Mapping[str, str] = NOTHING,
) -> None:
    """Write frames, whose numbers are in eV and Å, as a folder for DeePMD-kit.

    Raises
    ------
    DataError
        If there are no frames, they repeat in one or two directions only, the path is another
        folder, or it cannot be written.
    """
    if len(frames) == 0:
        raise DataError(f"{path}: DeePMD-kit has no way to hold no frames")
    if frames.periodic and not frames.pbc.all():
        raise DataError(
            f"{path}: DeePMD-kit repeats a box in all directions or none; these frames have pbc "
            f"{frames.pbc.tolist()}: use another format"
        )
    elements = sorted(set(frames.numbers.tolist()))
    count = len(frames)
    arrays = {
        "coord": frames.positions.reshape(count, -1),
        "energy": frames.energies,
        "force": frames.forces.reshape(count, -1),
        "frame_id": frames.ids,
    }
    box = virial = ""
    if frames.periodic and frames.cell is not None:
        arrays["box"] = frames.cell.reshape(count, 9)
        box = f"box.npy     cell vectors in {units.length}, one after another, (frames, 9)\n"
        if frames.stress is not None:
            arrays["virial"] = (-frames.volumes[:, None, None] * frames.stress).reshape(count, 9)
            virial = (
                f"virial.npy  -volume x stress in {units.energy}, positive under compression, "
                "(frames, 9)\n"
            )
    said = "".join(f"{key}: {value}\n" for key, value in texts.items())
    readme = README.format(
        count=count, name=name, theory=theory, box=box, virial=virial, said=said,
        energy=units.energy, length=units.length,
    )  # fmt: skip
    with atomic_folder(path, MARK, "folder of DeePMD-kit") as folder:
        (folder / "set.000").mkdir()
        for key, array in arrays.items():
            np.save(folder / "set.000" / f"{key}.npy", array)
        types = [elements.index(number) for number in frames.numbers.tolist()]
        (folder / MARK).write_text("".join(f"{kind}\n" for kind in types))
        (folder / "type_map.raw").write_text("".join(f"{SYMBOLS[z]}\n" for z in elements))
        if not frames.periodic:
            (folder / "nopbc").touch()
        (folder / "README.txt").write_text(readme, encoding="utf-8")
