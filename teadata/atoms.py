"""What ASE atoms hold, as the arrays of frames, in kcal/mol and Å."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np

from teadata import units
from teadata.errors import DataError, UsageError
from teadata.typing import Array

if TYPE_CHECKING:
    from ase import Atoms

NEEDED = ("energy", "forces")
"""Results that the calculator of every image must have."""

INFO = {"trajectory": "trajectories", "temperature": "temperatures"}
"""Fields of frames by their names in ``info``; they are taken where all images have them."""


def arrays_of(images: Iterable[Atoms] | Atoms) -> dict[str, Any]:
    """The arrays of frames, by field, of ASE atoms with results in eV, eV/Å and eV/Å³.

    Raises
    ------
    UsageError
        If they are no ASE atoms.
    DataError
        If there are none, they differ in atoms or pbc, or in whether they have stress, or the
        results of one are missing, or of other positions than it has.
    """
    listed = _listed(images)
    first = listed[0]
    for i, atoms in enumerate(listed):
        _check(atoms, first, i)
    results = [atoms.calc.results for atoms in listed]
    found: dict[str, Any] = {
        "numbers": first.numbers,
        "positions": np.stack([atoms.positions for atoms in listed]),
        "energies": np.array([one["energy"] for one in results]) * units.EV,
        "forces": np.stack([one["forces"] for one in results]) * units.EV,
        "pbc": first.pbc,
        "ids": _ids(listed),
    }
    if any(atoms.cell.rank for atoms in listed):
        found["cell"] = np.stack([atoms.cell.array for atoms in listed])
    if _has_stress(first):
        stress = [atoms.get_stress(voigt=False, apply_constraint=False) for atoms in listed]
        found["stress"] = np.stack(stress) * units.EV
    for name, field in INFO.items():
        if (values := _info(listed, name)) is not None and (
            field == "temperatures" or values.dtype.kind in "iu"
        ):
            found[field] = values
    return found


def _listed(images: Any) -> list[Any]:
    """The images of a list, or the one that is given."""
    given = [images]
    if not _is_atoms(images):
        with suppress(TypeError):
            given = list(images)
    if not all(map(_is_atoms, given)):
        raise UsageError(f"expected a list of ase.Atoms, found {images!r:.60}")
    if not given:
        raise DataError("cannot make frames of an empty list of ASE atoms")
    return given


def _is_atoms(image: object) -> bool:
    return all(hasattr(image, name) for name in ("numbers", "positions", "calc", "cell"))


def _check(atoms: Any, first: Any, place: int) -> None:
    """Refuse an image that is of another system than the first, or lacks valid results."""
    if not np.array_equal(atoms.numbers, first.numbers):
        raise DataError(f"image {place} has other atoms, or another order, than image 0")
    if not np.array_equal(atoms.pbc, first.pbc):
        raise DataError(
            f"image {place} has pbc {atoms.pbc.tolist()}, image 0 has {first.pbc.tolist()}; make "
            "frames of each"
        )
    results = {} if atoms.calc is None else atoms.calc.results
    missing = [name for name in NEEDED if results.get(name) is None]
    if missing:
        raise DataError(
            f"image {place} has no {' and no '.join(missing)} on its calculator; compute them "
            "first (atoms.get_forces()), and keep them with a SinglePointCalculator of each image"
        )
    if _is_stale(atoms):
        raise DataError(
            f"image {place} is not at the positions that its calculator's results are of; a "
            "calculator that images share has those of the last: keep the results of each in a "
            "SinglePointCalculator of its own, and compute them again where atoms were moved"
        )
    if _has_stress(atoms) != _has_stress(first):
        raise DataError(
            f"only one of images 0 and {place} has a stress; remove it where it is "
            "(del atoms.calc.results['stress']), or compute it for all"
        )


def _has_stress(atoms: Any) -> bool:
    return atoms.calc.results.get("stress") is not None


def _is_stale(atoms: Any) -> bool:
    """Whether a calculator says that its results are of another geometry."""
    check = getattr(atoms.calc, "check_state", None)
    if check is None or getattr(atoms.calc, "atoms", None) is None:
        return False
    cell = {"cell"} if atoms.pbc.any() else set()
    return bool({"positions", "numbers", *cell} & set(check(atoms)))


def _ids(images: Sequence[Any]) -> Array:
    """Ids of the images, or their places where not all have one."""
    if not all("frame_id" in atoms.info for atoms in images):
        return np.arange(len(images))
    for i, atoms in enumerate(images):
        value = np.asarray(atoms.info["frame_id"])
        if value.size != 1 or value.dtype.kind not in "iu":
            raise DataError(
                f"image {i}: info['frame_id'] is {atoms.info['frame_id']!r:.60}, expected a whole "
                "number"
            )
    return np.array([int(atoms.info["frame_id"]) for atoms in images])


def _info(images: Sequence[Any], name: str) -> Array | None:
    """A value of all images' ``info``; None unless each has one number under this name."""
    if not all(name in atoms.info for atoms in images):
        return None
    values = [np.asarray(atoms.info[name]) for atoms in images]
    if any(value.ndim or value.dtype.kind not in "iuf" for value in values):
        return None
    return np.array(values)
