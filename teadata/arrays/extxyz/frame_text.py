"""The text of frames of extended XYZ, many at once, with the fewest digits that give each number.

Arrow writes the numbers: what it writes is read back as the same float64, to the last bit.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from functools import partial
from itertools import islice, pairwise
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from teadata.arrays.extxyz.ahead import in_order
from teadata.arrays.extxyz.comment_line import checksum
from teadata.arrays.extxyz.template import Templates
from teadata.arrays.extxyz.text_file import Writes
from teadata.typing import Array

LINES = 1 << 12
"""Lines of atoms that are written together."""


class Sliced(Protocol):
    """Numbers (N, A, k), in memory or in a file, of which rows can be taken."""

    def __getitem__(self, rows: slice, /) -> Array: ...


def write_frames(
    stream: Writes,
    symbols: Sequence[str],
    columns: Sequence[Sliced],
    comments: Iterable[str],
    *,
    summed: bool = True,
) -> None:
    """Write frames, some at a time.

    Parameters
    ----------
    stream
        Where to.
    symbols
        (A,) of the atoms.
    columns
        Numbers (N, A, k) that follow the symbols.
    comments
        The comment line of each of the N frames.
    summed
        Whether each comment line ends with its frame's checksum.
    """
    work = partial(_text, symbols, _Summing() if summed else None)
    some = max(1, LINES // len(symbols))
    with closing(in_order(work, _batches(columns, iter(comments), some))) as texts:
        for text in texts:
            stream.write(text)


_Batch = tuple[list[Array], list[str]]


def _batches(columns: Sequence[Sliced], comments: Iterator[str], some: int) -> Iterator[_Batch]:
    """The columns and comment lines of frames, some of them at a time."""
    start = 0
    while lines := list(islice(comments, some)):
        stop = start + len(lines)
        yield [column[start:stop] for column in columns], lines
        start = stop


def _text(symbols: Sequence[str], summing: _Summing | None, batch: _Batch) -> bytes:
    """The text of some frames."""
    columns, comments = batch
    head = f"{len(symbols)}\n".encode()
    text: list[bytes | memoryview] = []
    for comment, rows in zip(comments, _rows(symbols, columns), strict=True):
        line = comment.encode() if summing is None else summing.line(comment, rows)
        text += [head, line, b"\n", rows]
    return b"".join(text)


def _rows(symbols: Sequence[str], columns: Sequence[Array]) -> Iterator[memoryview]:
    """Yield the lines of the atoms of each frame, of numbers (F, A, k)."""
    count, atoms = columns[0].shape[:2]
    # Every line begins with the end of the line before, so that Arrow puts them one after another
    # as they stand in the file.
    words = pa.array([f"\n{symbol:<2s}" for symbol in symbols])
    numbers = [
        pa.array(np.ascontiguousarray(column[:, :, i], np.float64).ravel()).cast(pa.string())
        for column in columns
        for i in range(column.shape[2])
    ]
    words = words.take(pa.array(np.tile(np.arange(atoms), count)))
    lines = pc.binary_join_element_wise(words, *numbers, " ")
    _, offsets, text = lines.buffers()
    ends = np.frombuffer(offsets, np.int32, len(lines) + 1)[::atoms].tolist()
    whole = memoryview(text.slice(0, ends[-1]).to_pybytes() + b"\n")
    for start, stop in pairwise(ends):
        yield whole[start + 1 : stop + 1]


class _Summing:
    """Gives comment lines the checksum of their frames."""

    def __init__(self) -> None:
        self._templates = Templates()

    def line(self, comment: str, rows: memoryview) -> bytes:
        """A comment line, and the checksum of the frame with these lines of atoms."""
        stated = f"{comment} crc32=00000000".encode()
        if (match := self._templates.match(stated, 0, len(stated))) is None:
            return f"{comment} {checksum(comment, rows)}".encode()
        template, values = match
        return stated[:-8] + b"%08x" % zlib.crc32(rows, zlib.crc32(template.covered_by(values)))
