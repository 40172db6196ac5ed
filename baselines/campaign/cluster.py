"""Tasks of a campaign on the workers of a Dask cluster.

Which worker takes a task is decided here, by the resources that the worker declares and what runs
there: so a lost worker costs the tasks that ran on it an attempt, and no other.  Dask is told the
resources too, for campaigns that share a cluster.
"""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from baselines.campaign import ledger, worker
from baselines.campaign.amounts import Amount, declared, how_many, need
from baselines.campaign.batch import Queue
from baselines.campaign.running import Ended, Tell
from baselines.campaign.tasks import Run, Task
from baselines.campaign.work import GRACE, Order
from baselines.campaign.worker import RESOURCES, Job, StatusError, complaint
from baselines.registry import entry
from teadata.errors import DataError
from teadata.remote.settings import home
from teaeval.defaults import WAIT
from teaeval.engines import ClusterError

if TYPE_CHECKING:
    from distributed import Client, Future

LOOK = 1.0
"""Seconds between two looks at which workers there are."""

PATIENCE = 120.0
"""Seconds without a worker from a batch queue after which that is said."""


@dataclass
class _Worker:
    """A worker: its name, what it has in all, and what is free of it."""

    name: str
    total: Amount
    free: Amount


@dataclass
class _Running:
    """A task that was given to a worker."""

    task: Task
    address: str
    future: Future


class Cluster:
    """The workers of a Dask cluster: a place where tasks run.

    Parameters
    ----------
    client
        A connection to its scheduler.
    folder
        The campaign's folder, which the workers must see.
    tell
        Told in a line of workers that come and go.
    batch
        The batch queue that its workers come from; None if they are started by others.
    work
        What a worker does for a task.
    """

    def __init__(
        self,
        client: Client,
        folder: Path,
        tell: Tell,
        batch: Queue | None = None,
        work: Callable[[Job], None] = worker.carry_out,
    ) -> None:
        self._client, self._folder, self._tell = client, folder.resolve(), tell
        self._batch, self._work = batch, work
        self._workers: dict[str, _Worker] = {}
        self._useless: dict[str, str] = {}  # addresses of workers that get no task, and why
        self._running: dict[str, _Running] = {}
        self._ended: queue.SimpleQueue[tuple[str, Future]] = queue.SimpleQueue()
        self._packages: list[str] = []
        self._variables = {"TEADATA_HOME": str(home())}
        self._looked = self._in_use = time.monotonic()
        self._to_ask = False

    def check(self, runs: Sequence[Run]) -> None:
        """Get to know the workers, and refuse runs that never fit one.

        Raises
        ------
        DataError
            If no worker can ever hold a run.
        ClusterError
            If there are no workers of use: they declare no resources, have other software, or do
            not see the folder.
        """
        self._packages = sorted({name for run in runs for name in entry(run.plan.model).traced})
        if self._batch is not None:
            sizes = [self._size(self._batch)]
        else:
            self._look()
            if not self._workers:
                raise ClusterError(self._none_of_use())
            sizes = [one.total for one in self._workers.values()]
        for run in runs:
            wanted = need(run)
            if not any(size.holds(wanted) for size in sizes):
                raise DataError(
                    f"{run.plan.model} needs {wanted!s}, and no worker has that; the largest "
                    f"has {max(sizes)!s}; change its resources, or start a larger worker"
                )

    @staticmethod
    def _size(batch: Queue) -> Amount:
        settings = batch.settings
        return Amount(settings.cores, settings.mebibytes, float(settings.gpu))

    def room(self, run: Run) -> bool:
        """Whether a worker has room for a task of a run."""
        return self._place(need(run)) is not None

    def _place(self, wanted: Amount) -> str | None:
        """The worker with the least room of those that have enough."""
        fitting = [
            (one.free, key)
            for key, one in self._workers.items()
            if one.free.holds(wanted) and (self._batch is None or self._batch.keeps(one.name))
        ]
        return min(fitting)[1] if fitting else None

    def begin(self, task: Task, order: Order, log_file: Path) -> None:
        """Give a task to a worker that has room."""
        wanted = need(task.run)
        address = self._place(wanted)
        assert address is not None
        job = Job(order.model_dump_json(), task.name, log_file, task.run.cores, self._variables)
        future = self._client.submit(
            self._work,
            job,
            pure=False,
            workers=[address],
            resources=wanted.as_resources(),
            retries=0,
        )
        self._workers[address].free = self._workers[address].free.less(wanted)
        self._running[task.name] = _Running(task, address, future)
        future.add_done_callback(lambda done: self._ended.put((task.name, done)))

    def wait(self, seconds: float, waiting: Sequence[Run]) -> list[Ended]:
        """What ended, as soon as something did, or after a time.

        Raises
        ------
        ClusterError
            If the scheduler has gone, or nothing can run for want of workers.
        """
        found = []
        with suppress(queue.Empty):
            found.append(self._ended.get(timeout=seconds))
            while True:
                found.append(self._ended.get_nowait())
        ended = [one for name, future in found if (one := self._end(name, future)) is not None]
        if time.monotonic() - self._looked > LOOK:
            self._look()
            ended += self._lost()
            self._to_ask = True
        if self._to_ask and not ended:  # else more may be ready than it was told
            self._to_ask = False
            self._ask_for_workers(waiting)
        return ended

    def _end(self, name: str, future: Future) -> Ended | None:
        """The end of a task; None if it was seen before, as that of a lost worker."""
        from distributed import KilledWorker

        running = self._running.get(name)
        if running is None or running.future is not future:
            return None
        if future.status == "finished":
            return self._ended_with(name, 0)
        error = future.exception() if future.status == "error" else None
        if isinstance(error, StatusError):
            return self._ended_with(name, error.args[0])
        if isinstance(error, OSError):
            return self._ended_with(name, 1, f"{error.filename or ''}: {error.strerror or error}")
        if isinstance(error, KilledWorker) or error is None:
            self._look()  # raises, where it is the scheduler that has gone
            return self._ended_with(name, None)
        raise ClusterError(
            f"{self._called(running.address)}: cannot carry a task out "
            f"({type(error).__name__}: {error}); it needs the same software as this process"
        )

    def _ended_with(self, name: str, status: int | None, reason: str = "") -> Ended:
        running = self._running.pop(name)
        running.future.release()
        if running.address in self._workers:
            one = self._workers[running.address]
            taken = need(running.task.run)
            more = (have + back for have, back in zip(one.free, taken, strict=True))
            one.free = Amount(*map(min, one.total, more))  # it may be a new one at the old address
        return Ended(name, status, reason)

    def _lost(self) -> list[Ended]:
        """The ends of tasks whose worker is no longer there."""
        names = [key for key, one in self._running.items() if one.address not in self._workers]
        return [self._ended_with(name, None) for name in names]

    def _look(self) -> None:
        """See which workers there are, and get to know those that are new."""
        try:
            there = set(self._client.nthreads(callback_timeout=WAIT))
        except (OSError, TimeoutError) as error:
            raise ClusterError(self._gone(error)) from None
        self._looked = time.monotonic()
        for address in self._workers.keys() - there:
            self._tell(f"lost: {self._called(address)}")
            del self._workers[address]
        for address in self._useless.keys() - there:
            del self._useless[address]
        if new := there - self._workers.keys() - self._useless.keys():
            self._meet(sorted(new))

    def _meet(self, addresses: list[str]) -> None:
        """Get to know workers; those of no use get no task, and that is said."""
        try:
            seen = self._client.run(
                worker.introduce,
                self._packages,
                self._folder / ledger.DRIVERS,
                workers=addresses,
                on_error="return",
                callback_timeout=WAIT,
            )
        except (OSError, TimeoutError):
            return  # the next look finds those that are still there
        for address, found in seen.items():
            if isinstance(found, OSError):
                continue  # gone again
            wrong = complaint(found, self._packages, self._folder)
            amount = None if isinstance(found, Exception) else declared(found.resources)
            if wrong is not None or amount is None:
                self._useless[address] = f"worker at {address} {wrong}"
                self._tell(f"{self._useless[address]}; it gets no tasks")
            else:
                self._workers[address] = _Worker(found.name, amount, amount)

    def _ask_for_workers(self, waiting: Sequence[Run]) -> None:
        """Get as many workers from the batch queue as there is work for."""
        if self._batch is not None:
            at_work = [one.task.run for one in self._running.values()]
            addresses = {one.address for one in self._running.values()}
            busy = {self._workers[key].name for key in addresses & self._workers.keys()}
            needs = [need(run) for run in (*at_work, *waiting)]
            wanted = max(len(addresses), how_many(needs, self._size(self._batch)))
            self._batch.scale(wanted, busy)
            self._say_that_none_came(bool(waiting))
            return
        if self._running or not waiting or any(self.room(run) for run in waiting):
            self._in_use = time.monotonic()
        elif time.monotonic() - self._in_use > WAIT:
            raise ClusterError(
                f"the cluster has had no worker with room for {need(waiting[0])!s} for "
                f"{WAIT:.0f} s; {self._how_to_start()}"
            )

    def _say_that_none_came(self, wanted: bool) -> None:
        """Say once in a while that the batch queue has given no worker."""
        if self._workers or not wanted:
            self._in_use = time.monotonic()
        elif time.monotonic() - self._in_use > PATIENCE:
            self._in_use = time.monotonic()
            self._tell(
                f"no worker has come from the batch queue for {PATIENCE / 60:.0f} minutes: the "
                "queue says whether its jobs wait, and their logs why they ended"
            )

    def stop(self) -> None:
        """End what runs, and wait until its processes have ended."""
        running = list(self._running.values())
        self._running.clear()
        end = time.monotonic() + 2 * GRACE
        with suppress(Exception):  # of a cluster that has gone, its workers end what runs
            self._client.cancel([one.future for one in running], force=True)
            while not self._stopped(running) and time.monotonic() < end:
                time.sleep(0.1)
        locks = [ledger.lock_file(one.task, self._folder) for one in running]
        while any(ledger.held(lock) for lock in locks) and time.monotonic() < end:
            time.sleep(0.1)

    def _stopped(self, running: Sequence[_Running]) -> bool:
        """Whether the workers have ended the processes of tasks."""
        found = self._client.run(
            worker.stopped,
            [ledger.log_file(one.task, self._folder) for one in running],
            workers=list({one.address for one in running}),
            on_error="ignore",
            callback_timeout=GRACE,
        )
        return all(found.values())

    def _called(self, address: str) -> str:
        known = self._workers.get(address)
        return f"worker {known.name} at {address}" if known else f"worker at {address}"

    def _none_of_use(self) -> str:
        if self._useless:
            return f"no worker is of use: {next(iter(self._useless.values()))}"
        return f"the cluster has no workers; {self._how_to_start()}"

    def _how_to_start(self) -> str:
        address = self._client.scheduler.address
        return f"start workers with `dask worker {address} --nthreads 8 {RESOURCES}`"

    def _gone(self, error: Any) -> str:
        address = self._client.scheduler.address
        said = f" ({error})" if str(error) else ""
        return (
            f"--scheduler {address}: its scheduler does not answer any more{said}; start it again: "
            "the same command goes on from the last checkpoints"
        )
