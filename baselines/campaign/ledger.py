"""What the folder of a campaign knows of its tasks: done, running, failed, or waiting.

A task that runs holds a lock, which the system frees however its process ends; so nothing that a
killed process left behind is taken for work that goes on.  It is a record lock of POSIX (fcntl),
which processes that the holder forks do not inherit: one of them may outlive it.
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Literal, NamedTuple

from baselines.campaign.tasks import Task
from baselines.runs import sessions
from teadata.errors import DataError, UsageError
from teadata.files import contents, write_text
from teadata.output import pace
from teadata.schema import StrictModel

RUNS, LOGS, FAILED, LOCKS, DRIVERS = "runs", "logs", "failed", "locks", "drivers"

BEGINNING = "-- "
"""What begins the line of a log that says when an attempt began."""

PATIENCE = 60.0
"""Seconds that campaigns may take to stop after they were asked to."""

State = Literal["done", "running", "failed", "waiting", "held up"]


class Failure(StrictModel):
    """Why a task failed, and when (seconds since 1970)."""

    reason: str
    time: float


class Entry(NamedTuple):
    """The state of a task.

    Parameters
    ----------
    state
        Of a task that needs one that failed: ``held up``.
    note
        Why it failed, or how far it is.
    seconds
        How long it took, or runs now, since it was last begun; None if that is not known.
    left
        Seconds that it will take yet, by its log or by what the same took before; None if neither
        says so.
    """

    state: State
    note: str = ""
    seconds: float | None = None
    left: float | None = None


def prepare(folder: Path) -> None:
    """Make the folder of a campaign, or check that it is one.

    Raises
    ------
    UsageError
        If it holds something else.
    DataError
        If it cannot be made.
    """
    parts = {RUNS, LOGS, FAILED, LOCKS, DRIVERS}
    there = contents(folder) if folder.is_dir() else set()
    # of one that is whole, whatever its user has put beside
    if (folder.exists() and not folder.is_dir()) or (there - parts and parts - there):
        raise UsageError(
            f"{folder}: exists and is not a campaign's folder; choose another --folder"
        )
    try:
        for part in parts:
            (folder / part).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"{folder}: cannot be made ({error.strerror or error})") from None


def log_file(task: Task, folder: Path) -> Path:
    """Where a task says what it does."""
    return folder / LOGS / f"{task.name}.log"


def lock_file(task: Task, folder: Path) -> Path:
    """What the process locks that carries a task out."""
    return folder / LOCKS / f"{task.name}.lock"


@contextmanager
def locked(path: Path) -> Iterator[BinaryIO]:
    """Hold a lock file while the block runs; wait for it while another process does."""
    import fcntl

    with path.open("ab") as file:
        fcntl.lockf(file, fcntl.LOCK_EX)
        yield file


@contextmanager
def timed(lock: BinaryIO) -> Iterator[None]:
    """Keep in a lock file when the block began, and by its own time when it ended.

    Through the open file: to open it again would end the lock.  On a full disk nothing is kept.
    """
    with suppress(OSError):
        lock.truncate(0)
        lock.write(f"{time.time():.3f} {platform.node()} {os.getpid()}\n".encode())
        lock.flush()
    try:
        yield
    finally:
        with suppress(OSError):
            os.utime(lock.fileno())


def held(path: Path) -> bool:
    """Whether another process holds a lock file; two that look do not see one another."""
    import fcntl

    try:
        file = path.open("rb")
    except FileNotFoundError:
        return False
    with file:
        try:
            fcntl.lockf(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
    return False


def begun(task: Task, folder: Path) -> float | None:
    """When a task was last begun (seconds since 1970); None if it never was, or no one knows."""
    try:
        return float(lock_file(task, folder).read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return None


def newest_checkpoint(task: Task, folder: Path) -> float:
    """When a task's run folder was last changed by more than a beginning; 0 if it never was."""
    return sessions.newest_checkpoint(task.run_folder(folder))


def failure(task: Task, folder: Path) -> Failure | None:
    """Why a task failed; None if it did not."""
    path = folder / FAILED / f"{task.name}.json"
    if not path.is_file():
        return None
    try:
        return Failure.from_json(path, "a failure", "remove it")
    except DataError:
        return Failure(reason=f"{path} cannot be read", time=0)


def fail(task: Task, folder: Path, reason: str) -> None:
    """Keep why a task failed; on a full disk it is only said."""
    with suppress(DataError):
        text = Failure(reason=reason, time=time.time()).model_dump_json(indent=1)
        write_text(folder / FAILED / f"{task.name}.json", text + "\n")


def forgive(task: Task, folder: Path) -> None:
    """Forget that a task failed."""
    (folder / FAILED / f"{task.name}.json").unlink(missing_ok=True)


def entry(task: Task, folder: Path, failures: Mapping[str, str] | None = None) -> Entry:
    """The state of a task as the folder shows it; further failures can be given by name."""
    if task.done(folder):
        return Entry("done", seconds=_taken(task, folder))
    if held(lock_file(task, folder)):
        return _running(task, folder)
    reason = (failures or {}).get(task.name)
    if reason is None and (failed := failure(task, folder)) is not None:
        reason = failed.reason
    if reason is not None:
        return Entry("failed", f"{reason}; log: {log_file(task, folder)}")
    if task.needs is not None and entry(task.needs, folder, failures).state == "failed":
        return Entry("held up", "the training failed")
    return Entry("waiting")


def _taken(task: Task, folder: Path) -> float | None:
    """Seconds from the last beginning of a task to its end, when its lock file was left."""
    start = begun(task, folder)
    if start is None:
        return None
    return max(0.0, lock_file(task, folder).stat().st_mtime - start)


def _running(task: Task, folder: Path) -> Entry:
    start, note = begun(task, folder), last_line(log_file(task, folder))
    seconds = None if start is None else max(0.0, time.time() - start)
    left = pace.left(note)
    if left is None and task.needs is None and task.run.seconds is not None:
        left = max(0.0, task.run.seconds - (seconds or 0.0))
    return Entry("running", note, seconds, left)


def last_line(path: Path) -> str:
    """The last line of a log that says something, preferably an error; empty without one."""
    try:
        with path.open("rb") as log:
            log.seek(max(0, path.stat().st_size - 4096))
            text = log.read().decode(errors="replace")
    except OSError:
        return ""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    lines = [line for line in lines if not line.startswith(BEGINNING)]
    errors = [line for line in lines[-20:] if line.startswith("error: ")]
    return (errors or lines or [""])[-1].removeprefix("error: ")


class Driver:
    """A process that carries a campaign out, as others see it."""

    def __init__(self, folder: Path) -> None:
        self.name = f"{platform.node()}-{os.getpid()}"
        self.lock = folder / DRIVERS / f"{self.name}.lock"
        self._stop = self.lock.with_suffix(".stop")

    @property
    def stopped(self) -> bool:
        """Whether it was asked to stop."""
        return self._stop.exists()

    @contextmanager
    def working(self) -> Iterator[None]:
        """Be seen in the folder while the block runs."""
        self._stop.unlink(missing_ok=True)
        try:
            with locked(self.lock):
                yield
        finally:
            self.lock.unlink(missing_ok=True)
            self._stop.unlink(missing_ok=True)


def drivers(folder: Path) -> list[Path]:
    """The locks of other processes that carry campaigns out in a folder."""
    return [path for path in sorted((folder / DRIVERS).glob("*.lock")) if held(path)]


def cancel(folder: Path) -> int:
    """Ask all processes that carry campaigns out in a folder to stop, and wait until they did.

    Returns
    -------
    int
        How many have stopped.

    Raises
    ------
    UsageError
        If it is not a campaign's folder.
    DataError
        If one has not stopped after a minute.
    """
    if not (folder / DRIVERS).is_dir():
        raise UsageError(
            f"{folder}: is not a campaign's folder; `baselines campaign run` makes one"
        )
    at_work = drivers(folder)
    for path in at_work:
        write_text(path.with_suffix(".stop"), "")
    end = time.monotonic() + PATIENCE
    while still := [path for path in at_work if held(path)]:
        if time.monotonic() > end:
            raise DataError(f"{still[0]}: this process has not stopped after {PATIENCE:.0f} s")
        time.sleep(0.1)
    return len(at_work)
