"""What an observable is: its quantities in a system, and how they are measured in frames."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from teadata.typing import Floats
from teaeval.observables.quantities import Quantity
from teaeval.observables.system import Sample, System

Needs = Literal["positions", "velocities", "forces"]


@dataclass(frozen=True)
class Observable:
    """Something that can be asked of a simulation.

    Parameters
    ----------
    name
        For ``--observable``.
    title
        For tables and figures.
    quantities
        Of a system, what is measured; none if the observable is not of such systems.
    measure
        The values of each quantity, by its name, in some frames; see
        :class:`teaeval.observables.quantities.Quantity` for their shapes.
    subject
        Which systems it is of, in words that follow "is of".
    needs
        What the frames must have beside positions.
    span
        Least time of a piece of a trajectory, fs: above zero for what follows a system in time,
        which needs frames in equal steps.
    strided
        Whether what is measured depends on the time between frames.
    most
        Largest time between two frames in fs that will do, of a system.
    absent
        Why a system has none that one would expect to have it; None of any other system.
    """

    name: str
    title: str
    quantities: Callable[[System], Sequence[Quantity]]
    measure: Callable[[System, Sample], Mapping[str, Floats]]
    subject: str
    needs: Needs = "positions"
    span: float = 0.0
    strided: bool = False
    most: Callable[[System], float] | None = None
    absent: Callable[[System], str | None] = lambda _: None
