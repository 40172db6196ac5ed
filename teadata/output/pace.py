"""Progress of long work as lines, where there is no terminal for a bar."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

PACE = 30.0
"""Seconds between two lines, and before the first: short work says nothing."""


class Lines:
    """Says from time to time how far some work is.

    A stage of the work begins where the total changes or less is done than before.  The
    description may change within a stage.

    Parameters
    ----------
    say
        Prints a line.
    pace
        Seconds between two lines.
    """

    def __init__(self, say: Callable[[str], None], pace: float = PACE) -> None:
        self._say = say
        self._pace = pace
        self._began = self._last = time.monotonic()
        self._total = self._start = self._done = 0

    def __call__(self, description: str, done: int, total: int) -> None:
        """Take note of what is being done, how much of it is done, and how much there is."""
        now = time.monotonic()
        if total != self._total or done < self._done:
            self._total, self._began, self._start = total, now, done
        self._done = done
        if now - self._last < self._pace:
            return
        self._last = now
        passed, made = now - self._began, done - self._start
        left = f", about {duration(passed * (total - done) / made)} left" if made else ""
        self._say(f"{description}: {done} of {total} after {duration(passed)}{left}")


def duration(seconds: float) -> str:
    """A time as people say it, e.g. ``1 h 05 min``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min"


def left(line: str) -> float | None:
    """How many seconds a line of :class:`Lines` says are left; None if it says nothing of it."""
    found = re.search(r", about ((?:\d+ (?:h|min|s) ?)+)left$", line)
    if found is None:
        return None
    parts = re.findall(r"(\d+) (h|min|s)", found[1])
    return float(sum(int(count) * {"h": 3600, "min": 60, "s": 1}[unit] for count, unit in parts))
