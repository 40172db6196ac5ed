"""Extended XYZ: frames to and from text.

Numbers are written with the fewest digits from which ASE or any other reader gets the same
float64 back.  ``stress`` is the tensor that ASE reads, in energy_unit per
length_unit cubed and with ASE's sign; a ``virial`` is passed over, as ASE does.

The labels may have a prefix, ``REF_energy`` and ``REF_forces``: ASE leaves those alone where it
takes ``energy`` and ``forces`` for the results of a calculator.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import repeat
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from teadata.arrays import text
from teadata.arrays.extxyz.frame_text import write_frames
from teadata.arrays.extxyz.reader import ExtxyzFile
from teadata.arrays.extxyz.text_file import create_text
from teadata.arrays.growing import GrowingArray
from teadata.arrays.images import NUMBERS, Block
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


def _comments(frames: Frames, prefix: str, said: Mapping[str, str]) -> Iterator[str]:
    """The comment line of each frame."""
    pairs: list[tuple[str, Iterable[str]]] = []
    if frames.cell is not None:
        pairs.append(("Lattice", map(_quoted, frames.cell.reshape(-1, 9))))
    flags = '"{}"'.format(" ".join("FT"[int(flag)] for flag in frames.pbc))
    pairs += [
        ("Properties", repeat(f"species:S:1:pos:R:3:{prefix}forces:R:3")),
        (f"{prefix}energy", map(repr, frames.energies.tolist())),
        ("pbc", repeat(flags)),
        ("frame_id", map(str, frames.ids.tolist())),
        *((key, repeat(value)) for key, value in said.items()),
    ]
    if frames.stress is not None:
        tensors = frames.stress.transpose(0, 2, 1).reshape(-1, 9)
        pairs.append((f"{prefix}stress", map(_quoted, tensors)))
    if frames.trajectories is not None:
        pairs.append(("trajectory", map(str, frames.trajectories.tolist())))
    if frames.temperatures is not None:
        pairs.append(("temperature", map(repr, frames.temperatures.tolist())))
    keys = " ".join(f"{key.replace('%', '%%')}=%s" for key, _ in pairs)
    for values in zip(*(values for _, values in pairs), strict=False):  # some repeat for ever
        yield keys % values


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
    if len(frames) == 0 or frames.n_atoms == 0:
        what = "frames" if len(frames) == 0 else "atoms"
        raise DataError(f"{path}: extended XYZ has no way to hold no {what}; use another format")
    for kind, integers in (("frame ids", frames.ids), ("trajectories", frames.trajectories)):
        if integers is not None and not 0 <= integers.min() <= integers.max() < 2**31:
            raise DataError(
                f"{path}: extended XYZ readers hold integers of 32 bits, expected {kind} from 0 "
                f"to {2**31 - 1}, found {integers.min()} to {integers.max()}; use another format"
            )
    stated = {
        "energy_unit": units.energy,
        "length_unit": units.length.replace("Å", "Ang"),
        **{kind: unit.replace("Å", "Ang") for kind, unit in units.further.items()},
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
    columns, comments = [frames.positions, frames.forces], _comments(frames, prefix, said)
    with (
        atomic_write(path) as partial,
        create_text(partial, path.suffix.lower() == ".gz") as stream,
    ):
        write_frames(stream, frames.symbols, columns, comments)


def _check_alike(
    file: ExtxyzFile, block: Block, first: Mapping[str, Any], names: Mapping[str, str]
) -> None:
    """Refuse images that do not make frames of one system with the first image."""
    found = block.arrays
    wanted = (names["energies"], "energy_unit", "pos", names["forces"])
    if missing := [name for name in wanted if name not in found]:
        raise file.error(f"{block.where[0]} has no {', '.join(missing)}")
    for name in ("energy_unit", "length_unit", "force_unit"):
        if (other := _first_other(found.get(name), first.get(name))) is not None:
            raise file.error(f"image 0 and {block.where[other]} declare different {name}")
        if name in found and found[name].ndim > 1:
            raise file.error(
                f"{block.where[0]} has {found[name][0].size} values for {name}, expected one"
            )
    if ("cell" in found) != ("cell" in first):
        raise file.error(f"of image 0 and {block.where[0]} only one has a Lattice")
    if "cell" in found and (other := _first_other(found["pbc"], first["pbc"])) is not None:
        raise file.error(f"image 0 and {block.where[other]} differ in pbc")
    _check_numbers(file, block, names)


def _check_numbers(file: ExtxyzFile, block: Block, names: Mapping[str, str]) -> None:
    """Refuse labels that are no numbers, or not as many as belong to a frame."""
    atoms = block.arrays[NUMBERS].shape[1]
    shapes = {
        "positions": (atoms, 3), "forces": (atoms, 3), "cell": (3, 3), "stress": (3, 3)
    }  # fmt: skip
    for field, name in names.items():
        if (values := block.arrays.get(name)) is None:
            continue
        shape, where = shapes.get(field, ()), block.where[0]
        if values.shape[1:] != shape:
            expected = f"{prod(shape)}, of shape {shape}" if shape else "one number"
            raise file.error(f"{where} has {values[0].size} values for {name}, expected {expected}")
        # Texts among the ids are told of later, when all have been looked at.
        if values.dtype.kind not in ("iufUS" if field == "ids" else "iuf"):
            raise file.error(
                f"{where}: expected numbers for {name}, found {text(values.flat[0])!r}"
            )


def _first_other(values: Any, wanted: Any) -> int | None:
    """Where the first row is that is another than wanted; None if there is no such row."""
    if values is None or wanted is None:
        return None if values is wanted else 0
    if values.shape[1:] != np.shape(wanted):
        return 0
    same = (values == wanted).reshape(len(values), -1).all(axis=1)
    return None if same.all() else int(np.argmin(same))


FIELDS = {
    "positions": "pos",
    "energies": "energy",
    "forces": "forces",
    "cell": "cell",
    "stress": "stress",
    "ids": "frame_id",
    "trajectories": "trajectory",
    "temperatures": "temperature",
}
"""The name in a file of each field of :class:`~teadata.frames.Frames` that has a row per frame."""


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
    first: dict[str, Any] = {}
    prefix, names = "", dict(FIELDS)
    rows: dict[str, GrowingArray] = {}
    count = 0
    for block in file.blocks():
        if not first:
            first = {name: array[0] for name, array in block.arrays.items()}
            if "energy" not in first and f"{PREFIX}energy" in first:
                prefix = PREFIX
                names |= {n: PREFIX + names[n] for n in ("energies", "forces", "stress")}
        _check_alike(file, block, first, names)
        count += len(block)
        for field, name in names.items():
            if name in block.arrays and field in rows:
                rows[field].append(block.arrays[name])
            elif name in block.arrays:
                rows[field] = GrowingArray(block.arrays[name])
    units = UnitSystem(
        text(first["energy_unit"]),
        text(first.get("length_unit", "Ang")),
        text(first.get("force_unit", "")),
    )
    if file.labels_kept(f"{prefix}energy", f"{prefix}forces") is False and units != ASE:
        raise file.error(
            f"states {units.energy} and {units.length} as teadata did when it wrote the frames, "
            "but another program has written them anew: their energies may be others, and in eV; "
            "export them again, or remove crc32=… from the comment lines if the units are right"
        )
    # what only some frames have is left out
    stacked = {field: array.whole() for field, array in rows.items() if len(array) == count}
    if "ids" in stacked and stacked["ids"].dtype.kind not in "iu":
        raise file.error("its frame_id are no integers of up to 18 digits")
    pbc = first["pbc"] if "cell" in stacked else (False,) * 3
    return restored(Frames(numbers=first[NUMBERS], pbc=pbc, **stacked), units)
