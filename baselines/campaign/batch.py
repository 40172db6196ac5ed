"""Workers from a batch queue, through dask-jobqueue: the section ``batch`` of a campaign's file."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import time
import warnings
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from baselines.campaign.memory import MEBIBYTE, mebibytes
from baselines.campaign.sections import Count
from teadata.errors import DataError, MissingExtraError, UsageError
from teadata.files import write_text
from teadata.schema import StrictModel
from teaeval.engines import ClusterError

if TYPE_CHECKING:
    from dask_jobqueue.core import Job, JobQueueCluster

CLASSES = {
    "slurm": "SLURMCluster",
    "pbs": "PBSCluster",
    "sge": "SGECluster",
    "lsf": "LSFCluster",
}
"""Batch systems, and the classes of dask-jobqueue for them."""

OURS = ("n_workers", "job_cls", "processes", "worker_extra_args", "asynchronous", "loop")
"""Arguments of these classes that are not the user's to set."""

ASK_AGAIN = 15.0
"""Seconds after which jobs that ended early are replaced, and a refused job is tried again."""

CLOSING = 60.0
"""Seconds that a queue may take to cancel jobs."""

REFUSALS = 3
"""Jobs that the queue may refuse one after another."""


class Batch(StrictModel):
    """Jobs of a batch queue, each with one worker.

    Parameters
    ----------
    system
        The batch system.
    cores, memory, gpu
        What each job has.  The campaign plans with it, and cores and memory go to the queue; for a
        GPU ask in `options`, as the queue has it.
    workers
        How many jobs, from beginning to end.
    minimum, maximum
        Or between how many: as many as there is work for.
    options
        Further arguments of dask-jobqueue's class, as they are.
    """

    system: Literal["slurm", "pbs", "sge", "lsf"]
    cores: Count
    memory: str
    gpu: Annotated[bool, Field(strict=True)] = False
    workers: Count | None = None
    minimum: Annotated[int, Field(ge=0, strict=True)] = 0
    maximum: Count | None = None
    options: dict[str, Any] = Field(default_factory=dict)

    @field_validator("memory")
    @classmethod
    def _is_memory(cls, text: str) -> str:
        mebibytes(text)
        return text

    @field_validator("options")
    @classmethod
    def _are_the_users(cls, options: dict[str, Any]) -> dict[str, Any]:
        for name in ("cores", "memory"):
            if name in options:
                raise ValueError(f"{name} belongs beside options, not into them")
        for name in OURS:
            if name in options:
                raise ValueError(f"{name} cannot be chosen: a job has one worker, for the campaign")
        return options

    @model_validator(mode="after")
    def _has_a_number(self) -> Self:
        if (self.workers is None) == (self.maximum is None):
            raise ValueError("expected either workers, or maximum (and minimum)")
        if self.maximum is not None and self.minimum > self.maximum:
            raise ValueError("minimum is more than maximum")
        return self

    @property
    def mebibytes(self) -> float:
        """Memory of a job in MiB."""
        return mebibytes(self.memory)

    def number(self, wanted: int) -> int:
        """How many jobs to have, if there is work for so many."""
        if self.maximum is None:
            assert self.workers is not None
            return self.workers
        return max(self.minimum, min(self.maximum, wanted))


class _Jobs:
    """The jobs that are in the queue, kept in a file: what a killed campaign leaves is cancelled.

    Parameters
    ----------
    file
        Where they are kept.
    command
        What cancels a job.
    """

    def __init__(self, file: Path, command: str) -> None:
        self.file, self._command = file, command
        self._ids: list[str] = []
        self.accepted = 0
        self.refused: list[str] = []  # what the queue said, since it last accepted a job

    def add(self, job: str) -> None:
        self._ids.append(job)
        self.accepted += 1
        self.refused.clear()
        self._write()

    def remove(self, job: str) -> None:
        with suppress(ValueError):
            self._ids.remove(job)
        self._write()

    def _write(self) -> None:
        with suppress(DataError):  # a full disk ends no campaign
            content = {"command": self._command, "jobs": self._ids}
            write_text(self.file, json.dumps(content) + "\n")


class Queue:
    """A batch queue that workers come from.

    Parameters
    ----------
    cluster
        Of dask-jobqueue.
    settings
        What each job has, and how many there are.
    jobs
        Those in the queue.
    """

    def __init__(self, cluster: JobQueueCluster, settings: Batch, jobs: _Jobs) -> None:
        self.cluster, self.settings, self._jobs = cluster, settings, jobs
        self._number, self._asked = -1, 0.0

    def scale(self, wanted: int, busy: Collection[str] = ()) -> None:
        """Have as many jobs as there is work for, within the limits that were set.

        Parameters
        ----------
        wanted
            Jobs that there is work for.
        busy
            Names of the workers that run tasks: their jobs are kept.

        Raises
        ------
        ClusterError
            If the queue refuses the first job, or several one after another.
        """
        number = self.settings.number(wanted)
        refused = self._jobs.refused
        if refused and (not self._jobs.accepted or len(refused) >= REFUSALS):
            raise ClusterError(f"the batch queue refuses jobs: {refused[-1]}")
        now = time.monotonic()
        if number != self._number or now - self._asked > ASK_AGAIN:
            self._number, self._asked = number, now
            self.cluster.loop.add_callback(self._forget_refused)
            self._give_up(len(self.cluster.worker_spec) - number, busy)
            self.cluster.scale(number)

    def keeps(self, name: str) -> bool:
        """Whether the job of a worker is not about to end, as far as the campaign decides that."""
        return name in self.cluster.worker_spec

    def _give_up(self, count: int, busy: Collection[str]) -> None:
        """Choose the jobs that end: those that still wait in the queue, then those without tasks.

        Dask itself would end the newest ones, whatever runs there.
        """
        there = {one["name"] for one in self.cluster.scheduler_info["workers"].values()}
        jobs = self.cluster.worker_spec
        idle = sorted([name for name in reversed(jobs) if name not in busy], key=there.__contains__)
        for name in idle[: max(0, count)]:
            del jobs[name]

    def _forget_refused(self) -> None:
        """Take jobs that the queue refused from the cluster's, which asks for others then."""
        jobs = self.cluster.workers
        for name in [name for name, job in jobs.items() if job.job_id is None]:
            del jobs[name]


@contextmanager
def opened(settings: Batch, folder: Path, name: str) -> Iterator[Queue]:
    """Open a Dask cluster whose workers are jobs of a batch queue; its jobs end with the block.

    Parameters
    ----------
    settings
        The section ``batch``.
    folder
        Where the jobs are kept in mind: of a campaign, ``drivers``.
    name
        Of the campaign's process there.

    Raises
    ------
    MissingExtraError
        If dask-jobqueue is not installed.
    UsageError
        If the batch system is not on this machine, or an option is wrong.
    """
    kind = _class_of(settings)
    for command in (kind.job_cls.submit_command, kind.job_cls.cancel_command):
        program = shlex.split(command)[0]
        if shutil.which(program) is None:
            raise UsageError(
                f"batch: {settings.system}: the command {program} is not on this machine's PATH; "
                "run this on a machine that submits jobs"
            )
    jobs = _Jobs(folder / f"{name}.jobs", kind.job_cls.cancel_command)
    cluster = _made(kind, settings, jobs)
    try:
        yield Queue(cluster, settings, jobs)
    finally:
        with suppress(TimeoutError):  # then the jobs are kept in mind, and `cancel` tries again
            cluster.close(timeout=CLOSING)
            jobs.file.unlink(missing_ok=True)


def job_script(settings: Batch) -> str:
    """The script of a job, with the address of a scheduler that is no longer there.

    Raises
    ------
    MissingExtraError, UsageError
        As for :func:`opened`, but the batch system may be on another machine.
    """
    cluster = _made(_class_of(settings), settings, None)
    try:
        return str(cluster.job_script())
    finally:
        cluster.close(timeout=CLOSING)


def _class_of(settings: Batch) -> type[JobQueueCluster]:
    try:
        import dask_jobqueue
    except ImportError:
        raise MissingExtraError("dask-jobqueue", "cluster", "a batch queue") from None
    kind: type[JobQueueCluster] = getattr(dask_jobqueue, CLASSES[settings.system])
    return kind


def _made(kind: type[JobQueueCluster], settings: Batch, jobs: _Jobs | None) -> JobQueueCluster:
    """Make the cluster, without jobs yet."""
    memory = round(settings.mebibytes)
    resources = f"cores={settings.cores} memory={memory * MEBIBYTE}"
    if settings.gpu:
        resources += " GPU=1"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # another port for the dashboard
        warnings.simplefilter("ignore", ResourceWarning)  # a cluster that was refused, when it goes
        try:
            return kind(
                job_cls=kind.job_cls if jobs is None else _kept(kind.job_cls, jobs),
                cores=settings.cores,
                memory=f"{memory} MiB",
                processes=1,
                worker_extra_args=["--resources", f"'{resources}'"],
                **settings.options,
            )
        except (TypeError, ValueError) as error:
            said = str(error).partition("\n")[0].partition(". Very likely")[0]
    raise UsageError(f"batch: options: {kind.__name__} refuses them: {said}")


def _kept(kind: type[Job], jobs: _Jobs) -> type[Job]:
    """The same kind of job, kept in mind from its submission to its end."""
    from distributed.core import Status

    class Kept(kind):  # type: ignore[misc]
        async def start(self) -> None:
            try:
                await super().start()
            except Exception as error:  # the command's status, or what it did not say
                jobs.refused.append(" ".join(str(error).split()))
                self.status = Status.running  # as Dask expects; it has no number, and is forgotten
            else:
                jobs.add(self.job_id)

        async def close(self) -> None:
            await super().close()
            jobs.remove(self.job_id)

    return Kept


def cancel_left(folder: Path, at_work: Sequence[Path] = ()) -> int:
    """Cancel the jobs that killed campaigns left in a batch queue.

    Parameters
    ----------
    folder
        Of a campaign, ``drivers``.
    at_work
        Locks of processes that still work; theirs are not cancelled.

    Returns
    -------
    int
        How many jobs there were.

    Raises
    ------
    ClusterError
        If the command that cancels them cannot be run.
    """
    count = 0
    for file in sorted(folder.glob("*.jobs")):
        if file.with_suffix(".lock") in at_work:
            continue
        try:
            left = json.loads(file.read_text())
            command, ids = shlex.split(left["command"]), list(left["jobs"])
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            raise ClusterError(f"{file}: cannot be read; cancel its jobs, and remove it") from None
        for job in ids:
            try:
                # a job that has ended is no longer known, which is no error here
                subprocess.run([*command, job], capture_output=True, timeout=60, check=False)
            except (OSError, subprocess.TimeoutExpired) as error:
                raise ClusterError(
                    f"a killed campaign left a job in the batch queue, and "
                    f"`{shlex.join([*command, job])}` does not work here ({error}); repeat this "
                    f"on a machine that submits jobs, or cancel the jobs and remove {file}"
                ) from None
            count += 1
        file.unlink(missing_ok=True)
    return count
