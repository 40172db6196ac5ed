"""Shape of a molecule: radius of gyration, distance between its ends."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from teadata.typing import Floats, Ints
from teaeval.observables.gyration import HYDROGEN, gyration_radii
from teaeval.observables.observable import Observable
from teaeval.observables.quantities import Axis, Histogram
from teaeval.observables.system import Sample, System

LONGEST_BOND = 2.0
"""Å a bond that the bins of distances in a molecule make room for."""


def span_of(system: System) -> float:
    """A length in Å that no two atoms of a molecule are farther apart than while it is whole."""
    return LONGEST_BOND * (float(system.steps.max()) + 1)


def ends(system: System) -> tuple[int, int] | None:
    """The two heavy atoms with most bonds between them, the first such pair; None of fewer."""
    heavy = np.flatnonzero(system.numbers > HYDROGEN)
    if not system.molecule or len(heavy) < 4:
        return None
    between = system.steps[np.ix_(heavy, heavy)]
    i, j = np.unravel_index(int(between.argmax()), between.shape)
    return int(heavy[i]), int(heavy[j])


def _lengths(system: System, name: str, width: float) -> Histogram:
    return Histogram(name, Axis(name, "Å", 0.0, width, int(np.ceil(span_of(system) / width))))


def _no_shape(system: System) -> str | None:
    """Why a system without a cell has no radius of gyration."""
    if system.periodic:
        return None
    if not (system.numbers > HYDROGEN).any():
        return f"all atoms of {system.frame.formula} are hydrogen, and it is of the other atoms"
    if system.molecule:
        return None
    return f"the atoms of {system.frame.formula} are not bonded to one molecule"


def _gyration(system: System) -> list[Histogram]:
    if not system.molecule or not (system.numbers > HYDROGEN).any():
        return []
    return [_lengths(system, "radius of gyration", 0.05)]


def _radii(system: System, sample: Sample) -> Mapping[str, Floats]:
    return {"radius of gyration": gyration_radii(sample.positions, system.numbers)}


def _end_to_end(system: System) -> list[Histogram]:
    return [_lengths(system, "distance of the ends", 0.2)] if ends(system) else []


def _between_ends(system: System, sample: Sample) -> Mapping[str, Floats]:
    pair: Ints = np.array([ends(system)])
    return {"distance of the ends": sample.lengths(pair)[:, 0]}


OBSERVABLES = (
    Observable(
        "gyration",
        "Radius of gyration",
        _gyration,
        _radii,
        "a molecule without a cell",
        absent=_no_shape,
    ),
    Observable(
        "end-to-end",
        "Distance of the ends",
        _end_to_end,
        _between_ends,
        "a molecule without a cell, of four heavy atoms or more",
    ),
)
