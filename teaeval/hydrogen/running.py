"""Run the benchmark: simulate, analyse and compare every state point."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from teadata import Dataset, Frames, catalog
from teadata.elements import MASSES
from teadata.errors import DataError, UsageError
from teadata.files import write_text
from teadata.provenance import package_version
from teadata.typing import Progress
from teadata.units import BOLTZMANN, KINETIC
from teaeval.calculators import evaluate, find_calculator
from teaeval.hydrogen.analysis import deviation, observe, observe_frames, with_rows_of
from teaeval.hydrogen.plans import prepare
from teaeval.hydrogen.record import (
    RECORD_FILE,
    ModelErrors,
    Observed,
    Plan,
    Protocol,
    Record,
    StateResult,
    Transition,
    pooled,
)
from teaeval.hydrogen.states import StatePoint, state_points
from teaeval.hydrogen.transition import find_transition
from teaeval.md import campaign
from teaeval.md.starting import stress_of

if TYPE_CHECKING:
    from ase import Atoms

    from teaeval.md.settings import Settings

RESULT_FILE, STATES = "result.json", "states"
SUBSET = "complete"
CHECKPOINT_FRAMES = 50


@dataclass(frozen=True)
class Job:
    """One state point of a plan, for a worker that sees the folder."""

    plan: Plan
    state: str
    folder: Path
    model: Path | None


def finished(plan: Plan, folder: Path) -> bool:
    """Whether all state points of a plan have been simulated in this folder before."""
    return all((folder / STATES / state / RESULT_FILE).exists() for state in plan.states)


def run(
    plan: Plan,
    folder: Path,
    processes: int = 1,
    scheduler: str | None = None,
    progress: Progress | None = None,
) -> Record:
    """Run the state points that are missing, and write the record of all.

    Finished state points are kept, an interrupted one goes on from its last checkpoint.  Other
    state points of the same plan may be added to a folder later: the record is of all that have
    ended in it.

    Parameters
    ----------
    plan
        What to run.
    folder
        Where; made if need be.
    processes
        State points that are simulated at a time, each in a process of its own.
    scheduler
        Address of a Dask scheduler whose workers see the folder under the same path; instead of
        processes here.
    progress
        Told of the steps of all state points together; on a cluster of those that have ended.

    Raises
    ------
    UsageError
        If the folder is of another plan, or something else.
    TeaError
        If a simulation cannot be run; the state points that could are kept.
    """
    plan = with_finished(plan, folder)
    model = Path(plan.model).resolve() if plan.model else None
    prepare(plan, folder, None if scheduler else lambda: find_calculator(plan.calculator, model))
    jobs = {state: Job(plan, state, folder.resolve(), model) for state in plan.states}
    results = campaign.carry_out(run_state, jobs, processes, scheduler, progress)
    for state in with_finished(plan, folder).states:  # other processes may have ended some
        if state not in results:
            results[state] = run_state(Job(plan, state, folder.resolve(), model))
    ordered = sorted(results.values(), key=lambda one: (one.temperature, one.density))
    plan = plan.model_copy(update={"states": tuple(one.state for one in ordered)})
    record = summarise(plan, ordered)
    write_text(folder / RECORD_FILE, record.model_dump_json(indent=1) + "\n")
    return record


def with_finished(plan: Plan, folder: Path) -> Plan:
    """The plan with the state points that have ended in its folder before: the record has all."""
    there = sorted(path.parent.name for path in (folder / STATES).glob(f"*/{RESULT_FILE}"))
    states = tuple(dict.fromkeys([*plan.states, *there]))
    return plan.model_copy(update={"states": states})


@functools.lru_cache(maxsize=1)
def _dataset(name: str) -> Dataset:
    return catalog.load(name)


def run_state(job: Job, progress: Progress | None = None) -> StateResult:
    """Simulate and analyse a state point, or read its result if it is there.

    Raises
    ------
    TeaError
        If it cannot be simulated.
    """
    folder = job.folder / STATES / job.state
    path = folder / RESULT_FILE
    if path.exists():
        result = StateResult.from_json(
            path, "the result of a state point; remove this file", "remove this file"
        )
        if result.degrees_of_freedom is None:
            raise DataError(
                f"{path}: an earlier version made it, with a thermostat that counted the cell's "
                f"momentum; remove {folder}, or choose another --output"
            )
        return result
    known = catalog.find(job.plan.dataset)
    dataset = _dataset(known.full_id if known else job.plan.dataset)
    dataset.require(job.plan.frames_sha256)
    (state,) = state_points(dataset, [job.state])
    calculator = campaign.calculator_of(job.plan.calculator, job.model)
    result = _simulated(job, state, dataset, calculator, folder, progress)
    write_text(path, result.model_dump_json(indent=1) + "\n")
    return result


def _simulated(
    job: Job,
    state: StatePoint,
    dataset: Dataset,
    calculator: Any,
    folder: Path,
    progress: Progress | None,
) -> StateResult:
    from teaeval.md import Trajectory, simulate

    protocol = job.plan.protocol
    reference = dataset.trajectory(state.trajectory)
    errors = _errors(dataset, state, calculator)
    start = _start(reference, state, protocol.seed)
    settings = _settings(state, protocol, _has_stress(start, calculator))
    outcome = simulate(start, calculator, settings, folder, progress)
    expected = observe_frames(reference, state.spacing, protocol)
    observed, apart = None, None
    if outcome.failure is None:
        skip = round(protocol.equilibration / state.spacing)
        trajectory = Trajectory(outcome.file)
        stress = trajectory.stress
        observed = observe(
            trajectory.positions[skip + 1 :],
            trajectory.numbers,
            reference.cell[0] if reference.cell is not None else np.eye(3),
            None if stress is None else stress[skip + 1 :],
            state.temperature,
            state.spacing,
            protocol,
            expected,
        )
        expected = with_rows_of(observed, expected, reference, protocol)
        apart = deviation(observed, expected, protocol)
    return StateResult(
        state=state.name,
        temperature=state.temperature,
        density=state.density,
        status="failed" if outcome.failure else "finished",
        failure=outcome.failure.message if outcome.failure else None,
        time=outcome.time * 1000,
        seconds=outcome.wall_seconds,
        degrees_of_freedom=outcome.degrees_of_freedom,
        errors=errors,
        observed=observed,
        reference=expected,
        deviation=apart,
    )


def _errors(dataset: Dataset, state: StatePoint, calculator: Any) -> ModelErrors:
    """Errors on the test frames of this state point."""
    test = dataset.split(f"{SUBSET}/test")
    assert test.trajectories is not None
    frames = test[test.trajectories == state.trajectory]
    if not len(frames):
        return ModelErrors(frames=0, energy_mae=0.0, force_mae=0.0, energy_bias=0.0)
    energies, forces = evaluate(calculator, frames)
    return ModelErrors(
        frames=len(frames),
        energy_mae=float(np.abs(energies - frames.energies).mean()),
        force_mae=float(np.abs(forces - frames.forces).mean()),
        energy_bias=float((energies - frames.energies).mean()),
    )


def _start(reference: Frames, state: StatePoint, seed: int) -> Atoms:
    """The first frame of the reference, with velocities drawn at the temperature.

    The simulation removes the momentum of the cell, which Bussi's thermostat cannot exchange.
    """
    from ase.units import fs

    (atoms,) = reference[:1].to_ase()
    atoms.calc = None
    masses = np.array(MASSES)[reference.numbers]
    atoms.set_masses(masses)
    spread = np.sqrt(BOLTZMANN * state.temperature / (KINETIC * masses))[:, None]
    rng = np.random.default_rng([seed, state.trajectory])
    atoms.set_velocities(spread * rng.standard_normal(atoms.positions.shape) / fs)
    return atoms


def _has_stress(atoms: Atoms, calculator: Any) -> bool:
    """Whether the calculator gives a stress of this system."""
    probe = atoms.copy()
    probe.calc = calculator
    try:
        stress_of(probe)
    except UsageError:
        return False
    return True


def _settings(state: StatePoint, protocol: Protocol, stress: bool) -> Settings:
    """Settings of the simulation: bonds may break, the temperature may not run away."""
    from teaeval.md import Settings

    interval = round(state.spacing / protocol.timestep)
    return Settings(
        temperature=state.temperature,
        thermostat="bussi",
        relaxation=protocol.relaxation,
        timestep=protocol.timestep,
        steps=round((protocol.equilibration + protocol.length) / protocol.timestep),
        interval=interval,
        checkpoint=interval * CHECKPOINT_FRAMES,
        seed=protocol.seed,
        stress=stress,
        monitors=("temperature",),
    )


def summarise(plan: Plan, results: Sequence[StateResult]) -> Record:
    """Make the record of all state points, with their joint errors and the transition."""
    return Record(
        package=package_version(),
        plan=plan,
        errors=pooled([result.errors for result in results]),
        states=tuple(results),
        transitions=tuple(_transitions(plan.protocol, results, [r.observed for r in results])),
        reference_transitions=tuple(
            _transitions(plan.protocol, results, [r.reference for r in results])
        ),
    )


def _transitions(
    protocol: Protocol, results: Sequence[StateResult], shown: Sequence[Observed | None]
) -> Iterator[Transition]:
    """Find the transition at each temperature."""
    for temperature in sorted({result.temperature for result in results}):
        blocks = {
            result.density: None if observed is None else observed.blocks
            for result, observed in zip(results, shown, strict=True)
            if result.temperature == temperature
        }
        yield find_transition(temperature, blocks, protocol)
