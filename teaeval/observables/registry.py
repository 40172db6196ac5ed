"""The observables that simulations are analysed for."""

from __future__ import annotations

from collections.abc import Sequence

from teadata.errors import UsageError, unknown_name
from teaeval.observables import (
    adsorbate,
    elements,
    hydrogen_bonds,
    perovskite,
    shape,
    structure,
    torsions,
    vibrations,
)
from teaeval.observables.observable import Observable
from teaeval.observables.system import System

ROOMS = (
    shape,
    torsions,
    hydrogen_bonds,
    structure,
    vibrations,
    elements,
    adsorbate,
    perovskite,
)


def observables() -> dict[str, Observable]:
    """All observables, by name."""
    return {one.name: one for room in ROOMS for one in room.OBSERVABLES}


def chosen(system: System, names: Sequence[str] = ()) -> list[Observable]:
    """The observables of these names, or all that are of a system.

    Raises
    ------
    UsageError
        If there is no such observable, or it is not of this system.
    """
    every = observables()
    if not names:
        return [one for one in every.values() if one.quantities(system)]
    found = []
    for name in dict.fromkeys(names):
        if name not in every:
            raise unknown_name("observable", name, every)
        if not every[name].quantities(system):
            there = ", ".join(one.name for one in chosen(system))
            raise UsageError(
                f"--observable {name} is of {every[name].subject}, and {system.frame.formula} is "
                f"none; of this system there are: {there}"
            )
        found.append(every[name])
    return found
