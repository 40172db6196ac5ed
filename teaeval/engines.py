"""Run a function over the pieces of a test set, on this machine's cores or on a Dask cluster.

Results come in the order of the pieces, whichever is done first: sums over them do not depend on
the number of workers.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from teadata.errors import MissingExtraError, UsageError

if TYPE_CHECKING:
    from distributed import Client

Item = TypeVar("Item")
Result = TypeVar("Result")

MOST = 8
"""Largest number of threads: more do not read faster, and each holds a piece in memory."""

WAIT = 10
"""Seconds to wait for a scheduler to answer."""


def _cores() -> int:
    """Number of cores that this process may use; of all cores where the system does not tell."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Engine(Protocol):
    """Applies a function to pieces, in their order."""

    def map(self, work: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
        """Results in the order of the items, few of them waiting at a time."""
        ...


def _in_order(submit: Callable[[Item], Any], items: Sequence[Item], ahead: int) -> Iterator[Result]:
    """Results in order, of which at most `ahead` are being worked on or waited for."""
    waiting: deque[Any] = deque()  # futures, Dask's or Python's
    try:
        for item in items:
            waiting.append(submit(item))
            if len(waiting) >= ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()


class Threads:
    """The cores of this machine, one thread each.

    Reading files and NumPy's arithmetic release Python's lock.

    Parameters
    ----------
    count
        Threads; by default one per core that this process may use, up to :data:`MOST`.
    """

    def __init__(self, count: int | None = None) -> None:
        self.count = count or min(_cores(), MOST)

    def map(self, work: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
        """Results in the order of the items."""
        if len(items) < 2 or self.count < 2:
            yield from map(work, items)
            return
        with ThreadPoolExecutor(self.count) as pool:
            yield from _in_order(lambda item: pool.submit(work, item), items, self.count + 1)


class DaskCluster:
    """The workers of a Dask cluster; they must see the same files under the same paths."""

    def __init__(self, client: Client) -> None:
        self.client = client

    def map(self, work: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
        """Results in the order of the items."""
        threads = sum(self.client.nthreads().values())
        yield from _in_order(
            lambda item: self.client.submit(work, item, pure=False), items, 4 * max(1, threads)
        )


@contextmanager
def connected(scheduler: str | None) -> Iterator[Engine]:
    """Connect to the cluster of a scheduler; without one, use the cores of this machine.

    Parameters
    ----------
    scheduler
        Its address, ``tcp://host:port``, or None.

    Raises
    ------
    MissingExtraError
        If Dask is not installed.
    UsageError
        If no scheduler answers there, or it has no workers.
    """
    if scheduler is None:
        yield Threads()
        return
    try:
        from distributed import Client
    except ImportError:
        raise MissingExtraError("dask", "dask", "scoring on a cluster") from None
    try:
        client = Client(scheduler, timeout=WAIT, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        raise UsageError(
            f"--scheduler {scheduler}: no Dask scheduler answers there ({error}); start one with "
            "`dask scheduler`, and give the address that it prints"
        ) from None
    with client:
        if not client.nthreads():
            raise UsageError(
                f"--scheduler {scheduler}: it has no workers; start some with "
                f"`dask worker {scheduler}`"
            )
        yield DaskCluster(client)


PIECE = 1 << 20
"""Largest number of force components in a piece (8 MB)."""


def piece_length(atoms: int) -> int:
    """Number of frames in a piece, a power of two."""
    return 1 << max(0, (PIECE // max(1, 3 * atoms)).bit_length() - 1)


def slices(count: int, atoms: int) -> list[slice]:
    """Cut `count` frames of `atoms` atoms into pieces."""
    step = piece_length(atoms)
    return [slice(start, min(start + step, count)) for start in range(0, count, step)]
