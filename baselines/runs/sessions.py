"""How long a training took, over all its sessions: what its run folder keeps of interrupted ones.

What counts of a session that was interrupted is the time up to its last checkpoint: what came
after it is done again.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path

from teadata.errors import DataError
from teadata.files import LOCK_FILE, write_text
from teadata.schema import StrictModel
from teadata.typing import Progress

SESSIONS_FILE = "sessions.json"
PLAN_FILE, CONFIG_FILE = "plan.json", "config.yaml"

PAUSE = 1.0
"""Seconds between two looks for a new checkpoint."""


class Sessions(StrictModel):
    """Seconds of each session of a training up to its last checkpoint, the latest at the end."""

    seconds: list[float]


class Stopwatch:
    """Measures a session of a training, and keeps the time of its checkpoints.

    Parameters
    ----------
    folder
        The run folder.
    resumed
        Whether there was an earlier session.  If that did not keep its time, as those of earlier
        versions did not, the time of the whole is not known.
    """

    def __init__(self, folder: Path, resumed: bool) -> None:
        self._folder, self._file = folder, folder / SESSIONS_FILE
        self._start = self._looked = time.perf_counter()
        self._before = self._kept() if resumed else []
        self._newest = newest_checkpoint(folder)
        self._keep(0.0)

    def noting(self, progress: Progress) -> Progress:
        """Keep the time of new checkpoints whenever progress is reported."""

        def noted(task: str, done: int, total: int) -> None:
            if time.perf_counter() > self._looked + PAUSE:
                self.note()
            progress(task, done, total)

        return noted

    def note(self) -> None:
        """Keep the time of the last checkpoint, if there is a new one."""
        self._looked = time.perf_counter()
        newest = newest_checkpoint(self._folder)
        if newest > self._newest:
            self._newest = newest
            self._keep(max(0.0, self._elapsed() - max(0.0, time.time() - newest)))

    def sessions(self) -> list[float] | None:
        """Seconds of each session, the present one the last; None if that is not known."""
        if self._before is None:
            return None
        return [round(seconds, 1) for seconds in (*self._before, self._elapsed())]

    def seconds(self) -> float:
        """Seconds of all sessions that are known of."""
        return round(sum(self._before or []) + self._elapsed(), 1)

    def _elapsed(self) -> float:
        return time.perf_counter() - self._start

    def _kept(self) -> list[float] | None:
        """Seconds of earlier sessions, with a checkpoint that the last one had no time to note."""
        try:
            seconds = Sessions.from_json(self._file, "times of sessions", "remove it").seconds
            last = newest_checkpoint(self._folder) - self._file.stat().st_mtime
        except (DataError, OSError):
            return None
        return [*seconds[:-1], *(one + max(0.0, last) for one in seconds[-1:])]

    def _keep(self, elapsed: float) -> None:
        if self._before is not None:
            sessions = Sessions(seconds=[*self._before, elapsed])
            with suppress(DataError):  # a full disk
                write_text(self._file, sessions.model_dump_json() + "\n")


def newest_checkpoint(folder: Path) -> float:
    """When a run folder was last changed by more than a beginning (epoch); 0 if it never was."""
    told = {LOCK_FILE, PLAN_FILE, CONFIG_FILE, SESSIONS_FILE}
    times = [0.0]
    # which goes on where a folder is gone by now, as a temporary one of a process that still ends
    for place, _, names in os.walk(folder):
        for path in (Path(place) / name for name in names):
            if path.name not in told and path.suffix != ".log":
                with suppress(OSError):  # it may be gone, too
                    times.append(path.stat().st_mtime)
    return max(times)
