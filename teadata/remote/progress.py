"""What a user sees while files are fetched: a bar on a terminal, lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol, TextIO

from teadata.output.text import inline, visible

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

SECONDS_BETWEEN_LINES = 10.0


class Progress(Protocol):
    """Is told of every step; sizes are in bytes."""

    def start(self, name: str, total: int, done: int) -> None:
        """Transfer of a file begins, or begins again, with `done` of `total` bytes here."""

    def advance(self, count: int) -> None:
        """`count` more bytes of the file that was started are here."""

    def message(self, text: str) -> None:
        """Something to know: a retry, a wait, another process at work."""


class Silent:
    """Progress that shows nothing."""

    def start(self, name: str, total: int, done: int) -> None:
        """Show nothing."""

    def advance(self, count: int) -> None:
        """Show nothing."""

    def message(self, text: str) -> None:
        """Show nothing."""


class Lines:
    """Plain lines, for logs: each file's start, every ten seconds, and its end."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self.name, self.total, self.done = "", 0, 0
        self.next_line = 0.0

    def start(self, name: str, total: int, done: int) -> None:
        """Say what is fetched, and from which byte on."""
        self.name, self.total, self.done = name, total, done
        self._line()

    def advance(self, count: int) -> None:
        """Say how far it is, when it is time or the last byte is here."""
        self.done += count
        if self.done >= self.total or time.monotonic() >= self.next_line:
            self._line()

    def message(self, text: str) -> None:
        """Print the message."""
        print(visible(text), file=self.stream, flush=True)

    def _line(self) -> None:
        share = f" ({100 * self.done // self.total} %)" if self.total else ""
        self.message(f"{self.name}: {size_text(self.done)} of {size_text(self.total)}{share}")
        self.next_line = time.monotonic() + SECONDS_BETWEEN_LINES


class Bar:
    """A bar for each file, with bytes, speed and time left."""

    def __init__(self, bars: Bars) -> None:
        self.bars = bars
        self.tasks: dict[str, TaskID] = {}
        self.current: TaskID | None = None

    def start(self, name: str, total: int, done: int) -> None:
        """Add the file's bar, or set the one it has."""
        if name not in self.tasks:
            self.tasks[name] = self.bars.add_task(inline(name), total=total)
        self.current = self.tasks[name]
        self.bars.update(self.current, completed=done)

    def advance(self, count: int) -> None:
        """Move the bar of the file that was started last."""
        if self.current is not None:
            self.bars.advance(self.current, count)

    def message(self, text: str) -> None:
        """Print above the bars."""
        self.bars.console.print(visible(text), markup=False, highlight=False)


@contextmanager
def shown() -> Iterator[Progress]:
    """Progress on standard error: bars if it is a terminal, else lines."""
    import sys

    if not sys.stderr.isatty():
        yield Lines(sys.stderr)
        return
    from rich import progress
    from rich.console import Console

    columns = (
        # a file name is not markup, whatever brackets it has
        progress.TextColumn("{task.description}", markup=False),
        progress.BarColumn(),
        progress.DownloadColumn(),
        progress.TransferSpeedColumn(),
        progress.TimeRemainingColumn(),
    )
    with progress.Progress(*columns, console=Console(stderr=True)) as bars:
        yield Bar(bars)


def size_text(count: int) -> str:
    """A number of bytes for reading: ``"12.3 MB"``, in powers of 1000."""
    size = float(count)
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000:
            return f"{count} bytes" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"
