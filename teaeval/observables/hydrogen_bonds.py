"""Hydrogen bonds in a molecule by a geometric criterion: their number and how long they last."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from teadata.typing import Floats, Ints, Mask
from teaeval.observables.observable import Observable
from teaeval.observables.quantities import Axis, Histogram, Mean, Quantity
from teaeval.observables.system import HYDROGEN, Sample, System, angles

REACH = 3.5
"""Å, largest distance of donor and acceptor."""

LEAST_ANGLE = 120.0
"""Degrees, least angle donor–hydrogen–acceptor."""

NITROGEN, OXYGEN, FLUORINE = 7, 8, 9


def triples(system: System) -> Ints:
    """Donor, hydrogen and acceptor (T, 3) of every hydrogen bond that there could be.

    Donors are N, O and F with a hydrogen; acceptors are O, F, and N without a hydrogen.
    """
    numbers, bonds = system.numbers, system.bonds
    hydrogen = numbers == HYDROGEN
    polar = np.isin(numbers, [NITROGEN, OXYGEN, FLUORINE])
    acceptor = polar & ~((numbers == NITROGEN) & (bonds & hydrogen).any(axis=1))
    found = [
        (d, h, a)
        for d, h in np.argwhere(bonds & polar[:, None] & hydrogen).tolist()
        for a in np.flatnonzero(acceptor).tolist()
        if a != d
    ]
    return np.array(found, dtype=np.int64).reshape(-1, 3)


def bonds_of(sample: Sample, there: Ints) -> Mask:
    """Which of the triples (T, 3) are hydrogen bonds in each frame, (n, T)."""
    near = sample.lengths(there[:, [0, 2]]) <= REACH
    towards = sample.vectors(there[:, [1, 0]]), sample.vectors(there[:, [1, 2]])
    found: Mask = near & (angles(*towards) >= LEAST_ANGLE)
    return found


def _possible(system: System) -> Ints:
    none: Ints = np.empty((0, 3), dtype=np.int64)
    return triples(system) if system.molecule else none


def _number(system: System) -> list[Quantity]:
    there = _possible(system)
    most = len(np.unique(there[:, 1])) + 1
    return [Histogram("number", Axis("number", "", -0.5, 1.0, most + 1))] if len(there) else []


def _count(system: System, sample: Sample) -> Mapping[str, Floats]:
    number = bonds_of(sample, triples(system)).sum(axis=1)
    return {"number": number.astype(np.float64)}


def _lifetime(system: System) -> list[Quantity]:
    return [Mean("lifetime", "ps")] if len(_possible(system)) else []


def _lasting(system: System, sample: Sample) -> Mapping[str, Floats]:
    held: Any = bonds_of(sample, triples(system))
    now, then = held[:-1], held[1:]
    spacing = (sample.spacing or 0.0) / 1000
    values = np.stack([spacing * now.sum(axis=1), (now & ~then).sum(axis=1)], axis=1)
    return {"lifetime": values}


OBSERVABLES = (
    Observable(
        "hydrogen-bonds",
        "Hydrogen bonds",
        _number,
        _count,
        "a molecule without a cell, with donors and acceptors of hydrogen bonds",
    ),
    Observable(
        "hydrogen-bond-lifetime",
        "Lifetime of hydrogen bonds",
        _lifetime,
        _lasting,
        "a molecule without a cell, with donors and acceptors of hydrogen bonds",
        span=200.0,
        strided=True,
    ),
)
