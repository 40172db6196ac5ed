"""The end of a simulation: its outcome, and its trajectory cut to the frames that there are."""

from __future__ import annotations

import shlex
from pathlib import Path

import numpy as np

from teadata.errors import DataError, UsageError
from teadata.files import write_text
from teaeval.md.h5md import cut
from teaeval.md.outcome import OUTCOME_FILE, Failure, Outcome
from teaeval.md.settings import Settings
from teaeval.md.trajectory import Trajectory

TRAJECTORY_FILE = "trajectory.h5md"


def end(
    folder: Path,
    settings: Settings,
    freedom: int,
    *,
    step: int,
    frames: int,
    failure: Failure | None,
    spent: float,
    resumed: int,
) -> Outcome:
    """Write the outcome of a simulation; a failed run's trajectory ends where the run did.

    Parameters
    ----------
    folder
        Of the simulation, with its trajectory.
    settings
        What was run.
    freedom
        Degrees of freedom that the temperatures are of.
    step
        Steps that were done.
    frames
        Frames that are written.
    failure
        Why the run is unstable; None if it ended well.
    spent
        Seconds that the simulation took, without interruptions.
    resumed
        How often it was taken up again.
    """
    path = folder / TRAJECTORY_FILE
    if frames < settings.frames:
        cut(path, frames)
    stable = frames
    if failure is not None:
        spacing = settings.interval * settings.timestep / 1000
        stable = min(frames, int(np.ceil(failure.time / spacing - 1e-9)))
    time_ps = round(step * settings.timestep / 1000, 9)
    temperatures = Trajectory(path, stable).temperatures
    outcome = Outcome(
        status="finished" if failure is None else "failed",
        settings=settings,
        steps=step,
        time=time_ps,
        frames=frames,
        stable_frames=stable,
        degrees_of_freedom=freedom,
        temperature=round(float(temperatures.mean()), 2) if stable else None,
        failure=failure,
        wall_seconds=round(spent, 2),
        ns_per_day=round(ns_per_day(time_ps, spent), 4),
        resumed=resumed,
        file=str(path),
    )
    write_text(folder / OUTCOME_FILE, outcome.model_dump_json(indent=1) + "\n")
    return outcome


def stable_part(outcome: Outcome, planned: Settings) -> Trajectory:
    """The frames of a simulation that has ended, up to any failure.

    Parameters
    ----------
    outcome
        How it ended, from :meth:`Outcome.read`.
    planned
        Its settings as the plan has them, with the seed of the replica.

    Raises
    ------
    UsageError
        If it was simulated with other settings than the plan has now.
    DataError
        If the trajectory is gone, damaged, or not the one that ended so.
    """
    folder = Path(outcome.file).parent
    again = (
        f"to simulate it again: rm -r {shlex.quote(str(folder))} && "
        f"teaeval md resume {shlex.quote(str(folder.parent))}"
    )
    if changed := outcome.settings.changed(planned):
        raise UsageError(
            f"{folder}: was simulated with other settings than its plan has: {changed}; restore "
            f"the plan, or simulate in another folder: a simulation that has ended is not made "
            "longer"
        )
    try:
        run = Trajectory(outcome.file)
    except DataError as error:
        raise DataError(f"{error}; {again}") from None
    if len(run) < outcome.frames:
        raise DataError(
            f"{run.path}: has {len(run)} frames, expected {outcome.frames}, as its outcome says: "
            f"it was damaged or replaced; {again}"
        )
    return Trajectory(outcome.file, outcome.stable_frames)


def ns_per_day(time_ps: float, seconds: float) -> float:
    """Speed of a simulation in ns per day."""
    return time_ps / 1000 / max(seconds, 1e-9) * 86400
