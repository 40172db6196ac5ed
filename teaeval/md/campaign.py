"""Many simulations of one plan in one folder: here, in processes, or on a Dask cluster.

What has been done is kept whatever happens to the rest: a simulation is in a folder of its own,
and the same plan in the same folder goes on with what is missing.
"""

from __future__ import annotations

import functools
import multiprocessing
import os
import queue
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Generic, TypeVar

from teadata.errors import DataError, TeaError, UsageError
from teadata.files import contents, write_text
from teadata.schema import StrictModel
from teadata.typing import Progress, no_progress
from teaeval.calculators import find_calculator

PLAN_FILE = "plan.json"

LISTEN_EVERY = 0.2
"""Seconds between two looks at what the processes say of their progress."""

AnyPlan = TypeVar("AnyPlan", bound=StrictModel)
Item = TypeVar("Item")
Result = TypeVar("Result")

Work = Callable[[Item, Progress], Result]
"""Does one item, and tells its progress; a function of a module, so that processes find it."""


def prepare(
    folder: Path,
    plan: AnyPlan,
    shared: Callable[[AnyPlan], Mapping[str, Any]],
    what: str,
    first: Callable[[], object] | None = None,
) -> None:
    """Make the folder of a plan and write the plan, or check that the folder is of this plan.

    Parameters
    ----------
    folder
        Made if need be.
    plan
        What is to be done there.
    shared
        What all plans of one folder have in common, by name.
    what
        What the folder holds: ``"simulations"``.
    first
        Called before a new folder is made: raises an error if the plan cannot be carried out.

    Raises
    ------
    UsageError
        If the folder holds another plan, or something else.
    DataError
        If the plan there cannot be read, or the folder not be made.
    """
    path = folder / PLAN_FILE
    if path.exists():
        _check_same(path, plan, shared, what)
    elif folder.exists() and (not folder.is_dir() or contents(folder)):
        inner = [one.parent.name for one in sorted(folder.glob(f"*/{PLAN_FILE}"))]
        there = f"holds folders of {what} ({', '.join(inner[:4])})" if inner else "exists"
        raise UsageError(
            f"{folder}: {there} and is not a folder of {what} itself; choose another --output"
        )
    elif first is not None:
        first()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"{folder}: cannot be made ({error.strerror or error})") from None
    write_text(path, plan.model_dump_json(indent=1) + "\n")


def _check_same(
    path: Path, plan: AnyPlan, shared: Callable[[AnyPlan], Mapping[str, Any]], what: str
) -> None:
    old = type(plan).from_json(path, f"a plan of {what}", "choose another --output")
    before, now = shared(old), shared(plan)
    changed = [
        f"{name} {before[name]}, now {now[name]}"
        for name in now
        if name in before and before[name] != now[name]  # an earlier version may lack one
    ]
    if changed:
        raise UsageError(
            f"{path.parent}: holds {what} of another plan: {'; '.join(changed)}; choose another "
            "--output, or remove this folder"
        )


@functools.lru_cache(maxsize=16)
def _calculator(
    reference: str | None, model: Path | str | None, device: str | None, thread: int
) -> Any:
    return find_calculator(reference, model, device)


def calculator_of(
    reference: str | None, model: Path | str | None, device: str | None = None
) -> Any:
    """The calculator of :func:`teaeval.calculators.find_calculator`, made once per thread.

    A calculator remembers the structure that it was given, so threads do not share one.
    """
    return _calculator(reference, model, device, threading.get_ident())


def carry_out(
    work: Work[Item, Result],
    items: Mapping[str, Item],
    processes: int = 1,
    scheduler: str | None = None,
    progress: Progress | None = None,
) -> dict[str, Result]:
    """Do all items; an error of one does not stop the others.

    Parameters
    ----------
    work
        Does one item.
    items
        What is to be done, by names for the progress.
    processes
        Items that are worked on at a time, each in a process; 1 does one after another in this
        process.  Ctrl-C ends the processes, and so does the end of this one, however it ends.
    scheduler
        Address of a Dask scheduler to work on instead.
    progress
        Told of the steps of all items together.

    Returns
    -------
    dict
        The result of each item, in their order.

    Raises
    ------
    TeaError, or what `work` raises
        The first error, once all items have been tried.
    """
    tally = _Tally[Result](len(items), progress or no_progress)
    if scheduler is not None:
        _on_cluster(work, items, scheduler, tally)
    elif min(processes, len(items)) > 1:
        _in_processes(work, items, min(processes, len(items)), tally)
    else:
        _one_by_one(work, items, tally)
    if tally.errors:
        raise tally.errors[0]
    return {name: tally.results[name] for name in items}


class _Tally(Generic[Result]):
    """Collects results, errors and progress of all items."""

    def __init__(self, count: int, progress: Progress) -> None:
        self.results: dict[str, Result] = {}
        self.errors: list[Exception] = []
        self._count, self._progress = count, progress
        self._fractions: dict[str, float] = {}
        self._steps = 1  # of an item, once one has said so

    def told(self, name: str, text: str, done: int, steps: int) -> None:
        """Pass on the progress of one item, as part of all."""
        before = self._fractions.get(name, 0.0)  # a process may be heard late
        self._fractions[name], self._steps = max(before, done / max(1, steps)), steps
        self._show(text)

    def ended(self, name: str, result: Callable[[], Result]) -> None:
        """Keep the result of an item, or its error."""
        try:
            self.results[name] = result()
        except Exception as error:
            self.errors.append(error)
        self._fractions[name] = 1.0
        self._show(f"{name} has ended")

    def _show(self, text: str) -> None:
        done = round(sum(self._fractions.values()) * self._steps)
        self._progress(text, done, self._steps * self._count)


def _one_by_one(work: Work[Item, Result], items: Mapping[str, Item], tally: _Tally[Result]) -> None:
    try:
        for name, item in items.items():
            tally.ended(name, functools.partial(work, item, functools.partial(tally.told, name)))
    finally:
        _calculator.cache_clear()  # models may be large


def _on_cluster(
    work: Work[Item, Result], items: Mapping[str, Item], scheduler: str, tally: _Tally[Result]
) -> None:
    from teaeval.engines import connected

    with connected(scheduler, patient=True) as engine:
        attempts = engine.map(functools.partial(_attempt, work), list(items.values()))
        for name, attempt in zip(items, attempts, strict=True):
            tally.ended(name, functools.partial(_result_of, attempt))


def _attempt(work: Work[Item, Result], item: Item) -> Result | Exception:
    """Do an item, and give its result or its error."""
    try:
        return work(item, no_progress)
    except Exception as error:
        return error


def _result_of(attempt: Result | Exception) -> Result:
    if isinstance(attempt, Exception):
        raise attempt
    return attempt


def _in_processes(
    work: Work[Item, Result], items: Mapping[str, Item], processes: int, tally: _Tally[Result]
) -> None:
    context = multiprocessing.get_context("spawn")  # backends do not survive a fork
    messages: Any = context.Queue()
    others = set(multiprocessing.active_children())
    with (
        _threads_shared_by(processes),
        ProcessPoolExecutor(processes, context, _begin, (messages,)) as pool,
    ):
        try:
            names = {pool.submit(_do, work, name, item): name for name, item in items.items()}
            running = set(names)
            while running:
                ended, running = wait(running, LISTEN_EVERY, FIRST_COMPLETED)
                _listen(messages, tally)
                for future in ended:
                    tally.ended(names[future], functools.partial(_future_result, future))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for process in set(multiprocessing.active_children()) - others:
                process.terminate()
            raise
        finally:
            messages.close()


@contextmanager
def _threads_shared_by(processes: int) -> Iterator[None]:
    """Let processes that are started share this machine's cores, unless the user says how."""
    if "OMP_NUM_THREADS" in os.environ:
        yield
        return
    os.environ["OMP_NUM_THREADS"] = str(max(1, (os.cpu_count() or 1) // processes))
    try:
        yield
    finally:
        del os.environ["OMP_NUM_THREADS"]


def _future_result(future: Any) -> Any:
    try:
        return future.result()
    except BrokenProcessPool:
        raise TeaError(
            "a process was killed, perhaps for want of memory; what it did until its last "
            "checkpoint is kept: the same command goes on"
        ) from None


def _listen(messages: Any, tally: _Tally[Any]) -> None:
    """Pass on what the processes have said."""
    while True:
        try:
            message = messages.get_nowait()
        except queue.Empty:
            return
        tally.told(*message)


_messages: Any = None
"""In a process of a campaign: where its progress is told."""


def _begin(messages: Any) -> None:
    """Prepare a process: it ignores Ctrl-C, and ends with the one that started it."""
    global _messages
    _messages = messages
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _do(work: Work[Item, Result], name: str, item: Item) -> Result:
    """Do one item in a process of the pool."""

    def report(text: str, done: int, steps: int) -> None:
        _messages.put((name, text, done, steps))

    return work(item, report)
