"""Analyse finished simulations: stability, radii of gyration, drift of the energy."""

from __future__ import annotations

import datetime
import math
import shlex
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from teadata import Dataset, catalog
from teadata.errors import DataError, UsageError
from teadata.provenance import DISTRIBUTION, package_version, sha256
from teadata.typing import Floats, Ints
from teaeval.md.checkpoint import run_time
from teaeval.md.ending import TRAJECTORY_FILE, ns_per_day, stable_part
from teaeval.md.freedom import degrees_of_freedom, removed_motion
from teaeval.md.observed import Observed
from teaeval.md.observing import observe
from teaeval.md.outcome import OUTCOME_FILE, Outcome
from teaeval.md.plan import Plan, folders, outcomes, read_plan
from teaeval.md.record import Asked, ComparedWith, Drift, Gyration, Simulated, Simulations
from teaeval.md.reference_run import simulated_reference
from teaeval.md.sources import FromFile, Reference, Source, references
from teaeval.md.trajectory import Trajectory
from teaeval.observables.blocks import correlation_time
from teaeval.observables.gyration import gyration_radii
from teaeval.observables.registry import absent, chosen
from teaeval.observables.shape import OBSERVABLES
from teaeval.observables.system import System

RECORD_FILE = "md.json"

DISCARD = 2.0
"""ps at the start of a replica that are left out: it starts from a frame of the dataset, and
with the published friction of 1/ps forgets that in about 1 ps."""

WIDTH = 0.05
"""Å, width of a bin of radii of gyration; edges are multiples of it."""

LEAST_FRAMES = 10
"""Frames that a drift of the energy is fitted to, at least: its error is from their scatter."""

CHUNK = 2000
"""Frames that are read at a time."""


def analyse(
    folder: Path | str,
    discard: float = DISCARD,
    replicates: int = 1000,
    partial: bool = False,
    observables: Sequence[str] = (),
    reference: Path | str | None = None,
) -> Simulations:
    """Analyse the simulations in a folder.

    Parameters
    ----------
    folder
        Of :func:`teaeval.md.run`, whose replicas have all ended.
    discard
        ps at the start of each replica that are left out of averages and distributions.
    replicates
        Resamples behind the intervals.
    partial
        Whether replicas that have not ended are taken as far as they have come, and left out
        if they have not begun.
    observables
        Names of those that are measured; all that are of this system by default.
    reference
        A folder of simulations that these are compared with, such as some by the engine of the
        labels; where it lacks what is needed, and by default, what comes with the dataset.

    Raises
    ------
    DataError
        If the folder has no plan, a replica has not ended, its trajectory is damaged or another
        one, or the dataset is another one than was simulated.
    UsageError
        If there is no such observable, it is not of this system, the reference is of another
        dataset or temperature, or a replica was simulated with other settings than the plan's.
    """
    folder = Path(folder)
    if not (math.isfinite(discard) and discard >= 0):
        raise UsageError(f"--discard {discard:g}: expected a time in ps, 0 or more")
    plan = read_plan(folder)
    ended = enumerate(outcomes(plan, folder))
    if partial:
        there = [(i, one or _so_far(folder, plan, i)) for i, one in ended]
        taken = [(i, one) for i, one in there if one is not None]
        if not taken:
            raise DataError(f"{folder}: no replica has begun; there is nothing to analyse")
    else:
        taken = [(i, _ended(folder, i, one)) for i, one in ended]
    dataset = catalog.load(plan.dataset)
    dataset.require(plan.frames_sha256, plan.splits_sha256)
    runs = [stable_part(one, plan.settings_of(i)) for i, one in taken]
    parts = [(run, int(np.searchsorted(run.times, 1000 * discard - 1e-6))) for run in runs]
    compared = references(dataset, plan.subset, plan.settings.temperature)
    if reference is not None:
        compared.insert(0, simulated_reference(Path(reference), folder, plan, discard))
    found, left_out = _observe(dataset, plan, parts, compared, replicates, observables)
    shape = next((one for one in found if one.observable == "gyration"), None)
    return Simulations(
        name=plan.name,
        dataset=plan.dataset,
        subset=plan.subset,
        edition=dataset.card.edition,
        frames_sha256=plan.frames_sha256,
        calculator=plan.calculator,
        model=plan.model,
        engine=plan.engine,
        engine_version=plan.engine_version,
        settings=plan.settings,
        discard=discard,
        replicas=[
            _replica(plan, i, outcome, *part)
            for (i, outcome), part in zip(taken, parts, strict=True)
        ],
        gyration=_gyration(parts, compared[0], shape) if shape else None,
        observables=found,
        left_out=left_out,
        references=_compared_with(compared, found),
        asked=Asked(bootstrap=replicates, observables=sorted(set(observables))),
        software=f"{DISTRIBUTION} {package_version()}",
        created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    )


def _compared_with(
    references: Sequence[Reference], found: Sequence[Observed]
) -> list[ComparedWith]:
    """Those references that a quantity was compared with."""
    used = {one.reference for one in found}
    return [
        ComparedWith(
            label=one.label,
            temperature=one.temperature,
            version=one.version,
            files=dict(one.files),
        )
        for one in references
        if one.label in used
    ]


def _so_far(folder: Path, plan: Plan, index: int) -> Outcome | None:
    """The outcome of a replica that still runs, as if it had ended at its last whole frame."""
    path = folders(plan, folder)[index] / TRAJECTORY_FILE
    if not path.exists() or not (frames := len(run := Trajectory(path))):
        return None
    settings = plan.settings_of(index)
    spent = run_time(path.parent) or run_time(folder)  # of its own, or of all as one batch
    time = float(run.times[-1] / 1000)
    return Outcome(
        status="finished",
        settings=settings,
        steps=int(run.steps[-1]),
        time=time,
        frames=frames,
        stable_frames=frames,
        degrees_of_freedom=degrees_of_freedom(settings, len(run.numbers), bool(run.pbc.any())),
        temperature=float(run.temperatures.mean()),
        wall_seconds=spent,
        ns_per_day=ns_per_day(time, spent),
        resumed=0,
        file=str(path),
    )


def _ended(folder: Path, index: int, outcome: Outcome | None) -> Outcome:
    if outcome is None:
        named = shlex.quote(str(folder))
        raise DataError(
            f"{folder}: replica {index} has not ended; `teaeval md resume {named}` goes on with "
            "it, --partial analyses it as far as it has come"
        )
    return outcome


def _replica(plan: Plan, index: int, outcome: Outcome, run: Trajectory, start: int) -> Simulated:
    ended = (run.path.parent / OUTCOME_FILE).exists()
    replica = plan.replicas[index]
    used = run.temperatures[start:]
    nve = plan.settings.thermostat == "none"
    return Simulated(
        seed=replica.seed,
        frame=replica.frame,
        status=outcome.status if ended else "running",
        steps=outcome.steps,
        time=outcome.time,
        stable_time=outcome.stable_time,
        degrees_of_freedom=outcome.degrees_of_freedom,
        temperature=round(float(used.mean()), 2) if len(used) else None,
        failure=outcome.failure,
        ns_per_day=outcome.ns_per_day,
        drift=drift(run) if nve and len(run) >= LEAST_FRAMES else None,
        trajectory_sha256=sha256(run.path),
    )


def drift(run: Trajectory) -> Drift:
    """Fit the drift of a trajectory's total energy.

    The energies of the whole stable part are fitted: a drift has no relaxation to wait for.

    Raises
    ------
    DataError
        If an energy is no number: a drift over the others would hide it.
    """
    energy = (run.energies + run.kinetic_energies) / len(run.numbers)
    if not np.isfinite(energy).all():
        raise DataError(
            f"{run.path}: {int((~np.isfinite(energy)).sum())} of {len(energy)} energies are not "
            "finite, and no drift is fitted to the others; simulate again"
        )
    time = run.times * 1e-6  # ns
    about = time - time.mean()
    slope = float(about @ energy / (about @ about))
    residuals = energy - energy.mean() - slope * about
    # Of M residuals that are correlated over τ frames, M/τ are independent.
    variance = float(residuals @ residuals) / max(1, len(energy) - 2)
    error = float(np.sqrt(variance * correlation_time(residuals) / (about @ about)))
    residual = float(np.sqrt(residuals @ residuals / len(energy)))
    return Drift(slope=slope, error=error, residual=residual, time=float(run.times[-1] / 1000))


def radii(run: Trajectory, start: int = 0) -> Floats:
    """Radius of gyration of each frame from number `start` on, (N,) in Å."""
    parts = [
        gyration_radii(run.read("positions", first, first + CHUNK), run.numbers)
        for first in range(start, len(run), CHUNK)
    ]
    return np.concatenate(parts) if parts else np.empty(0)


def _observe(
    dataset: Dataset,
    plan: Plan,
    parts: Sequence[tuple[Trajectory, int]],
    compared: Sequence[Reference],
    replicates: int,
    names: Sequence[str],
) -> tuple[list[Observed], dict[str, str]]:
    """Measure the observables of what is left of the trajectories."""
    frame = dataset.split(f"{plan.subset}/test")[0]
    cells = [run.cell for run, _ in parts if run.cell is not None]
    system = System(
        frame,
        None if plan.settings.thermostat == "none" else plan.settings.temperature,
        dataset.card.groups,
        removed_motion(plan.settings, len(frame.numbers), frame.periodic),
        np.stack(cells) if len(cells) == len(parts) else None,
    )
    sources = [FromFile(run, start) for run, start in parts if len(run) > start]
    if not sources:
        of_none = {} if names else absent(system)
        return [], of_none | {one.name: "there are no frames" for one in chosen(system, names)}
    return observe(system, sources, compared, names, replicates)


def _gyration(
    parts: Sequence[tuple[Trajectory, int]], compared: Reference, observed: Observed
) -> Gyration | None:
    """Count the radii of gyration of all replicas and of the reference, for a figure.

    All that is said of them is the observable's.
    """
    distances = {one.measure: one for one in observed.distances}
    if observed.mean is None or observed.reference_mean is None or not distances:
        return None
    numbers = parts[0][0].numbers
    sampled = np.concatenate([radii(run, start) for run, start in parts])
    reference = np.concatenate([_radii_of(source, numbers) for source in compared.sources])
    both = np.concatenate([sampled, reference])
    first, last = np.floor(both.min() / WIDTH), np.floor(both.max() / WIDTH) + 1
    edges = np.arange(first, last + 1) * WIDTH
    return Gyration(
        start=round(float(edges[0]), 6),
        width=WIDTH,
        counts=np.histogram(sampled, edges)[0].tolist(),
        frames=len(sampled),
        mean=observed.mean.value,
        error=observed.mean.error,
        reference_counts=np.histogram(reference, edges)[0].tolist(),
        reference_frames=len(reference),
        reference_mean=observed.reference_mean.value,
        reference_temperature=compared.temperature,
        hellinger=distances["hellinger"],
        wasserstein=distances["wasserstein"],
        reference=observed.reference,
    )


def _radii_of(source: Source, numbers: Ints) -> Floats:
    """Radii of gyration of a source of the reference."""
    (observable,) = (one for one in OBSERVABLES if one.name == "gyration")
    return np.concatenate(
        [gyration_radii(piece.positions, numbers) for piece in source.pieces(observable)]
    )
