"""The benchmark: every state point simulated, analysed, and compared."""

from __future__ import annotations

import functools
import multiprocessing
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from teadata import Dataset, Frames, catalog
from teadata.elements import MASSES
from teadata.errors import DataError
from teadata.files import write_text
from teadata.provenance import package_version
from teadata.typing import Progress
from teadata.units import BOLTZMANN, KINETIC
from teaeval.calculators import evaluate
from teaeval.hydrogen.analysis import deviation, observe, observe_frames
from teaeval.hydrogen.plans import claim
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

if TYPE_CHECKING:
    from ase import Atoms

    from teaeval.md.settings import Settings

RESULT_FILE, STATES = "result.json", "states"
SUBSET = "complete"
CHECKPOINT_FRAMES = 50


@dataclass(frozen=True)
class Job:
    """One state point of a plan, to be done in a folder, wherever the worker is."""

    plan: Plan
    state: str
    folder: Path
    model: Path | None


def run(
    plan: Plan,
    folder: Path,
    processes: int = 1,
    scheduler: str | None = None,
    progress: Progress | None = None,
) -> Record:
    """Run what is missing of a benchmark, and write its record.

    Finished state points are kept, an interrupted one goes on from its last checkpoint.  Other
    state points of the same plan may be added to a folder later.

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
        Told of every state point, and of steps where they are run in this process.

    Raises
    ------
    UsageError
        If the folder is of another plan, or something else.
    TeaError
        If a simulation cannot be run; the state points that could are kept.
    """
    claim(folder, plan)
    model = Path(plan.model).resolve() if plan.model else None
    jobs = [Job(plan, state, folder.resolve(), model) for state in plan.states]
    results: dict[str, StateResult] = {}
    for done, result in enumerate(_results(jobs, processes, scheduler, progress), 1):
        results[result.state] = result
        if progress is not None:
            progress(f"state points, the last is {result.state}", done, len(jobs))
    record = summarise(plan, [results[state] for state in plan.states])
    write_text(folder / RECORD_FILE, record.model_dump_json(indent=1) + "\n")
    return record


def _results(
    jobs: Sequence[Job], processes: int, scheduler: str | None, progress: Progress | None
) -> Iterator[StateResult]:
    """Results as they come; the first error is raised when all that could be done is done."""
    if scheduler is not None:
        from teaeval.engines import connected

        with connected(scheduler) as engine:
            yield from engine.map(run_state, jobs)
        return
    if processes < 2:
        yield from (run_state(job, progress) for job in jobs)
        return
    context = multiprocessing.get_context("spawn")  # a backend's threads do not survive a fork
    failed: BaseException | None = None
    with ProcessPoolExecutor(min(processes, len(jobs)), mp_context=context) as pool:
        futures: list[Future[StateResult]] = [pool.submit(run_state, job) for job in jobs]
        try:
            for future in as_completed(futures):
                if (error := future.exception()) is None:
                    yield future.result()
                else:
                    failed = failed or error
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for process in list((pool._processes or {}).values()):
                process.terminate()
            raise
    if failed is not None:
        raise failed


@functools.lru_cache(maxsize=16)
def _calculator(model: Path | None, reference: str | None, thread: int) -> Any:
    """The calculator, made once per thread: it remembers the structure that it was given."""
    from teaeval.calculators import find_calculator

    return find_calculator(reference, model)


@functools.lru_cache(maxsize=1)
def _dataset(name: str) -> Dataset:
    return catalog.load(name)


def run_state(job: Job, progress: Progress | None = None) -> StateResult:
    """Simulate a state point, unless that is done, and say what it shows.

    Raises
    ------
    TeaError
        If it cannot be simulated.
    """
    folder = job.folder / STATES / job.state
    path = folder / RESULT_FILE
    if path.exists():
        return StateResult.from_json(
            path, "the result of a state point; remove this file", "remove this file"
        )
    dataset = _dataset(job.plan.dataset.partition("@")[0])
    if dataset.card.file("frames").sha256 != job.plan.frames_sha256:
        raise DataError(f"{dataset.card.full_id}: its frames are not those of the plan")
    (state,) = state_points(dataset, [job.state])
    calculator = _calculator(job.model, job.plan.calculator, threading.get_ident())
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
        )
        apart = deviation(observed, expected, protocol)
    return StateResult(
        state=state.name,
        temperature=state.temperature,
        density=state.density,
        status="failed" if outcome.failure else "finished",
        failure=outcome.failure.message if outcome.failure else None,
        time=outcome.time * 1000,
        seconds=outcome.wall_seconds,
        errors=errors,
        observed=observed,
        reference=expected,
        deviation=apart,
    )


def _errors(dataset: Dataset, state: StatePoint, calculator: Any) -> ModelErrors:
    """Errors on those frames of the test split that are of this state point's trajectory."""
    test = dataset.split(f"{SUBSET}/test")
    assert test.trajectories is not None
    frames = test[test.trajectories == state.trajectory]
    if not len(frames):
        return ModelErrors(frames=0, energy_mae=0.0, force_mae=0.0)
    energies, forces = evaluate(calculator, frames)
    return ModelErrors(
        frames=len(frames),
        energy_mae=float(np.abs(energies - frames.energies).mean()),
        force_mae=float(np.abs(forces - frames.forces).mean()),
    )


def _start(reference: Frames, state: StatePoint, seed: int) -> Atoms:
    """The first frame of the reference, with velocities of the temperature.

    The momentum of the cell is one of the thermostat's degrees of freedom, as in the reference;
    it is taken out of the displacements.
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
    from ase.calculators.calculator import PropertyNotImplementedError

    probe = atoms.copy()
    probe.calc = calculator
    try:
        probe.get_stress()
    except (PropertyNotImplementedError, ValueError):
        return False
    return True


def _settings(state: StatePoint, protocol: Protocol, stress: bool) -> Settings:
    """Those of the simulation: bonds may break, a temperature may not run away."""
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
    """The record of all state points: errors put together, and the transition."""
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
    """Where the change is at each temperature, by what is shown at each state point."""
    for temperature in sorted({result.temperature for result in results}):
        blocks = {
            result.density: None if observed is None else observed.blocks
            for result, observed in zip(results, shown, strict=True)
            if result.temperature == temperature
        }
        yield find_transition(temperature, blocks, protocol)
