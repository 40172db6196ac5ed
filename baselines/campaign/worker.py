"""What a Dask worker does for a campaign: the same process for a task as on one machine."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from baselines.campaign.amounts import declared
from baselines.campaign.processes import close, interrupt, start
from baselines.campaign.work import GRACE
from baselines.runs.record import versions

if TYPE_CHECKING:
    from distributed import Worker

RESOURCES = "--resources 'cores=8 memory=32e9'"
"""How workers declare what they have."""

LOOK = 0.2
"""Seconds between two looks at whether a task is still wanted."""


class Job(NamedTuple):
    """A task for a worker: the order for its process, its name, its log and its cores.

    ``variables`` are set in the environment of its process.
    """

    order: str
    name: str
    log_file: Path
    cores: int
    variables: dict[str, str]


class Introduction(NamedTuple):
    """What a worker has: its name, resources, versions of packages, and whether it sees a file."""

    name: str
    resources: dict[str, float]
    versions: dict[str, str]
    sees: bool


_AT_WORK: set[Path] = set()
"""The logs of the tasks whose processes this worker runs."""


class StatusError(Exception):
    """The process of a task ended with another status than 0, which is the argument."""


def stopped(logs: Sequence[Path]) -> bool:
    """Whether no process that this worker runs writes to one of some logs any more."""
    return not _AT_WORK.intersection(logs)


def introduce(packages: Sequence[str], file: Path, dask_worker: Worker) -> Introduction:
    """Say what a worker has; Dask passes the worker."""
    return Introduction(
        str(dask_worker.name),
        dict(dask_worker.state.total_resources),
        versions(list(packages)),
        file.exists(),
    )


def complaint(found: Introduction | Exception, packages: Sequence[str], folder: Path) -> str | None:
    """Why a worker is of no use: it would train something else, or somewhere else, or nothing.

    Parameters
    ----------
    found
        From :func:`introduce`, or why there is none.
    packages
        What its versions are compared of.
    folder
        What it should see.
    """
    if not isinstance(found, Introduction):
        return (
            f"has not this software ({found}): start it in the same Python environment as this "
            "command"
        )
    here = versions(list(packages))
    for name in sorted(here.keys() | found.versions.keys()):
        mine, other = here.get(name, "none"), found.versions.get(name, "none")
        if mine != other and name != "python":
            return (
                f"has {name} {other}, and here is {mine}, so results would not be the same: start "
                "it in the same Python environment as this command"
            )
    if not found.sees:
        return (
            f"does not see {folder}: choose a --folder on a file system that this machine and the "
            "workers share"
        )
    if declared(found.resources) is None:
        return f"declares no cores and memory: start it with {RESOURCES}"
    return None


def carry_out(job: Job) -> None:
    """Run the process of a task on a worker, and end it when nobody wants it any more.

    That is when the task was cancelled, its campaign's process or the scheduler has gone, or the
    worker closes.

    Raises
    ------
    StatusError
        If it ends with another status than 0.
    """
    from distributed import get_worker
    from distributed.core import Status

    worker = get_worker()
    key = worker.get_current_task()

    def wanted() -> bool:
        state = worker.state.tasks.get(key)
        at_work = worker.status in (Status.running, Status.paused)
        return at_work and state is not None and state.state == "executing"

    process = start(job.order, job.name, job.log_file, job.cores, job.variables)
    _AT_WORK.add(job.log_file)
    try:
        while process.poll() is None:
            if not wanted():
                interrupt(process)
                close(process, GRACE)
            with suppress(subprocess.TimeoutExpired):
                process.wait(LOOK)
    finally:
        close(process)
        _AT_WORK.discard(job.log_file)
    if process.returncode:
        raise StatusError(process.returncode)
