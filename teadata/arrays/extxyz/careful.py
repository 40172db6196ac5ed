"""Frames of extended XYZ, one by one: every number is read exactly, or the wrong line is named.

Frames of the same columns are taken together, and their numbers are converted by Arrow, many
thousands at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from teadata.arrays.base import CHECKSUM
from teadata.arrays.extxyz.columns import (
    LOGICAL,
    PLAIN,
    Column,
    columns_of,
    converted,
    same,
    with_numbers,
)
from teadata.arrays.extxyz.comment_line import checksum, parse, real, shown, stated_checksum
from teadata.arrays.extxyz.parts import Part
from teadata.arrays.images import NUMBERS, Image
from teadata.errors import DataError
from teadata.typing import Array

BATCH = 4096
"""Lines of atoms that are converted together."""

SPECIAL = frozenset(("properties", "lattice", "pbc"))
"""Keys that say what a frame is, in whatever case."""


@dataclass(frozen=True)
class _Frame:
    """A frame's text.

    How errors name it, its number, the line its atoms begin on, what its comment line says under
    keys of its own and under :data:`SPECIAL` ones, and the lines of its atoms.
    """

    where: str
    index: int
    line: int
    info: Mapping[str, Any]
    special: Mapping[str, Any]
    rows: list[str]


class CarefulReader:
    """Reads frames one by one.

    Parameters
    ----------
    error
        Makes an error that names the file.

    Attributes
    ----------
    written : set of bool or None
        Whether each frame is as this package wrote it; None for frames that it did not write.
    """

    def __init__(self, error: Callable[[str], DataError]) -> None:
        self.error = error
        self.written: set[bool | None] = set()

    def images(self, part: Part) -> Iterator[Image]:
        """Yield the images of a part.

        Raises
        ------
        DataError
            If a line is not what the frame's columns are: the message names image, line and
            column.
        """
        for frames in self._batches(part):
            yield from self._read(frames)

    def headers(self, part: Part) -> Iterator[Image]:
        """Yield the images of a part without what their atoms have."""
        for frame in self._frames(part):
            yield Image(self._said(frame)[0], frame.where)

    def _frames(self, part: Part) -> Iterator[_Frame]:
        """The frames' text."""
        for i, place in enumerate(part.places):
            comment = _decoded(part.data[place.comment : place.rows - 1])
            text = part.data[place.rows : place.end]
            rows = _decoded(text).split("\n")[:-1]
            self._verify(comment, text, f"image {part.first + i} (line {place.line})")
            if not part.ended and _cut_inside(rows):
                raise self.error(
                    f"image {part.first + i} (line {place.line}): the file ends inside its last "
                    f"number, {shown(rows[-1].split()[-1])}; it was cut off: write or copy it again"
                )
            info, special = self._info(comment, part.where(i))
            yield _Frame(part.where(i), part.first + i, place.line + 2, info, special, rows)

    def _verify(self, comment: str, rows: bytes, where: str) -> None:
        """Compare the checksum that a frame has if this package wrote it."""
        if (stated := stated_checksum(comment)) is None:
            self.written.add(False if f"{CHECKSUM}=" in comment else None)
            return
        self.written.add(True)
        if checksum(stated[0], rows) != stated[1]:
            raise self.error(
                f"{where}: the frame is not as it was written, its checksum is wrong; copy the "
                "file again, or remove crc32=… from the line if you changed the frame yourself"
            )

    def _info(self, comment: str, where: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """What a comment line says, under keys of its own and under special ones."""
        try:
            info = parse(comment if comment.isascii() else mended(comment))
        except ValueError as error:
            raise self.error(f"{where}: {error}") from None
        special: dict[str, Any] = {}
        for key in [key for key in info if key[:1] in "pPlL" and key.lower() in SPECIAL]:
            value = info.pop(key)
            if not np.array_equal(special.setdefault(key.lower(), value), value):
                raise self.error(f"{where}: {key} is said twice, differently; keep one")
        return info, special

    def _batches(self, part: Part) -> Iterator[list[_Frame]]:
        """Frames in a row that have the same columns and as many atoms, some at a time."""
        batch: list[_Frame] = []
        alike: tuple[Any, ...] = ()
        for frame in self._frames(part):
            key = (frame.special.get("properties"), len(frame.rows))
            full = len(batch) * len(frame.rows) >= BATCH
            if batch and (key != alike or full):
                yield batch
                batch = []
            alike = key
            batch.append(frame)
        if batch:
            yield batch

    def _said(self, frame: _Frame) -> tuple[dict[str, Array], str]:
        """What a frame says of itself, its cell among it, and its columns."""
        columns = frame.special.get("properties")
        found = {name: np.asarray(value) for name, value in frame.info.items()}
        for name in ("stress", "REF_stress", "cell"):
            if name in found and found[name].shape == (9,):
                # as ASE reads nine numbers; a cell is vector by vector
                found[name] = found[name].reshape(3, 3, order="C" if name == "cell" else "F")
        cell = self._cell(frame)
        if cell is not None and cell.any():
            if not np.array_equal(found.get("cell", cell), cell):
                raise self.error(f"{frame.where}: Lattice and cell contradict each other; keep one")
            found["cell"] = cell
        if "cell" in found:
            found["pbc"] = self._pbc(frame)
        return found, PLAIN if columns is None else str(columns)

    def _cell(self, frame: _Frame) -> Array | None:
        lattice = frame.special.get("lattice")
        if lattice is None:
            return None
        value = np.asarray(lattice)
        if isinstance(lattice, str) or value.dtype.kind not in "if" or value.size not in (3, 9):
            count = len(lattice.split()) if isinstance(lattice, str) else value.size
            raise self.error(
                f"{frame.where}: expected a Lattice of the 9 numbers of three vectors, found "
                f"{count} values: {shown(str(lattice))}"
            )
        if value.size == 3:
            return np.diag(value).astype(np.float64)
        # A nested matrix has the vectors as its columns, a flat list one after another.
        matrix = value.reshape(3, 3).astype(np.float64)
        return matrix.T if value.ndim == 2 else matrix

    def _pbc(self, frame: _Frame) -> Array:
        said = frame.special.get("pbc")
        value = np.asarray(True if said is None else said)
        if value.dtype.kind not in "bi" or value.size not in (1, 3):
            raise self.error(
                f'{frame.where}: expected pbc="T T T", three of T and F, found {shown(str(said))}'
            )
        return np.broadcast_to(value.reshape(-1).astype(bool), 3)

    def _read(self, frames: list[_Frame]) -> Iterator[Image]:
        """Images of frames that have the same columns."""
        said = [self._said(frame) for frame in frames]
        try:
            columns = columns_of(said[0][1])
        except ValueError:
            raise self.error(
                f"{frames[0].where}: expected Properties as name:type:count, with the types S, R, "
                f"I and L, found {shown(said[0][1], 80)}"
            ) from None
        blocks = self._blocks(frames, columns)
        for i, (frame, (info, _)) in enumerate(zip(frames, said, strict=True)):
            arrays = {name: block[i] for name, block in blocks.items()} | info
            arrays[NUMBERS] = blocks[NUMBERS][i]
            for name in info.keys() & blocks.keys() - {NUMBERS}:
                if blocks[name].ndim > 2 or info[name].ndim:
                    raise self.error(
                        f"{frame.where}: {name} is both a key and a column; keep one of them"
                    )
            yield Image(arrays, frame.where)

    def _blocks(self, frames: list[_Frame], columns: tuple[Column, ...]) -> dict[str, Array]:
        """The columns of frames (F, A, …), under their names."""
        total = columns[-1].start + columns[-1].width
        rows = [row.strip() for frame in frames for row in frame.rows]
        tokens = pc.ascii_split_whitespace(_arrow(rows))
        counts = pc.list_value_length(tokens).to_numpy()
        if (counts != total).any():
            i = int(np.flatnonzero(counts != total)[0])
            expected, more = f"the {total} values that Properties names", ""
            if "properties" not in frames[0].special:
                expected = f"{total} values, an element and its position"
                more = (
                    ". The comment line has no Properties that name more, as "
                    "Properties=species:S:1:pos:R:3:forces:R:3 does"
                )
            raise self.error(
                f"{self._line(frames, i)}: expected {expected}, found "
                f"{counts[i] if rows[i] else 0}: {shown(rows[i], 80)}{more}"
            )
        blocks: dict[str, Array] = {}
        for column in columns:
            values = self._column(tokens.values, column, total, frames)
            shape = (len(frames), len(frames[0].rows))
            values = values.reshape(*shape, *([column.width] if column.width > 1 else []))
            if not same(blocks.setdefault(column.name, values), values):
                raise self.error(
                    f"{frames[0].where}: Properties names the column {column.name} twice, with "
                    "different values; keep one"
                )
        try:
            return with_numbers(blocks)
        except ValueError as error:
            raise self.error(f"{frames[0].where}: {error}") from None

    def _line(self, frames: list[_Frame], row: int) -> str:
        """How errors name a line of atoms."""
        frame, atom = divmod(row, len(frames[0].rows))
        return f"image {frames[frame].index} (line {frames[frame].line + atom})"

    def _column(self, tokens: pa.Array, column: Column, total: int, frames: list[_Frame]) -> Array:
        first = np.arange(column.start, len(tokens), total)
        where = (first[:, None] + np.arange(column.width)).ravel()
        taken = tokens.take(pa.array(where))
        values = converted(taken, column)
        return self._converted(taken.to_pylist(), column, frames) if values is None else values

    def _converted(self, words: list[str], column: Column, frames: list[_Frame]) -> Array:
        """Words as numbers or logicals, one by one: slower, but it finds the one that is none."""
        found: list[Any] = []
        for i, word in enumerate(words):
            value = LOGICAL.get(word) if column.kind == "L" else real(word)
            if value is None or (column.kind == "I" and not word.lstrip("+-").isdigit()):
                row, part = divmod(i, column.width)
                what = {"L": "T or F", "I": "an integer of 64 bits", "R": "a number"}[column.kind]
                raise self.error(
                    f"{self._line(frames, row)}, column {column.start + part + 1} ({column.name}): "
                    f"expected {what}, found {shown(word)}"
                )
            found.append(int(word) if column.kind == "I" else value)
        if column.kind != "I":
            return np.array(found)
        if any(abs(value) >= 1 << 63 for value in found):
            raise self.error(f"{frames[0].where}: {column.name} has integers beyond 64 bits")
        return np.array(found, np.int64)


def _cut_inside(rows: list[str]) -> bool:
    """Whether a frame's last number has fewer decimals than those of the other lines.

    A file may lack the last line's end, but one that was cut inside a number does too.
    """
    decimals = [len(row.split()[-1].partition(".")[2]) for row in rows if row.strip()]
    return len(decimals) > 1 and decimals[-1] < min(decimals[:-1])


def _arrow(rows: list[str]) -> pa.Array:
    try:
        return pa.array(rows, pa.large_string())
    except UnicodeEncodeError:
        return pa.array(map(mended, rows), pa.large_string())


def _decoded(text: bytes) -> str:
    """A text; a byte that is no UTF-8 becomes a lone surrogate, see :func:`mended`."""
    return text.decode("utf-8", "surrogateescape")


def mended(text: str) -> str:
    """A text whose bytes were no UTF-8, read as Latin-1; others as they are."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogateescape").decode("latin-1")
    return text
