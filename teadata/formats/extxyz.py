"""Extended XYZ, through the extxyz library's C reader.

Files are written with 17 significant digits, so that ASE or any other reader gets the
same float64 values back.  ``stress`` is the tensor that ASE reads, in energy_unit per
length_unit cubed and with ASE's sign; a ``virial`` is passed over, as ASE does.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from teadata import units
from teadata.elements import NUMBERS
from teadata.errors import DataError
from teadata.files import atomic_write
from teadata.frames import Frames
from teadata.typing import Floats


def _quoted(values: Floats) -> str:
    """Quote numbers with every digit, and with a point: readers take -0 for an integer."""
    return '"{}"'.format(" ".join(map(repr, values.tolist())))


def _comment(frames: Frames, row: int, name: str, theory: str) -> str:
    pairs: list[tuple[str, str]] = []
    if frames.cell is not None:
        pairs.append(("Lattice", _quoted(frames.cell[row].ravel())))
    pairs += [
        ("Properties", "species:S:1:pos:R:3:forces:R:3"),
        ("energy", repr(float(frames.energies[row]))),
        ("pbc", '"{}"'.format(" ".join("FT"[int(flag)] for flag in frames.pbc))),
        ("frame_id", str(frames.ids[row])),
        ("energy_unit", "kcal/mol"),
        ("length_unit", "Ang"),
        ("dataset", f'"{name}"'),
        ("theory", f'"{theory}"'),
    ]
    if frames.stress is not None:
        pairs.append(("stress", _quoted(frames.stress[row].ravel(order="F"))))
    if frames.trajectories is not None:
        pairs.append(("trajectory", str(frames.trajectories[row])))
    if frames.temperatures is not None:
        pairs.append(("temperature", repr(float(frames.temperatures[row]))))
    return " ".join(f"{key}={value}" for key, value in pairs)


def write(path: Path, frames: Frames, *, name: str = "frames", theory: str = "unknown") -> None:
    """Write frames as extended XYZ in kcal/mol and Å, one per image.

    ``energy`` and ``forces`` are the keys ASE reads; the comment line states the units,
    since ASE itself assumes eV.

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
    row = "%-2s" + " %.17g" * 6
    body = "\n".join([row] * frames.n_atoms)
    table = np.concatenate([frames.positions, frames.forces], axis=2)
    with atomic_write(path) as partial, open(partial, "w", encoding="utf-8") as stream:
        for i in range(len(frames)):
            values: list[Any] = []
            for symbol, numbers in zip(frames.symbols, table[i].tolist(), strict=True):
                values += (symbol, *numbers)
            stream.write(f"{frames.n_atoms}\n{_comment(frames, i, name, theory)}\n")
            stream.write(body % tuple(values) + "\n")


def _images(path: Path) -> list[Any]:
    from extxyz import iread_dicts
    from extxyz.cextxyz import ExtXYZError

    if not path.is_file():
        raise DataError(f"{path}: no such file")
    try:
        images = list(iread_dicts(path))
    except (ExtXYZError, ValueError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: not readable as extended XYZ ({error})") from None
    if not images:
        raise DataError(f"{path}: holds no frames")
    return images


def _check_alike(path: Path, images: Sequence[Any]) -> None:
    """Refuse images that differ in atoms, units or periodicity, or lack energy or forces."""
    first = images[0]
    for i, image in enumerate(images):
        missing = [key for key in ("energy", "energy_unit") if key not in image.info]
        missing += [key for key in ("species", "pos", "forces") if key not in image.arrays]
        if missing:
            raise DataError(f"{path}: image {i} has no {', '.join(missing)}")
        if not np.array_equal(image.arrays["species"], first.arrays["species"]):
            raise DataError(f"{path}: image {i} has other atoms, or another order, than image 0")
        for key in ("energy_unit", "length_unit"):
            if image.info.get(key) != first.info.get(key):
                raise DataError(f"{path}: images 0 and {i} declare different {key}")
        if not np.array_equal(image.pbc, first.pbc):
            raise DataError(f"{path}: images 0 and {i} differ in pbc")
        if "stress" in image.info and np.size(image.info["stress"]) != 9:
            raise DataError(
                f"{path}: image {i} has a stress of {np.size(image.info['stress'])} values, "
                "expected the 9 of the tensor"
            )


def _every(images: Sequence[Any], key: str) -> bool:
    return all(key in image.info for image in images)


def read(path: Path) -> Frames:
    """Read extended XYZ and convert it from the units it declares to kcal/mol and Å.

    A file that declares no ``energy_unit`` is refused: nothing is guessed.

    Raises
    ------
    DataError
        If the file is unreadable, its images differ in atoms or columns, or one lacks
        energy, forces or units.
    """
    images = _images(path)
    _check_alike(path, images)
    first = images[0]
    energy = units.energy_factor(str(first.info["energy_unit"]))
    length = units.length_factor(str(first.info.get("length_unit", "Ang")))
    cells = np.stack([image.cell.T for image in images])
    return Frames(
        numbers=np.array([NUMBERS[str(s)] for s in first.arrays["species"]]),
        positions=np.stack([image.arrays["pos"] for image in images]) * length,
        energies=np.array([float(image.info["energy"]) for image in images]) * energy,
        forces=np.stack([image.arrays["forces"] for image in images]) * (energy / length),
        cell=cells * length if cells.any() else None,
        pbc=first.pbc if cells.any() else (False,) * 3,
        stress=np.stack([np.reshape(i.info["stress"], (3, 3)) for i in images])
        * (energy / length**3)
        if _every(images, "stress")
        else None,
        ids=np.array([int(image.info.get("frame_id", i)) for i, image in enumerate(images)]),
        trajectories=np.array([int(image.info["trajectory"]) for image in images])
        if _every(images, "trajectory")
        else None,
        temperatures=np.array([float(image.info["temperature"]) for image in images])
        if _every(images, "temperature")
        else None,
    )
