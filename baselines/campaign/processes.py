"""Tasks of a campaign as processes: on this machine, as many at a time as fit."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from baselines.campaign.ledger import BEGINNING
from baselines.campaign.running import Ended
from baselines.campaign.tasks import Run, Task
from baselines.campaign.work import GRACE, Order
from teadata.errors import DataError

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
"""Variables that tell libraries how many cores to calculate on."""


def start(
    order: str, name: str, log_file: Path, cores: int, variables: Mapping[str, str] | None = None
) -> subprocess.Popen[str]:
    """Start the process of a task, which ends with the process that started it.

    Parameters
    ----------
    order
        An :class:`baselines.campaign.work.Order` as JSON.
    name
        Name of the task, for the first line of its log.
    log_file
        What it says is added here.
    cores
        Cores that it may calculate on.
    variables
        Further variables of its environment.

    Raises
    ------
    OSError
        If its log cannot be opened, or the system has no room for a process.
    """
    with log_file.open("ab", buffering=0) as log:
        with suppress(OSError):  # a disk that is full is the task's own to say
            log.write(f"{BEGINNING}{time.strftime('%Y-%m-%d %H:%M:%S')} {name}\n".encode())
        process = subprocess.Popen(
            [sys.executable, "-m", "baselines.campaign.work"],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            text=True,
            env=os.environ | dict.fromkeys(THREADS, str(cores)) | dict(variables or {}),
            start_new_session=True,  # Ctrl-C reaches this process only
        )
    assert process.stdin is not None
    with suppress(BrokenPipeError):
        process.stdin.write(order + "\n")
        process.stdin.flush()
    return process


def interrupt(process: subprocess.Popen[str]) -> None:
    """Ask the process of a task to end in order."""
    with suppress(ProcessLookupError):
        os.kill(process.pid, signal.SIGINT)


def close(process: subprocess.Popen[str], patience: float = 0.0) -> None:
    """End a process and all that it started: a pool that lost its parent would wait forever.

    Parameters
    ----------
    process
        From :func:`start`.
    patience
        Seconds that it may take to end by itself.
    """
    with suppress(subprocess.TimeoutExpired):
        process.wait(patience)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert process.stdin is not None
    with suppress(BrokenPipeError):
        process.stdin.close()


class Machine(NamedTuple):
    """What tasks share: cores, and memory in MiB."""

    cores: int
    memory: float


def machine_memory() -> float:
    """Measure the memory of this machine, in MiB."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**20


def check_fit(runs: Sequence[Run], machine: Machine) -> None:
    """Refuse runs that never fit.

    Raises
    ------
    DataError
        If one needs more cores or memory than there are.
    """
    for run in runs:
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


class Processes:
    """The processes of one machine, which share its cores and memory.

    Parameters
    ----------
    machine
        What they share.
    """

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._running: dict[str, tuple[Run, subprocess.Popen[str]]] = {}
        self._ended: queue.SimpleQueue[str] = queue.SimpleQueue()

    def check(self, runs: Sequence[Run]) -> None:
        """Refuse runs that never fit."""
        check_fit(runs, self._machine)

    def room(self, run: Run) -> bool:
        """Whether a task of a run fits beside those that run; two never share a GPU."""
        taken = [other for other, _ in self._running.values()]
        if run.plan.device != "cpu" and any(other.plan.device != "cpu" for other in taken):
            return False
        cores = sum(other.cores for other in taken) + run.cores
        memory = sum(other.memory for other in taken) + run.memory
        return cores <= self._machine.cores and memory <= self._machine.memory

    def begin(self, task: Task, order: Order, log_file: Path) -> None:
        """Start the process of a task for which there is room."""
        process = start(order.model_dump_json(), task.name, log_file, task.run.cores)
        self._running[task.name] = task.run, process
        threading.Thread(target=self._watch, args=[task.name, process], daemon=True).start()

    def _watch(self, name: str, process: subprocess.Popen[str]) -> None:
        process.wait()
        self._ended.put(name)

    def wait(self, seconds: float, waiting: Sequence[Run]) -> list[Ended]:
        """What ended, as soon as something did, or after a time."""
        names = []
        with suppress(queue.Empty):
            names.append(self._ended.get(timeout=seconds))
            while True:
                names.append(self._ended.get_nowait())
        return [self._end(name) for name in names]

    def _end(self, name: str) -> Ended:
        _, process = self._running.pop(name)
        close(process)
        return Ended(name, process.returncode)

    def stop(self) -> None:
        """End what runs: in order if it can, else after a while."""
        processes = [process for _, process in self._running.values()]
        for process in processes:
            interrupt(process)
        end = time.monotonic() + GRACE
        for process in processes:
            close(process, max(0.0, end - time.monotonic()))
        self._running.clear()
