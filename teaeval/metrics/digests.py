"""A number for each frame, by which frames with the same forces are found, however many."""

from __future__ import annotations

import tempfile
import weakref
from collections.abc import Iterator
from io import FileIO
from typing import Any

import numpy as np
from numpy.typing import NDArray

Digests = NDArray[np.uint64]
"""(n,) a number for each frame that depends on every bit of its forces; −0 counts as 0."""

HELD = 1 << 18
"""Numbers that are held in memory, 2 MB; those of more frames are put into a file."""

READ = 1 << 16
"""Numbers that are read from the file together: what is done with them stays in a core's cache."""


class FrameDigests:
    """The numbers of the frames of a test set, in its order.

    Of many frames they are in a temporary file, which no other program sees and which is gone
    with this.  Where none can be written, or no more, the rest is held in memory.
    """

    def __init__(self) -> None:
        self._file: Any = None
        self._room = True
        self._written = 0
        self._held: list[Digests] = []
        self._count = 0

    def __len__(self) -> int:
        return self._written + self._count

    def add(self, digests: Digests) -> None:
        """Take in those of the next frames."""
        self._held.append(digests)
        self._count += len(digests)
        if self._count > HELD and self._room:
            try:
                self._write()
            except OSError:
                self._room = False

    def _write(self) -> None:
        """Put what is held into the file.

        Raises
        ------
        OSError
            If there is no room; it is held still.
        """
        if self._file is None:
            self._file = tempfile.TemporaryFile(prefix="teaeval-", buffering=0)  # noqa: SIM115
            weakref.finalize(self, self._file.close)
        self._file.seek(8 * self._written)
        for digests in self._held:
            _write_all(self._file, memoryview(digests.tobytes()))
        self._written, self._held, self._count = len(self), [], 0

    def __iter__(self) -> Iterator[Digests]:
        """The numbers in order, a piece at a time."""
        for start in range(0, self._written, READ):
            self._file.seek(8 * start)
            yield np.fromfile(self._file, np.uint64, min(READ, self._written - start))
        yield from self._held


def _write_all(file: FileIO, content: memoryview) -> None:
    """Write bytes, of which a file without a buffer may take some at a time."""
    while content:
        content = content[file.write(content) :]
