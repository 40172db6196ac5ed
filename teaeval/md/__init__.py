"""Molecular dynamics with a model, watched for stability.

>>> from teaeval import md
>>> outcome = md.simulate(atoms, calculator, md.Settings(steps=1000), folder)  # doctest: +SKIP
>>> outcome.status, md.Trajectory(outcome.file).positions  # doctest: +SKIP

Lengths are in Å, energies in kcal/mol, times in fs unless a name says ps, temperatures in K.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from teadata.lazy import exports

if TYPE_CHECKING:
    from teaeval.calculators import find_calculator
    from teaeval.md.analysis import analyse
    from teaeval.md.outcome import Failure, Outcome
    from teaeval.md.plan import Plan
    from teaeval.md.record import Simulations
    from teaeval.md.replicas import make_plan, run
    from teaeval.md.settings import Settings
    from teaeval.md.simulation import simulate
    from teaeval.md.trajectory import Trajectory

_HOME = {
    "Failure": "teaeval.md.outcome",
    "Outcome": "teaeval.md.outcome",
    "Plan": "teaeval.md.plan",
    "Settings": "teaeval.md.settings",
    "Simulations": "teaeval.md.record",
    "Trajectory": "teaeval.md.trajectory",
    "analyse": "teaeval.md.analysis",
    "find_calculator": "teaeval.calculators",
    "make_plan": "teaeval.md.replicas",
    "run": "teaeval.md.replicas",
    "simulate": "teaeval.md.simulation",
}

__all__ = [
    "Failure",
    "Outcome",
    "Plan",
    "Settings",
    "Simulations",
    "Trajectory",
    "analyse",
    "find_calculator",
    "make_plan",
    "run",
    "simulate",
]

__getattr__, __dir__ = exports(__name__, _HOME)
