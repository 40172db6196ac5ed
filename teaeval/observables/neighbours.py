"""Angles between the nearest neighbours of an atom, where atoms have no covalent bonds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from teadata.elements import SYMBOLS
from teadata.errors import MissingExtraError
from teadata.structure.vesin_lists import neighbour_list
from teadata.typing import Floats
from teaeval.observables import bins
from teaeval.observables.angles import corners
from teaeval.observables.observable import Observable
from teaeval.observables.quantities import Axis, Histogram, Part
from teaeval.observables.structure import MOST_ATOMS, bonded_triples
from teaeval.observables.system import Sample, System

ANGLES = Axis("angle", "°", 0.0, 3.0, 60)

SHELL = 1.25
"""How many times the distance of the nearest neighbour the first shell reaches."""

FARTHEST = 12.0
"""Å, beyond which an atom has no neighbours."""


@dataclass(frozen=True)
class Counted(Histogram):
    """A histogram of as many values as each frame has; of (n, B + 6) numbers.

    These are, of each frame, a row of :mod:`.bins`, the sum of the values, and their number.
    """

    def part(self, values: Floats) -> Part:
        """The rows of all frames added up, the number of frames, and the mean of each frame."""
        added = values.sum(axis=0)
        mean = added[-2] / max(float(added[-1]), 1.0)
        number = values[:, -1]
        series = np.where(number > 0, values[:, -2] / np.maximum(number, 1), mean)
        return Part(np.append(added, len(values)), series[:, None])


def shells(system: System) -> dict[int, float]:
    """Radius in Å of the first shell about atoms of each element, in the one structure.

    1.25 times the median distance of the nearest neighbour, of any element; a definition of our
    own.  Elements whose atoms have none within 12 Å are left out.

    Raises
    ------
    MissingExtraError
        If vesin is not installed.
    """
    cell = _first_cell(system)
    box = np.zeros((3, 3)) if cell is None else cell
    nearest = np.full(len(system.numbers), np.inf)
    cutoff = 3.0
    while np.isinf(nearest).any() and cutoff <= FARTHEST:
        search = neighbour_list("angles between neighbours", cutoff)
        i, length = search.compute(system.positions, box, cell is not None, "id")
        np.minimum.at(nearest, i.astype(np.int64), length)
        cutoff *= 2
    found = {}
    for z in np.unique(system.numbers).tolist():
        median = float(np.median(nearest[system.numbers == z]))
        if np.isfinite(median):
            found[z] = SHELL * median
    return found


def _measured(system: System, sample: Sample) -> Mapping[str, Floats]:
    """Rows of :class:`Counted` by the elements of the three atoms."""
    reach = shells(system)
    names = _of_first(system, reach)
    found = {name: np.zeros((len(sample.positions), ANGLES.bins + 6)) for name in names}
    for row, places in enumerate(sample.positions):
        cell = None if sample.cell is None else sample.cell[row]
        for name, angles in _of_frame(system, reach, places, cell).items():
            if name in found:
                counts = bins.binned(angles, ANGLES.edges)
                found[name][row] = [*counts, angles.sum(), angles.size]
    return found


def _of_frame(
    system: System, reach: Mapping[int, float], places: Floats, cell: Floats | None
) -> dict[str, Floats]:
    """Angles (n,) of one frame, by the elements of the three atoms."""
    found = {}
    for middle, cutoff in reach.items():
        first, second, angles = corners(places, cell, system.numbers, cutoff, middle)
        low, high = np.minimum(first, second), np.maximum(first, second)
        for a, b in np.unique(np.stack([low, high], axis=1), axis=0).tolist():
            ends = sorted((SYMBOLS[a], SYMBOLS[b]))
            name = f"{ends[0]}–{SYMBOLS[middle]}–{ends[1]}"
            found[name] = angles[(low == a) & (high == b)]
    return found


def _why_not(system: System) -> str | None:
    """Why a system without angles between bonds has none between neighbours, either."""
    if len(system.numbers) > MOST_ATOMS:
        return f"{len(system.numbers)} atoms are too many: it is of at most {MOST_ATOMS}"
    if system.periodic and not np.asarray(system.frame.pbc).all():
        along = int(np.sum(system.frame.pbc))
        return f"the cell is periodic along {along} of three axes: it is of all three, or none"
    try:
        neighbour_list("angles between neighbours", 1.0)
    except MissingExtraError as error:
        return str(error)
    return None


def _quantities(system: System) -> list[Histogram]:
    """One for each three elements that have an angle in the one structure."""
    if len(bonded_triples(system)) or _why_not(system) is not None:
        return []
    return [Counted(name, ANGLES) for name in sorted(_of_first(system, shells(system)))]


def _of_first(system: System, reach: Mapping[int, float]) -> dict[str, Floats]:
    """Angles of the one structure."""
    return _of_frame(system, reach, system.positions, _first_cell(system))


def _first_cell(system: System) -> Floats | None:
    """The cell (3, 3) of the one structure; None without periodic axes."""
    cell = system.frame.cell
    return cell[0] if cell is not None and system.periodic else None


def _absent(system: System) -> str | None:
    return None if len(bonded_triples(system)) else _why_not(system)


OBSERVABLES = (
    Observable(
        "neighbour-angles",
        "Angles between neighbours",
        _quantities,
        _measured,
        "a system without covalent bonds that is periodic along three axes, or none, of at most "
        f"{MOST_ATOMS} atoms",
        absent=_absent,
    ),
)
