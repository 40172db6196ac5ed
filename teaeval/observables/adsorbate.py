"""A molecule on a sheet of graphene: height, tilt, rotation in the plane, lateral position.

The sheet is all that is not the molecule; its plane is spanned by the first two cell vectors.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from teadata.typing import Floats, Ints
from teaeval.observables.observable import Observable
from teaeval.observables.quantities import Axis, Histogram, Map, Quantity
from teaeval.observables.system import HYDROGEN, Sample, System, angles

CARBON = 6
SIXTH = 60.0
"""Degrees, after which a sheet of graphene looks the same."""

HEIGHT = Axis("height", "Å", 0.0, 0.1, 150)
TILT = Axis("tilt", "°", 0.0, 3.0, 30)
ROTATION = Axis("rotation", "°", 0.0, 3.0, 20, periodic=True)
SITE = tuple(Axis(name, "", 0.0, 1 / 12, 12, periodic=True) for name in ("along a₁", "along a₂"))


@dataclass(frozen=True)
class _Parts:
    """Atoms of the molecule, of the sheet, and of one of its two sublattices; repeats of a cell."""

    molecule: Ints
    sheet: Ints
    sublattice: Ints
    repeats: int


def _parts(system: System) -> _Parts | None:
    """Molecule and sheet of a system; None of another system."""
    groups = system.groups.get("mol", ())
    across = np.asarray(system.frame.pbc)[:2]
    if not across.all() or system.frame.cell is None or len(groups) != 1:
        return None
    molecule = np.array(groups[0], dtype=np.int64)
    sheet = np.setdiff1d(np.arange(len(system.numbers)), molecule)
    repeats = round(np.sqrt(len(sheet) / 2))
    if (system.numbers[sheet] != CARBON).any() or 2 * repeats**2 != len(sheet) or not len(sheet):
        return None
    return _Parts(molecule, sheet, _sublattice(system, sheet), repeats)


def _sublattice(system: System, sheet: Ints) -> Ints:
    """The atoms of the sheet that are an even number of bonds away from its first."""
    steps = system.steps[sheet[0], sheet]
    found: Ints = sheet[steps % 2 == 0]
    return found


def _normal(sample: Sample) -> Floats:
    """Unit vector (n, 3) across the plane of the first two cell vectors."""
    cell = sample.cell if sample.cell is not None else np.empty((0, 3, 3))
    across = np.cross(cell[:, 0], cell[:, 1])
    found: Floats = across / np.linalg.norm(across, axis=1, keepdims=True)
    return found


def _whole(sample: Sample, parts: _Parts) -> Floats:
    """Positions (n, M, 3) of the molecule, put together about its first atom."""
    first = parts.molecule[0]
    pairs = np.stack([np.full(len(parts.molecule), first), parts.molecule], axis=1)
    found: Floats = sample.positions[:, [first]] + sample.vectors(pairs)
    return found


def _centre(system: System, whole: Floats, parts: _Parts) -> Floats:
    weights = system.masses[parts.molecule]
    found: Floats = np.einsum("a,nai->ni", weights / weights.sum(), whole)
    return found


def _axes(system: System, whole: Floats, parts: _Parts) -> Floats:
    """Principal axes (n, 3, 3) of the heavy atoms as rows: the longest first, the normal last."""
    heavy = whole[:, system.numbers[parts.molecule] > HYDROGEN]
    about = heavy - heavy.mean(axis=1, keepdims=True)
    _, vectors = np.linalg.eigh(np.einsum("nai,naj->nij", about, about))
    found: Floats = np.swapaxes(vectors, 1, 2)[:, ::-1]
    return found


def _quantities(*quantities: Quantity) -> Callable[[System], list[Quantity]]:
    def of(system: System) -> list[Quantity]:
        return [] if _parts(system) is None else list(quantities)

    return of


def _heights(system: System, sample: Sample) -> Mapping[str, Floats]:
    parts = _parts(system)
    if parts is None or sample.cell is None:
        return {}
    normal = _normal(sample)
    centre = _centre(system, _whole(sample, parts), parts)
    height = np.einsum("ni,ni->n", centre, normal)
    height -= np.einsum("nai,ni->na", sample.positions[:, parts.sheet], normal).mean(axis=1)
    if sample.pbc is None or sample.pbc[2]:
        period = np.abs(np.einsum("ni,ni->n", sample.cell[:, 2], normal))
        height -= period * np.rint(height / period)
    return {"height": np.abs(height)}


def _tilts(system: System, sample: Sample) -> Mapping[str, Floats]:
    parts = _parts(system)
    if parts is None:
        return {}
    own = _axes(system, _whole(sample, parts), parts)[:, 2]
    tilt = angles(own, _normal(sample))
    return {"tilt": np.minimum(tilt, 180 - tilt)}


def _rotations(system: System, sample: Sample) -> Mapping[str, Floats]:
    parts = _parts(system)
    if parts is None or sample.cell is None:
        return {}
    longest, normal = _axes(system, _whole(sample, parts), parts)[:, 0], _normal(sample)
    along = sample.cell[:, 0] / np.linalg.norm(sample.cell[:, 0], axis=1, keepdims=True)
    aside = np.cross(normal, along)
    x, y = (np.einsum("ni,ni->n", longest, axis) for axis in (along, aside))
    return {"rotation": np.degrees(np.arctan2(y, x)) % SIXTH}


def _sites(system: System, sample: Sample) -> Mapping[str, Floats]:
    """Where the molecule's centre is in the sheet's unit cell, relative to the sublattice.

    By phases: of an atom at r, 2π times its coordinate along a vector of the unit cell.  The
    sublattice's is that of the mean of exp(i phase) over its atoms, so neither the drift of
    the sheet nor its vibrations matter.
    """
    parts = _parts(system)
    if parts is None or sample.cell is None:
        return {}
    cell = sample.cell
    if sample.pbc is not None and not sample.pbc[2]:  # whatever its third vector is
        cell = np.concatenate([cell[:, :2], _normal(sample)[:, None]], axis=1)
    inverse = np.linalg.inv(cell)
    centre = _centre(system, _whole(sample, parts), parts)
    own = parts.repeats * np.einsum("ni,nij->nj", centre, inverse)[:, :2]
    atoms = parts.repeats * (sample.positions[:, parts.sublattice] @ inverse)[..., :2]
    phases = np.angle(np.exp(2j * np.pi * atoms).mean(axis=1)) / (2 * np.pi)
    return {"site": (own - phases) % 1.0}


SUBJECT = "one molecule, the group mol of the card, on a periodic sheet of graphene"

OBSERVABLES = (
    Observable(
        "height",
        "Height above the sheet",
        _quantities(Histogram("height", HEIGHT)),
        _heights,
        SUBJECT,
    ),
    Observable(
        "tilt", "Tilt against the sheet", _quantities(Histogram("tilt", TILT)), _tilts, SUBJECT
    ),
    Observable(
        "rotation",
        "Rotation in the plane",
        _quantities(Histogram("rotation", ROTATION)),
        _rotations,
        SUBJECT,
    ),
    Observable(
        "lateral-position", "Lateral position", _quantities(Map("site", *SITE)), _sites, SUBJECT
    ),
)
