"""The published settings and costs of training."""

from __future__ import annotations

import functools
from dataclasses import dataclass

from teaeval.published.results import lines


@dataclass(frozen=True)
class Setting:
    """A hyperparameter as it was published.

    ``challenges`` are those it holds for, ``trained_on`` the subset where that matters, else
    empty; ``source`` is the section or table of the supplementary information.  SOAP/GAP's
    ``sigma_energy`` and ``sigma_force`` are those of the largest training sets.
    """

    model: str
    challenges: tuple[str, ...]
    trained_on: str
    setting: str
    value: str
    unit: str
    source: str


@dataclass(frozen=True)
class Cost:
    """A time that was published, in ``unit``, of what, and on which hardware."""

    model: str
    challenges: tuple[str, ...]
    of: str
    quantity: str
    value: float
    unit: str
    hardware: str
    source: str


@functools.cache
def settings() -> tuple[Setting, ...]:
    """Hyperparameters of the six models (SI 1.1 to 1.6, Tables SI 1 to SI 5)."""
    return tuple(
        Setting(challenges=tuple(line.pop("challenges").split()), **line)
        for line in lines("settings")
    )


@functools.cache
def costs() -> tuple[Cost, ...]:
    """Training times of MACE (SI 1.1) and step times of SO3krates (SI 1.2)."""
    return tuple(
        Cost(
            challenges=tuple(line.pop("challenges").split()),
            value=float(line.pop("value")),
            **line,
        )
        for line in lines("costs")
    )
