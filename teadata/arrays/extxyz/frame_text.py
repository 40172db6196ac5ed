"""The text of frames of extended XYZ, many at once, with the fewest digits that give each number.

Arrow writes the numbers: what it writes is read back as the same float64, to the last bit.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice, pairwise
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from teadata.arrays.extxyz.comment_line import checksum
from teadata.arrays.extxyz.template import Templates
from teadata.arrays.extxyz.text_file import Writes
from teadata.typing import Array

LINES = 1 << 13
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
    some, start = max(1, LINES // len(symbols)), 0
    head = f"{len(symbols)}\n".encode()
    summing, left = _Summing(), iter(comments)
    while batch := list(islice(left, some)):
        stop = start + len(batch)
        text: list[bytes | memoryview] = []
        texts = _rows(symbols, [column[start:stop] for column in columns])
        for comment, rows in zip(batch, texts, strict=True):
            text += [head, summing.line(comment, rows) if summed else comment.encode(), b"\n", rows]
        stream.write(b"".join(text))
        start = stop


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
