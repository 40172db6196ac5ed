"""The observables that simulations are analysed for."""

from __future__ import annotations

from collections.abc import Sequence

from teadata.errors import UsageError, unknown_name
from teaeval.observables import (
    adsorbate,
    elements,
    hydrogen_bonds,
    neighbours,
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
    neighbours,
    vibrations,
    elements,
    adsorbate,
    perovskite,
)


def observables() -> dict[str, Observable]:
    """All observables, by name."""
    return {one.name: one for room in ROOMS for one in room.OBSERVABLES}


def absent(system: System) -> dict[str, str]:
    """Why observables that one would expect of a system are not of it, by name."""
    reasons = {name: one.absent(system) for name, one in observables().items()}
    return {name: why for name, why in reasons.items() if why is not None}


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
            why = every[name].absent(system) or f"{system.frame.formula} is none"
            raise UsageError(
                f"--observable {name} is of {every[name].subject}, and {why}; of this system there "
                f"are: {there}"
            )
        found.append(every[name])
    return found
