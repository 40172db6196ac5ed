"""Carry a campaign out on this machine: as many tasks at a time as cores and memory allow."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from baselines.campaign import ledger
from baselines.campaign.ledger import Driver
from baselines.campaign.tasks import Task
from baselines.campaign.work import GRACE, Order
from teadata import TeaError
from teadata.errors import DataError

EVERY = 0.2
"""Seconds between two looks at what runs."""

ATTEMPTS = 3
"""Times that a task is begun whose process is killed."""

Tell = Callable[[str], None]


class Machine(NamedTuple):
    """What tasks share: cores, and memory in MiB."""

    cores: int
    memory: float


def machine_memory() -> float:
    """Measure the memory of this machine, in MiB."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**20


class CancelledError(TeaError):
    """A campaign was asked to stop."""


class _Running(NamedTuple):
    """A task, its process, when it began, and which attempt it is."""

    task: Task
    process: subprocess.Popen[str]
    start: float
    attempt: int


def check_fit(tasks: Sequence[Task], machine: Machine) -> None:
    """Refuse tasks that never fit.

    Raises
    ------
    DataError
        If one needs more cores or memory than there are.
    """
    for task in tasks:
        run = task.run
        if run.cores > machine.cores:
            raise DataError(
                f"{run.plan.model} needs {run.cores} cores, and --jobs allows {machine.cores}; "
                "change its resources, or --jobs"
            )
        if run.memory > machine.memory:
            raise DataError(
                f"{run.plan.model} needs {run.memory / 1024:.3g} GiB, and there are "
                f"{machine.memory / 1024:.3g} GiB; change its resources, or --memory"
            )


def carry_out(tasks: Sequence[Task], folder: Path, machine: Machine, tell: Tell) -> None:
    """Do all tasks that are neither done nor failed; what fails does not stop the rest.

    Whatever ends this ends the processes that it started: each goes on from its last checkpoint
    when its campaign is carried out again.

    Parameters
    ----------
    tasks
        From :func:`baselines.campaign.tasks.tasks_of`.
    folder
        From :func:`baselines.campaign.ledger.prepare`.
    machine
        What the tasks share.
    tell
        Told in a line of each task that ends.

    Raises
    ------
    DataError
        If a task needs more than there is.
    CancelledError
        If :func:`baselines.campaign.ledger.cancel` asked for it.
    """
    driver = Driver(folder)
    with driver.working():
        work = _Work(tasks, folder.resolve(), machine, tell)
        check_fit(work.waiting, machine)
        try:
            while work.step():
                if driver.stopped:
                    raise CancelledError(f"{folder}: cancelled; the same command goes on")
                time.sleep(EVERY)
        finally:
            work.stop()


class _Work:
    """The tasks that wait, and those that run."""

    def __init__(self, tasks: Sequence[Task], folder: Path, machine: Machine, tell: Tell) -> None:
        self._folder, self._machine, self._tell = folder, machine, tell
        self._done: set[str] = set()
        self._failed: set[str] = set()
        self._attempts: dict[str, int] = {}
        self._running: list[_Running] = []
        # what takes longest (or nobody knows how long) begins first
        order = sorted(tasks, key=lambda task: (task.rank, -(task.run.seconds or 1e9)))
        self.waiting = [task for task in order if not self._settled(task)]

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
        """Take notice of what ended, and begin what fits; whether there is more to do."""
        for running in [one for one in self._running if one.process.poll() is not None]:
            self._running.remove(running)
            self._ended(running)
        for task in list(self.waiting):
            if not self._ready(task) or not self._fits(task):
                continue
            if ledger.held(ledger.lock_file(task, self._folder)):
                continue  # another campaign is at it
            self.waiting.remove(task)
            if not self._settled(task):
                self._begin(task)
        self.waiting = [
            task
            for task in self.waiting
            if task.needs is None or task.needs.name not in self._failed
        ]
        return bool(self.waiting or self._running)

    def _ready(self, task: Task) -> bool:
        return task.needs is None or task.needs.name in self._done

    def _fits(self, task: Task) -> bool:
        taken = [one.task.run for one in self._running]
        cores = sum(run.cores for run in taken) + task.run.cores
        memory = sum(run.memory for run in taken) + task.run.memory
        return cores <= self._machine.cores and memory <= self._machine.memory

    def _begin(self, task: Task) -> None:
        run = task.run
        order = Order(
            plan=run.plan,
            folder=self._folder / ledger.RUNS / run.name,
            lock=ledger.lock_file(task, self._folder),
            step=task.what,
            cores=run.cores,
        )
        names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
        with ledger.log_file(task, self._folder).open("ab") as log:
            log.write(f"-- {time.strftime('%Y-%m-%d %H:%M:%S')} {task.name}\n".encode())
            log.flush()
            process = subprocess.Popen(
                [sys.executable, "-m", "baselines.campaign.work"],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                text=True,
                env=os.environ | dict.fromkeys(names, str(run.cores)),
                start_new_session=True,  # Ctrl-C reaches this process only
            )
        attempt = self._attempts[task.name] = self._attempts.get(task.name, 0) + 1
        self._running.append(_Running(task, process, time.monotonic(), attempt))
        assert process.stdin is not None
        with suppress(BrokenPipeError):
            process.stdin.write(order.model_dump_json() + "\n")
            process.stdin.flush()

    def _ended(self, running: _Running) -> None:
        task, status = running.task, running.process.returncode
        _close(running.process)
        seconds = time.monotonic() - running.start
        if status == 0 and task.done(self._folder):
            self._done.add(task.name)
            self._tell(f"done: {task.name}, {seconds:.0f} s")
        elif status < 0 and running.attempt < ATTEMPTS:
            self._tell(f"killed by {signal.Signals(-status).name}, begun again: {task.name}")
            self.waiting.insert(0, task)
        else:
            self._failed.add(task.name)
            reason = self._reason(task, status)
            ledger.fail(task, self._folder, reason)
            log = ledger.log_file(task, self._folder)
            self._tell(f"failed: {task.name}: {reason}; log: {log}")

    def _reason(self, task: Task, status: int) -> str:
        if status < 0:
            name = signal.Signals(-status).name
            hint = ", which the system sends when memory runs out" if name == "SIGKILL" else ""
            return f"killed {ATTEMPTS} times, at last by {name}{hint}"
        return ledger.last_line(ledger.log_file(task, self._folder)) or f"status {status}"

    def stop(self) -> None:
        """End what runs: in order if it can, else after a while."""
        for one in self._running:
            with suppress(ProcessLookupError):
                os.kill(one.process.pid, signal.SIGINT)
        end = time.monotonic() + GRACE
        for one in self._running:
            with suppress(subprocess.TimeoutExpired):
                one.process.wait(max(0.0, end - time.monotonic()))
            _close(one.process)
        self._running = []


def _close(process: subprocess.Popen[str]) -> None:
    """End a process and all that it started: a pool that lost its parent would wait forever."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert process.stdin is not None
    with suppress(BrokenPipeError):
        process.stdin.close()
