"""Radius of gyration, and files of its distribution."""

from __future__ import annotations

import csv
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from teadata import Dataset, Frames
from teadata.elements import MASSES
from teadata.errors import DataError, UsageError
from teadata.files import check_input
from teadata.typing import Floats
from teaeval.observables.arrays import checked_numbers, checked_positions

HYDROGEN = 1


def gyration_radii(positions: ArrayLike, numbers: ArrayLike) -> Floats:
    """Radius of gyration without hydrogen atoms of each frame, (N,) in Å.

    The root of the mean squared distance to the centre of mass, weighted by mass: eq. 11 of
    the supplementary information of doi:10.1039/d4sc06529h.

    Parameters
    ----------
    positions
        (N, A, 3) in Å, of one molecule, whole.
    numbers
        (A,) atomic numbers.

    Raises
    ------
    DataError
        If the shapes do not fit each other.
    UsageError
        If all atoms are hydrogen.
    """
    places = checked_positions(positions)
    z = checked_numbers(numbers, places)
    heavy = z > HYDROGEN
    if not heavy.any():
        raise UsageError(
            "radius of gyration: expected atoms that are not hydrogen, but there are none"
        )
    masses = np.array(MASSES)[z[heavy]]
    masses = masses / masses.sum()
    chosen = places[:, heavy]
    about = chosen - np.einsum("a,nai->ni", masses, chosen)[:, None]
    found: Floats = np.sqrt(np.einsum("a,nai,nai->n", masses, about, about))
    return found


def radius_of_gyration(frames: Frames) -> Floats:
    """Radius of gyration of each frame without its hydrogen atoms, (N,) in Å.

    See :func:`gyration_radii`.

    Raises
    ------
    UsageError
        If the frames are periodic, or all hydrogen: they have none.
    """
    if frames.periodic:
        raise UsageError("a radius of gyration is a molecule's; these frames are periodic")
    return gyration_radii(frames.positions, frames.numbers)


def of_reference(dataset: Dataset, subset: str) -> Floats:
    """Radii of gyration of a subset's test set, (N,) in Å."""
    return radius_of_gyration(dataset.split(f"{subset}/test"))


def read(path: Path) -> dict[str, Floats]:
    """Read radii of gyration from a file, by label, each (N,) in Å.

    CSV: a column ``rg`` (Å), and optionally ``label``, a line per frame.  npz: an array per
    label, or one named ``rg``, which is labelled with the file's name.

    Raises
    ------
    UsageError
        If the file is neither.
    DataError
        If it cannot be read, or has something else in it.
    """
    check_input(path)
    if path.suffix not in (".csv", ".npz"):
        raise UsageError(f"{path}: expected radii of gyration in a .csv or .npz file")
    try:
        found = _csv(path) if path.suffix == ".csv" else _npz(path)
    except (OSError, ValueError, csv.Error, zlib.error) as error:
        raise DataError(f"{path}: cannot be read ({error})") from None
    for label, radii in found.items():
        if radii.ndim != 1 or not len(radii) or not (np.isfinite(radii) & (radii > 0)).all():
            raise DataError(
                f"{path}: {label!r} is of shape {radii.shape}; expected (N,) radii in Å, all "
                "positive and finite; leave out frames of trajectories that broke"
            )
    return found


def _csv(path: Path) -> dict[str, Floats]:
    with open(path, newline="", encoding="utf-8-sig") as stream:  # spreadsheets write a mark
        reader = csv.DictReader(stream)
        columns = reader.fieldnames or []
        if "rg" not in columns:
            raise DataError(f"{path}: columns {', '.join(columns) or '(none)'}; expected rg (Å)")
        found: dict[str, list[float]] = {}
        for line in reader:
            if not line["rg"]:
                raise DataError(
                    f"{path}: line {reader.line_num} has no rg; write the file again, or remove it"
                )
            found.setdefault(line.get("label") or path.stem, []).append(float(line["rg"]))
    return {label: np.array(values) for label, values in found.items()}


def _npz(path: Path) -> dict[str, Floats]:
    from zipfile import BadZipFile

    from numpy.lib.npyio import NpzFile

    try:
        with open(path, "rb") as stream, NpzFile(stream, allow_pickle=False) as archive:
            arrays = {path.stem if name == "rg" else name: archive[name] for name in archive.files}
    except BadZipFile as error:
        raise ValueError(error) from None
    for label, radii in arrays.items():
        if radii.dtype.kind not in "iuf":
            raise DataError(f"{path}: {label!r} is of {radii.dtype}, expected numbers: radii in Å")
    return {label: radii.astype(np.float64) for label, radii in arrays.items()}
