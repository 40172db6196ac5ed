"""The plan of a hydrogen benchmark, and the folder that it is carried out in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from teadata import Dataset
from teadata.errors import UsageError
from teadata.files import check_folder
from teadata.provenance import sha256
from teaeval.hydrogen.record import Plan, Protocol
from teaeval.hydrogen.states import state_points
from teaeval.md import campaign


def make_plan(
    dataset: Dataset,
    label: str | None = None,
    model: Path | None = None,
    calculator: str | None = None,
    states: Sequence[str] | None = None,
    protocol: Protocol | None = None,
) -> Plan:
    """Make the plan of a benchmark, and check all that can be checked before anything is run.

    Parameters
    ----------
    dataset
        A dataset with reference trajectories at several densities, such as mini-hydrogen.
    label
        The model's name in tables and figures; by default that of the folder or factory.
    model, calculator
        A run folder, or ``module:factory`` of an ASE calculator: one of the two.
    states
        Names of state points; all by default.
    protocol
        How; the default protocol otherwise.

    Raises
    ------
    UsageError
        If there is no model or are two, no such state point, or frames cannot be as far apart
        as those of the reference.
    """
    if (model is None) == (calculator is None):
        raise UsageError("expected one of --calculator module:factory and --run RUN")
    points = state_points(dataset, None if states is None else list(states))
    how = protocol or Protocol()
    for state in points:
        steps = state.spacing / how.timestep
        lengths = (steps, how.equilibration / state.spacing, how.length / state.spacing)
        if not all(abs(n - round(n)) < 1e-6 for n in lengths):
            raise UsageError(
                f"frames of the reference are {state.spacing:g} fs apart: expected times of "
                f"equilibration ({how.equilibration:g} fs) and length ({how.length:g} fs) that are "
                f"multiples of that, and a time step ({how.timestep:g} fs) that divides it"
            )
    checksum = None
    if model is not None:
        check_folder(model, "a run folder, of a training that has finished")
        record = model / "record.json"
        if not record.is_file():
            raise UsageError(
                f"{model}: not the folder of a finished training, it has no record.json; give the "
                "folder that `baselines train` made, or --calculator module:factory"
            )
        checksum = sha256(record)
    return Plan(
        label=label or (model.resolve().name if model else str(calculator)),
        model=str(model) if model else None,
        calculator=calculator,
        model_sha256=checksum,
        dataset=dataset.card.full_id,
        frames_sha256=dataset.card.file("frames").sha256,
        states=tuple(state.name for state in points),
        protocol=how,
    )


def prepare(plan: Plan, folder: Path, first: Callable[[], object] | None = None) -> None:
    """Make the folder of a benchmark, or check that it is of this plan.

    Other state points of the same plan are welcome, and the model may have been moved.

    Parameters
    ----------
    plan, folder
        The benchmark.
    first
        Called before a new folder is made: raises an error if the plan cannot be carried out.

    Raises
    ------
    UsageError
        If the folder is of another plan, or something else.
    DataError
        If it cannot be made, or its plan not be read.
    """
    campaign.prepare(folder, plan, _shared, "a hydrogen benchmark", first)


def _shared(plan: Plan) -> dict[str, Any]:
    """What all plans of one folder must agree in."""
    values = plan.model_dump(mode="json", exclude={"states", "label", "model", "protocol"})
    return values | plan.protocol.model_dump(mode="json")
