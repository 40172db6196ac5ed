"""Dense hydrogen: does a model show the change from molecules to atoms, and where?

A low error on test frames does not say so; simulations at every density do.  After Bischoff,
Jäckl and Rupp, arXiv:2409.13390.

>>> from teaeval import hydrogen
>>> plan = hydrogen.make_plan(dataset, model=Path("runs/…"))  # doctest: +SKIP
>>> hydrogen.run(plan, Path("hydrogen/mace")).transitions  # doctest: +SKIP
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from teadata.lazy import exports

if TYPE_CHECKING:
    from teaeval.hydrogen.analysis import observe
    from teaeval.hydrogen.plans import make_plan
    from teaeval.hydrogen.record import Plan, Protocol, Record, read_record
    from teaeval.hydrogen.running import run
    from teaeval.hydrogen.states import state_points
    from teaeval.hydrogen.transition import find_transition

_HOME = {
    "Plan": "teaeval.hydrogen.record",
    "Protocol": "teaeval.hydrogen.record",
    "Record": "teaeval.hydrogen.record",
    "make_plan": "teaeval.hydrogen.plans",
    "observe": "teaeval.hydrogen.analysis",
    "read_record": "teaeval.hydrogen.record",
    "run": "teaeval.hydrogen.running",
    "state_points": "teaeval.hydrogen.states",
    "find_transition": "teaeval.hydrogen.transition",
}

__all__ = [
    "Plan",
    "Protocol",
    "Record",
    "find_transition",
    "make_plan",
    "observe",
    "read_record",
    "run",
    "state_points",
]

__getattr__, __dir__ = exports(__name__, _HOME)
