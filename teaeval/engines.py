"""Run a function over the pieces of a test set, on this machine's cores or on a Dask cluster.

Results come in the order of the pieces, whichever is done first: sums over them do not depend on
the number of workers.
"""

from __future__ import annotations

import logging
import os
import queue
import threading
import time
from abc import abstractmethod
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, overload

from teadata.errors import MissingExtraError, TeaError, UsageError
from teadata.objects.digests import digests, with_news
from teaeval.defaults import WAIT

if TYPE_CHECKING:
    from distributed import Client

Item = TypeVar("Item")
Result = TypeVar("Result")

MOST = 8
"""Largest number of threads: more do not read faster, and each holds a piece in memory."""

LOOK = 5.0
"""Seconds between looks at whether the cluster is still there."""

CLOSING = 2.0
"""Seconds to wait for a connection to close."""


class ClusterError(TeaError):
    """A Dask cluster died, stopped, or does not answer."""


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
    """The workers of a Dask cluster; they must see the same files under the same paths.

    Parameters
    ----------
    client
        A connection to its scheduler.
    timeout
        Seconds after which a scheduler that does not answer, or a cluster without workers, is
        given up.
    patient
        Whether a piece may take longer than that.
    """

    def __init__(self, client: Client, timeout: float = WAIT, *, patient: bool = False) -> None:
        self.client = client
        self.timeout = timeout
        self.patient = patient

    def map(self, work: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
        """Results in the order of the items.

        Raises
        ------
        ClusterError
            If the cluster dies, stops or does not answer.
        """
        waiting: deque[Any] = deque()
        ahead = 4 * max(1, self.threads())
        # The end of the last reference to a future cancels its task.
        for item in items:
            waiting.append(self.client.submit(with_news, work, item, pure=False))
            if len(waiting) >= ahead:
                yield self._learnt(waiting.popleft())
        while waiting:
            yield self._learnt(waiting.popleft())

    def threads(self) -> int:
        """Number of threads of all workers.

        Raises
        ------
        ClusterError
            If the scheduler does not answer.
        """
        try:
            found = self.client.sync(
                self.client.scheduler.ncores, workers=None, callback_timeout=self.timeout
            )
        except (OSError, TimeoutError) as error:
            said = f" ({error})" if str(error) else ""
            raise self._gone(f"its scheduler does not answer any more{said}") from None
        return sum(found.values())

    def _learnt(self, future: Any) -> Any:
        """The result of a piece; checksums that its worker computed are taken over."""
        result, news = self._result(future)
        digests.learn(news)
        return result

    def _result(self, future: Any) -> Any:
        """The result of a piece, or an error that its work raised."""
        from concurrent.futures import CancelledError

        from distributed import KilledWorker
        from distributed.comm import CommClosedError

        start = with_workers = time.monotonic()
        while True:
            try:
                return future.result(timeout=min(LOOK, self.timeout))
            except (CancelledError, CommClosedError):
                raise self._gone("the connection to its scheduler broke") from None
            except KilledWorker:
                raise self._gone("a piece of the work killed several workers") from None
            except TimeoutError:
                if future.status == "error":  # it is the work that raised this
                    raise
            now = time.monotonic()
            if self.threads():
                with_workers = now
            if now - with_workers > self.timeout:
                raise self._gone(f"it has had no workers for {self.timeout:g} s")
            if now - start > self.timeout and not self.patient:
                raise self._gone(f"a piece was not done after {self.timeout:g} s")

    def _gone(self, why: str) -> ClusterError:
        address = self.client.scheduler.address
        return ClusterError(
            f"--scheduler {address}: {why}. Start the cluster again, wait longer with "
            "--scheduler-timeout, or leave --scheduler out to use this machine"
        )


@contextmanager
def connected(
    scheduler: str | None, timeout: float = WAIT, *, patient: bool = False
) -> Iterator[Engine]:
    """Connect to the cluster of a scheduler; without one, use the cores of this machine.

    Parameters
    ----------
    scheduler
        Its address, ``tcp://host:port``, or None.
    timeout, patient
        As for :class:`DaskCluster`.

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
    with client_of(scheduler, timeout) as client:
        engine = DaskCluster(client, timeout, patient=patient)
        if not engine.threads():
            raise UsageError(
                f"--scheduler {scheduler}: it has no workers; start some with "
                f"`dask worker {scheduler}`"
            )
        yield engine


@contextmanager
def client_of(scheduler: str, timeout: float = WAIT) -> Iterator[Client]:
    """Connect to a Dask scheduler by its address; errors as for :func:`connected`."""
    quiet()
    try:
        client = _client(scheduler, timeout)
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise UsageError(
            f"--scheduler {scheduler}: no Dask scheduler answers there ({error}); start one with "
            "`dask scheduler`, and give the address that it prints"
        ) from None
    try:
        yield client
    finally:
        _close(client)


def _close(client: Client) -> None:
    """Close a client, and of a cluster that died or never answered say that it is closed.

    It would try again when the garbage collector finds it.  That can be within the start of
    another client, which holds a lock that closing waits for: neither would ever end.
    """
    with suppress(Exception):
        client.close(timeout=CLOSING)
    client.status = "closed"


def quiet() -> None:
    """Keep Dask from logging here: what matters becomes an error.

    Raises
    ------
    MissingExtraError
        If Dask is not installed.
    """
    try:
        import distributed  # noqa: F401
    except ImportError:
        raise MissingExtraError("dask", "dask", "work on a cluster") from None
    for name in ("distributed", "distributed.client", "distributed.core", "distributed.utils"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


def _client(scheduler: str, timeout: float) -> Client:
    """A connection, made in a thread that is left alone if nobody answers.

    Dask's own time limit is not held where a connection is taken but nothing said.

    Raises
    ------
    TimeoutError
        If there is none in time.
    """
    from distributed import Client

    made: queue.SimpleQueue[Client | Exception] = queue.SimpleQueue()

    def make() -> None:
        client = Client.__new__(Client)
        try:
            client.__init__(scheduler, timeout=timeout, set_as_default=False)
        except Exception as error:
            made.put(error)
            _close(client)
        else:
            made.put(client)

    threading.Thread(target=make, daemon=True).start()
    try:
        found = made.get(timeout=timeout + CLOSING)
    except queue.Empty:
        raise TimeoutError(f"no word in {timeout:g} s") from None
    if isinstance(found, Exception):
        raise found
    return found


PIECE = 1 << 20
"""Largest number of force components in a piece (8 MB)."""


class Pieces(Sequence[Item]):
    """Items for :meth:`Engine.map`, of slices of frames; each is cut when its turn has come.

    Attributes
    ----------
    parts
        The frames of each.
    """

    parts: Sequence[slice]

    @abstractmethod
    def cut(self, part: slice) -> Item:
        """Make the item of some frames."""

    def __len__(self) -> int:
        return len(self.parts)

    def __iter__(self) -> Iterator[Item]:
        # Sequence's would take an IndexError of a file or an array for the end.
        return map(self.cut, self.parts)

    @overload
    def __getitem__(self, index: int) -> Item: ...

    @overload
    def __getitem__(self, index: slice) -> list[Item]: ...

    def __getitem__(self, index: int | slice) -> Item | list[Item]:
        if isinstance(index, slice):
            return [self.cut(part) for part in self.parts[index]]
        return self.cut(self.parts[index])


def piece_length(atoms: int) -> int:
    """Number of frames in a piece, a power of two."""
    return 1 << max(0, (PIECE // max(1, 3 * atoms)).bit_length() - 1)


def slices(count: int, atoms: int) -> list[slice]:
    """Cut `count` frames of `atoms` atoms into pieces."""
    step = piece_length(atoms)
    return [slice(start, min(start + step, count)) for start in range(0, count, step)]
