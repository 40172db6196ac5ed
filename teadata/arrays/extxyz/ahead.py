"""Work on parts of a file in threads, a few parts ahead of whoever takes the results."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

MOST = 8
"""Largest number of threads: each holds parts in memory."""


def threads() -> int:
    """Threads that are worth while: one for each core that this process may use, to a limit."""
    if hasattr(os, "sched_getaffinity"):
        return min(MOST, len(os.sched_getaffinity(0)))
    return min(MOST, os.cpu_count() or 1)


def in_order(work: Callable[[Item], Result], items: Iterable[Item]) -> Generator[Result]:
    """Yield the results of items in their order, of which few are worked on or waited for.

    The first is worked on here: who needs no other starts no threads.
    """
    count = threads()
    source = iter(items)
    for first in source:
        yield work(first)
        break
    if count == 1:
        yield from map(work, source)
        return
    waiting: deque[Future[Result]] = deque()
    pool = ThreadPoolExecutor(count, "extxyz")
    try:
        for item in source:
            waiting.append(pool.submit(work, item))
            if len(waiting) > count:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
