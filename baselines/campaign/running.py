"""Carry a campaign out: begin each task when what it needs is done and there is room for it."""

from __future__ import annotations

import shutil
import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from baselines.campaign import ledger
from baselines.campaign.ledger import Driver
from baselines.campaign.memory import MEBIBYTE
from baselines.campaign.tasks import Run, Task
from baselines.campaign.work import Order
from teadata import TeaError

EVERY = 0.2
"""Seconds between two looks at whether the campaign was asked to stop."""

ATTEMPTS = 3
"""Times that a task is begun whose process, or worker, is killed."""

LASTING = 600.0
"""Seconds after which an attempt counts as none, if it left a checkpoint before its worker went."""

Tell = Callable[[str], None]


class CancelledError(TeaError):
    """A campaign was asked to stop."""


class Ended(NamedTuple):
    """The end of an attempt at a task.

    Parameters
    ----------
    name
        The task's.
    status
        Exit status of its process, minus the signal that killed it; None if its worker was lost.
    reason
        Why it could not be begun, if that is so.
    """

    name: str
    status: int | None
    reason: str = ""


class Workers(Protocol):
    """Where tasks run: the processes of a machine, or the workers of a cluster."""

    def check(self, runs: Sequence[Run]) -> None:
        """Refuse runs that never fit, by a TeaError."""

    def room(self, run: Run) -> bool:
        """Whether a task of a run can begin now."""

    def begin(self, task: Task, order: Order, log_file: Path) -> None:
        """Begin a task for which there is room; an OSError is a failure of this task."""

    def wait(self, seconds: float, waiting: Sequence[Run]) -> list[Ended]:
        """Which attempts ended, as soon as one did, or none after a time.

        It is told the runs of the tasks that could begin if there were room.
        """

    def stop(self) -> None:
        """End what runs, and return when it has ended."""


class _Running(NamedTuple):
    """A task that runs, when it began, and the newest of its checkpoints then."""

    task: Task
    start: float
    checkpoint: float


def carry_out(tasks: Sequence[Task], folder: Path, workers: Workers, tell: Tell) -> dict[str, str]:
    """Do all tasks that are neither done nor failed; what fails does not stop the rest.

    Whatever ends this ends what it began: each task goes on from its last checkpoint when its
    campaign is carried out again.

    Parameters
    ----------
    tasks
        From :func:`baselines.campaign.tasks.tasks_of`.
    folder
        From :func:`baselines.campaign.ledger.prepare`.
    workers
        Where they run.
    tell
        Told in a line of each task that ends.

    Returns
    -------
    dict
        Why tasks failed, by their names: those that failed now.

    Raises
    ------
    TeaError
        If a task never fits, or a cluster is lost.
    CancelledError
        If :func:`baselines.campaign.ledger.cancel` asked for it.
    """
    driver = Driver(folder)
    with driver.working():
        work = _Work(tasks, folder.resolve(), workers, tell)
        workers.check(work.runs_left())
        try:
            while work.step():
                if driver.stopped:
                    raise CancelledError(f"{folder}: cancelled; the same command goes on")
        finally:
            workers.stop()
    return work.reasons


class _Work:
    """The tasks that wait for others, those that are ready, and those that run."""

    def __init__(self, tasks: Sequence[Task], folder: Path, workers: Workers, tell: Tell) -> None:
        self._folder, self._workers, self._tell = folder, workers, tell
        self._done: set[str] = set()
        self._failed: set[str] = set()
        self.reasons: dict[str, str] = {}
        self._attempts: dict[str, int] = {}
        self._running: dict[str, _Running] = {}
        # what takes longest (or nobody knows how long) begins first
        order = sorted(tasks, key=lambda task: (task.rank, -(task.run.seconds or 1e9)))
        self._ready: list[Task] = []
        self._blocked: dict[str, list[Task]] = {}
        for task in [task for task in order if not self._settled(task)]:
            if task.needs is None or (self._settled(task.needs) and task.needs.name in self._done):
                self._ready.append(task)
            elif task.needs.name not in self._failed:
                self._blocked.setdefault(task.needs.name, []).append(task)

    def runs_left(self) -> list[Run]:
        """The runs of which something is to be done."""
        blocked = (task for tasks in self._blocked.values() for task in tasks)
        return list({task.run.name: task.run for task in (*self._ready, *blocked)}.values())

    def _settled(self, task: Task) -> bool:
        """Whether nothing is to be done for a task: it is done, or it or its training failed."""
        if task.name in self._done or task.done(self._folder):
            self._done.add(task.name)
        elif ledger.failure(task, self._folder) is not None:
            self._failed.add(task.name)
        elif task.needs is None or task.needs.name not in self._failed:
            return False
        return True

    def step(self) -> bool:
        """Begin what fits, and take notice of what ended; whether there is more to do."""
        self._begin_what_fits()
        if not self._ready and not self._running:
            return False
        for ended in self._workers.wait(EVERY, [task.run for task in self._ready]):
            self._ended(ended)
        return True

    def _begin_what_fits(self) -> None:
        too_large = set()
        for task in list(self._ready):
            shape = task.run.cores, task.run.memory, task.run.plan.device
            if shape in too_large:
                continue
            if not self._workers.room(task.run):
                too_large.add(shape)
                continue
            if ledger.held(ledger.lock_file(task, self._folder)):
                continue  # another campaign is at it
            self._ready.remove(task)
            if self._settled(task):
                self._let_go(task)
            else:
                self._begin(task)

    def _let_go(self, task: Task) -> None:
        """What waits for a task that is settled becomes ready, if it is done."""
        freed = self._blocked.pop(task.name, [])
        if task.name in self._done:
            self._ready[:0] = [one for one in freed if not self._settled(one)]

    def _begin(self, task: Task) -> None:
        run = task.run
        order = Order(
            plan=run.plan,
            folder=task.run_folder(self._folder),
            lock=ledger.lock_file(task, self._folder),
            step=task.what,
            cores=run.cores,
        )
        self._running[task.name] = _Running(
            task, time.monotonic(), ledger.newest_checkpoint(task, self._folder)
        )
        self._attempts[task.name] = self._attempts.get(task.name, 0) + 1
        try:
            self._workers.begin(task, order, ledger.log_file(task, self._folder))
        except OSError as error:
            where = f"{error.filename}: " if error.filename else ""
            self._ended(Ended(task.name, 1, f"{where}{error.strerror or error}"))

    def _ended(self, ended: Ended) -> None:
        running = self._running.pop(ended.name)
        task, status = running.task, ended.status
        seconds = time.monotonic() - running.start
        if task.done(self._folder):
            self._done.add(task.name)
            self._tell(f"done: {task.name}, {seconds:.0f} s")
        elif not ended.reason and self._again(running, status, seconds):
            self._tell(f"{_killed(status)}, begun again: {task.name}")
            self._ready.insert(0, task)
            return
        else:
            self._failed.add(task.name)
            reason = ended.reason or self._reason(task, status)
            self.reasons[task.name] = reason
            ledger.fail(task, self._folder, reason)
            log = ledger.log_file(task, self._folder)
            self._tell(f"failed: {task.name}: {reason}; log: {log}")
        self._let_go(task)

    def _again(self, running: _Running, status: int | None, seconds: float) -> bool:
        """Whether a task is begun again: it was killed, and not too often."""
        if status is not None and status >= 0:
            return False
        name = running.task.name
        newest = ledger.newest_checkpoint(running.task, self._folder)
        if status is None and seconds > LASTING and newest > running.checkpoint:
            self._attempts[name] -= 1  # as where a batch job's time was over
        return self._attempts[name] < ATTEMPTS

    def _reason(self, task: Task, status: int | None) -> str:
        if status is None or status < 0:
            hint = ", which the system sends when memory runs out"
            return f"{_killed(status)}, {ATTEMPTS} times{hint if status == -signal.SIGKILL else ''}"
        said = ledger.last_line(ledger.log_file(task, self._folder))
        if said:
            return said
        free = shutil.disk_usage(self._folder).free / MEBIBYTE
        return f"status {status}, and its log does not say why; {free:.0f} MiB are free on its disk"


def _killed(status: int | None) -> str:
    """Say what ended a task whose process did not end by itself."""
    if status is None:
        return "its worker was lost"
    names = {one.value: one.name for one in signal.Signals}  # not all of real time have one
    return f"killed by {names.get(-status, f'signal {-status}')}"
