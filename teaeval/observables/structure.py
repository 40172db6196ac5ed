"""Bond lengths, bond angles, and distances between atoms, by elements."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from teadata.typing import Floats, Ints, Mask
from teaeval.observables.observable import Observable
from teaeval.observables.pairs import largest_radius
from teaeval.observables.quantities import Axis, Histogram
from teaeval.observables.shape import span_of
from teaeval.observables.system import Sample, System, angles, covalent_atoms

LENGTHS = Axis("length", "Å", 0.5, 0.02, 150)
ANGLES = Axis("angle", "°", 0.0, 3.0, 60)
WIDTH = 0.1
"""Å, width of a bin of distances."""

MOST_ATOMS = 1000
"""Atoms of a system whose pairs are all looked at in every frame."""


def bonded_pairs(system: System) -> Ints:
    """Atoms with a covalent bond, (B, 2)."""
    return np.argwhere(np.triu(_covalent(system), 1))


def _covalent(system: System) -> Mask:
    """(A, A) which atoms have a covalent bond."""
    atoms = covalent_atoms(system.numbers)
    found: Mask = system.bonds & atoms & atoms[:, None]
    return found


def bonded_triples(system: System) -> Ints:
    """Atoms of each angle between two bonds, (T, 3), the one in the middle second."""
    found = []
    for middle, row in enumerate(_covalent(system)):
        near = np.flatnonzero(row)
        found += [(a, middle, b) for i, a in enumerate(near) for b in near[i + 1 :]]
    return np.array(found, dtype=np.int64).reshape(-1, 3)


def _bonds(system: System) -> list[Histogram]:
    return [Histogram(name, LENGTHS) for name in system.by_elements(bonded_pairs(system))]


def _bond_lengths(system: System, sample: Sample) -> Mapping[str, Floats]:
    groups = system.by_elements(bonded_pairs(system))
    return {name: sample.lengths(pairs) for name, pairs in groups.items()}


def _corners(system: System) -> list[Histogram]:
    return [Histogram(name, ANGLES) for name in system.by_elements(bonded_triples(system))]


def _bond_angles(system: System, sample: Sample) -> Mapping[str, Floats]:
    return {
        name: angles(sample.vectors(atoms[:, [1, 0]]), sample.vectors(atoms[:, [1, 2]]))
        for name, atoms in system.by_elements(bonded_triples(system)).items()
    }


def _no_angles(system: System) -> str | None:
    """Why a system of three atoms or more has no angles between bonds."""
    if len(system.numbers) < 3 or len(bonded_triples(system)):
        return None
    return (
        f"no atom of {system.frame.formula} has two covalent bonds in the first test frame; "
        "see neighbour-angles"
    )


def _no_distances(system: System) -> str | None:
    """Why a system has neither distances of pairs nor g(r)."""
    if (count := len(system.numbers)) > MOST_ATOMS:
        return f"{count} atoms have too many pairs: it is of at most {MOST_ATOMS} atoms"
    if not system.periodic:
        alone = f"the atoms of {system.frame.formula} are not bonded to one molecule"
        return None if system.molecule else alone
    if np.asarray(system.frame.pbc).all():
        several = "the simulations are in cells of several sizes: g(r) is relative to one density"
        return None if system.one_cell else several
    return (
        f"the cell is periodic along {int(np.sum(system.frame.pbc))} of three axes: there is no "
        "mean density that g(r) is relative to"
    )


def _distances(system: System) -> list[Histogram]:
    if len(system.numbers) > MOST_ATOMS:
        return []
    groups = system.pairs
    if not system.periodic:
        if not system.molecule:
            return []
        bins = int(np.ceil(span_of(system) / WIDTH))
        return [Histogram(name, Axis(name, "Å", 0.0, WIDTH, bins)) for name in groups]
    cell = system.cell
    if cell is None or not np.asarray(system.frame.pbc).all() or not system.one_cell:
        return []
    bins = int(largest_radius(cell) / WIDTH)
    edges = WIDTH * np.arange(bins + 1)
    shells = 4 / 3 * np.pi * np.diff(edges**3) / abs(float(np.linalg.det(cell)))
    return [
        Histogram(name, Axis(name, "Å", 0.0, WIDTH, bins), tuple((len(pairs) * shells).tolist()))
        for name, pairs in groups.items()
    ]


def _between(system: System, sample: Sample) -> Mapping[str, Floats]:
    return {name: sample.lengths(pairs) for name, pairs in system.pairs.items()}


OBSERVABLES = (
    Observable(
        "bond-lengths", "Bond lengths", _bonds, _bond_lengths, "a system with covalent bonds"
    ),
    Observable(
        "angular",
        "Bond angles",
        _corners,
        _bond_angles,
        "a system with two covalent bonds at an atom",
        absent=_no_angles,
    ),
    Observable(
        "radial",
        "Distances between atoms",
        _distances,
        _between,
        "one molecule without a cell, or a system that is periodic along three axes, of at most "
        f"{MOST_ATOMS} atoms",
        absent=_no_distances,
    ),
)
