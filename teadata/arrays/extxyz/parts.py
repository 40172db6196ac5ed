"""Cut a file of extended XYZ into parts of whole frames; each has the lines it says."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from teadata.arrays.extxyz.comment_line import shown
from teadata.arrays.extxyz.text_file import TextFile
from teadata.errors import DataError

MOST_ATOMS = 10_000_000
"""Atoms that a frame may claim to have."""

PART = 1 << 18
"""Bytes of a part, or more where a frame is larger; what is made of so many stays in a core's
cache."""

INK = re.compile(rb"\S")


class Place(NamedTuple):
    """Where a frame is.

    The number of its first line in the file, its atoms, and where its comment line, the lines of
    its atoms and its end are in the part.
    """

    line: int
    atoms: int
    comment: int
    rows: int
    end: int


@dataclass(frozen=True)
class Part:
    """Some whole frames.

    Parameters
    ----------
    data
        Text that holds them; every line ends on LF.
    first
        The number of the first frame in the file, from 0.
    places
        Where each frame is in the text.
    ended : bool
        Whether the last line had an end in the file.
    """

    data: bytes
    first: int
    places: list[Place]
    ended: bool = True

    def where(self, i: int) -> str:
        """How errors name the `i`-th frame, by the line of its comment."""
        return f"image {self.first + i} (line {self.places[i].line + 1})"


class Cutter:
    """Cuts a file into parts.

    Parameters
    ----------
    file
        The file.
    error
        Makes an error that names the file.
    """

    def __init__(self, file: TextFile, error: Callable[[str], DataError]) -> None:
        self.file, self.error = file, error
        self.line = 1  # the next line's number
        self.index = 0  # the next frame's
        self._known = b""
        self._atoms = 0

    def parts(self) -> Iterator[Part]:
        """Yield the parts in order; the first is the first frame alone.

        Raises
        ------
        DataError
            If a line that should be the number of atoms is not, or the file ends within a frame.
        """
        rest, size = b"", PART >> 4
        while True:
            text, ended = self.file.read(size, rest), True
            more = len(text) > len(rest)
            if not more and text and not text.endswith(b"\n"):
                text, ended = text + b"\n", False
            first = self.index
            places, stop = self._places(text, last=not more)
            yield from _without_one(Part(text, first, places), first == 0, ended)
            if not more:
                return
            rest = text[stop:]
            size = max(PART, len(rest))  # where a frame is larger, it is not looked at too often

    def _places(self, text: bytes, last: bool) -> tuple[list[Place], int]:
        """Where the whole frames of a text are, and where the last of them ends."""
        ends = np.flatnonzero(np.frombuffer(text, np.uint8) == ord("\n")).data
        places: list[Place] = []
        i = start = 0
        while i < len(ends):
            if not self._counted(text[start : ends[i]]):
                blank = _blank_lines(text, start)
                i, start, self.line = i + blank, ends[i + blank - 1] + 1, self.line + blank
                continue
            after = i + 1 + self._atoms
            if after >= len(ends):
                if last:
                    raise self._cut_off(len(ends) - i - 2)
                break
            rows, end = ends[i + 1] + 1, ends[after] + 1
            places.append(Place(self.line, self._atoms, ends[i] + 1, rows, end))
            i, start = after + 1, end
            self.line += self._atoms + 2
            self.index += 1
        return places, start

    def _counted(self, line: bytes) -> bool:
        """Learn from a frame's first line how many atoms it has; False if the line is blank."""
        if line == self._known and line:  # as the frame before
            return True
        text = line.decode("utf-8", "surrogateescape").strip()
        if not text:
            return False
        if not (text.isascii() and text.isdigit()):
            raise self.error(
                f"line {self.line}: expected the number of atoms of image {self.index}, found "
                f"{shown(text)}"
            )
        atoms = int(text) if len(text) < 19 else MOST_ATOMS + 1
        if not 0 < atoms <= MOST_ATOMS:
            raise self.error(
                f"line {self.line}: image {self.index} says {shown(text)} atoms, expected 1 to "
                f"{MOST_ATOMS}"
            )
        self._known, self._atoms = line, atoms
        return True

    def _cut_off(self, rows: int) -> DataError:
        there = "its first line" if rows < 0 else f"{rows} of them"
        return self.error(
            f"image {self.index} (line {self.line}) says {self._atoms} atoms, and the file ends "
            f"after {there}; it was cut off: write or copy it again, or remove that image"
        )


def _blank_lines(text: bytes, start: int) -> int:
    """Count blank lines in a row, of which the first begins at a place."""
    ink = INK.search(text, start)
    # bytes are no blanks that are one in Unicode
    return max(text.count(b"\n", start, ink.start() if ink else len(text)), 1)


def _without_one(part: Part, opening: bool, ended: bool) -> Iterator[Part]:
    """A part, the file's first frame alone, and the last where its last line has no end.

    To open a file takes no more than its first frame.
    """
    places, start, stop = part.places, 0, len(part.places)
    if opening and stop > 1:
        yield replace(part, places=places[:1])
        start = 1
    if not ended and stop > start + 1:
        yield replace(part, first=part.first + start, places=places[start:-1])
        start = stop - 1
    if stop > start:
        yield replace(part, first=part.first + start, places=places[start:], ended=ended)
