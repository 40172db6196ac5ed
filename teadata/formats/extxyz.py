"""Extended XYZ: frames to and from text.

Files are written with 17 significant digits, so that ASE or any other reader gets the
same float64 values back.  ``stress`` is the tensor that ASE reads, in energy_unit per
length_unit cubed and with ASE's sign; a ``virial`` is passed over, as ASE does.

The labels may have a prefix, ``REF_energy`` and ``REF_forces``: ASE leaves those alone where it
takes ``energy`` and ``forces`` for the results of a calculator.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from teadata.arrays import text
from teadata.arrays.comment_line import checksum
from teadata.arrays.extxyz import ExtxyzFile
from teadata.arrays.images import NUMBERS, Image
from teadata.arrays.text_lines import open_text
from teadata.errors import DataError
from teadata.files import atomic_write
from teadata.formats.layout import NOTHING, restored
from teadata.frames import Frames
from teadata.typing import Floats
from teadata.units import ASE, INSIDE, UnitSystem

PREFIX = "REF_"
"""What the names of labels may begin with."""


def _quoted(values: Floats) -> str:
    """Quote numbers with every digit, and with a point: readers take -0 for an integer."""
    return '"{}"'.format(" ".join(map(repr, values.tolist())))


def _comment(frames: Frames, row: int, prefix: str, said: Mapping[str, str]) -> str:
    pairs: list[tuple[str, str]] = []
    if frames.cell is not None:
        pairs.append(("Lattice", _quoted(frames.cell[row].ravel())))
    pairs += [
        ("Properties", f"species:S:1:pos:R:3:{prefix}forces:R:3"),
        (f"{prefix}energy", repr(float(frames.energies[row]))),
        ("pbc", '"{}"'.format(" ".join("FT"[int(flag)] for flag in frames.pbc))),
        ("frame_id", str(frames.ids[row])),
        *said.items(),
    ]
    if frames.stress is not None:
        pairs.append((f"{prefix}stress", _quoted(frames.stress[row].ravel(order="F"))))
    if frames.trajectories is not None:
        pairs.append(("trajectory", str(frames.trajectories[row])))
    if frames.temperatures is not None:
        pairs.append(("temperature", repr(float(frames.temperatures[row]))))
    return " ".join(f"{key}={value}" for key, value in pairs)


def write(
    path: Path,
    frames: Frames,
    *,
    name: str = "frames",
    theory: str = "unknown",
    units: UnitSystem = INSIDE,
    texts: Mapping[str, str] = NOTHING,
    prefix: str = "",
) -> None:
    """Write frames, whose numbers are in `units`, as extended XYZ, one per image.

    ``energy`` and ``forces`` are the keys ASE reads; the comment line states the units,
    since ASE itself assumes eV.

    Parameters
    ----------
    path
        File to write.
    frames
        What to write.
    name, theory, units, texts
        Name of the data, level of theory, the units that the numbers are in, and what else the
        comment line is to state.
    prefix
        What the keys of energy, forces and stress begin with: nothing, or :data:`PREFIX`.

    Raises
    ------
    DataError
        If there are no frames, a frame id or trajectory does not fit into 32 bits, or the file
        cannot be written.
    """
    if len(frames) == 0:
        raise DataError(f"{path}: extended XYZ has no way to hold no frames; use another format")
    for kind, integers in (("frame ids", frames.ids), ("trajectories", frames.trajectories)):
        if integers is not None and not 0 <= integers.min() <= integers.max() < 2**31:
            raise DataError(
                f"{path}: extended XYZ readers hold integers of 32 bits, expected {kind} from 0 "
                f"to {2**31 - 1}, found {integers.min()} to {integers.max()}; use another format"
            )
    stated = {
        "energy_unit": units.energy,
        "length_unit": units.length.replace("Å", "Ang"),
        "name": name,
        "theory": theory,
        **texts,
    }
    # The name of a dataset is that of the data: it need not stand there twice.
    said = {
        key: value if key.endswith("_unit") else json.dumps(value, ensure_ascii=False)
        for key, value in stated.items()
        if key != "name" or "dataset" not in stated
    }
    row = "%-2s" + " %.17g" * 6
    body = "\n".join([row] * frames.n_atoms)
    table = np.concatenate([frames.positions, frames.forces], axis=2)
    with atomic_write(path) as partial, open_text(partial, path.suffix.lower() == ".gz") as stream:
        for i in range(len(frames)):
            values: list[Any] = []
            for symbol, numbers in zip(frames.symbols, table[i].tolist(), strict=True):
                values += (symbol, *numbers)
            comment, rows = _comment(frames, i, prefix, said), body % tuple(values) + "\n"
            stream.write(f"{frames.n_atoms}\n{comment} {checksum(comment, rows)}\n{rows}")


def _check_alike(file: ExtxyzFile, images: Sequence[Image], prefix: str) -> None:
    """Refuse images that do not make frames of one system."""
    first, stress = images[0].arrays, f"{prefix}stress"
    for image in images:
        found = image.arrays
        wanted = (f"{prefix}energy", "energy_unit", "pos", f"{prefix}forces")
        if missing := [name for name in wanted if name not in found]:
            raise file.error(f"{image.where} has no {', '.join(missing)}")
        for name in ("energy_unit", "length_unit"):
            if found.get(name) != first.get(name):
                raise file.error(f"image 0 and {image.where} declare different {name}")
        if ("cell" in found) != ("cell" in first):
            raise file.error(f"of image 0 and {image.where} only one has a Lattice")
        if "cell" in found and not np.array_equal(found["pbc"], first["pbc"]):
            raise file.error(f"image 0 and {image.where} differ in pbc")
        if stress in found and found[stress].size != 9:
            raise file.error(
                f"{image.where} has a {stress} of {found[stress].size} values, expected the 9 of "
                "the tensor"
            )


def read(path: Path) -> Frames:
    """Read extended XYZ and convert it from the units it declares to kcal/mol and Å.

    A file that declares no ``energy_unit`` is refused: nothing is guessed.

    Raises
    ------
    DataError
        If the file is unreadable, its images differ in atoms or columns, or one lacks
        energy, forces or units; if this package stated a unit that is not ASE's, and another
        program has written the frames anew since.
    """
    file = ExtxyzFile(path)
    images = list(file.images())
    first = images[0].arrays
    prefixed = "energy" not in first and f"{PREFIX}energy" in first
    prefix = PREFIX if prefixed else ""
    _check_alike(file, images, prefix)
    units = UnitSystem(text(first["energy_unit"]), text(first.get("length_unit", "Ang")))
    if file.labels_kept(f"{prefix}energy", f"{prefix}forces") is False and units != ASE:
        raise file.error(
            f"states {units.energy} and {units.length} as teadata did when it wrote the frames, "
            "but another program has written them anew: their energies may be others, and in eV; "
            "export them again, or remove crc32=… from the comment lines if the units are right"
        )

    def stacked(name: str) -> Any:
        """An array of all images, or None where not all have it."""
        there = [image.arrays[name] for image in images if name in image.arrays]
        return np.stack(there) if len(there) == len(images) else None

    cells, stress, ids = stacked("cell"), stacked(f"{prefix}stress"), stacked("frame_id")
    if ids is not None and ids.dtype.kind not in "iu":
        raise file.error("its frame_id are no integers of up to 18 digits")
    frames = Frames(
        numbers=first[NUMBERS],
        positions=stacked("pos"),
        energies=stacked(f"{prefix}energy"),
        forces=stacked(f"{prefix}forces"),
        cell=cells,
        pbc=(False,) * 3 if cells is None else first["pbc"],
        stress=stress,
        ids=np.arange(len(images)) if ids is None else ids,
        trajectories=stacked("trajectory"),
        temperatures=stacked("temperature"),
    )
    return restored(frames, units)
