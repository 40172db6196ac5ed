"""Extended XYZ: every frame's lines are counted, every number is read exactly or refused.

Frames of the same columns are taken together, and their numbers are converted by Arrow, many
thousands at a time.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from teadata.arrays.base import CHECKSUM
from teadata.arrays.comment_line import checksum, parse, real, shown, stated_checksum
from teadata.arrays.images import NUMBERS, Image, ImageFile
from teadata.arrays.text_lines import mended, open_lines
from teadata.elements import NUMBERS as ATOMIC_NUMBERS
from teadata.typing import Array

MOST_ATOMS = 10_000_000
"""Atoms that a frame may claim to have."""

BATCH = 4096
"""Lines of atoms that are converted together."""

SYMBOLS = ("species", "symbols", "symbol", "element", "elements")
"""Names of the column of chemical symbols."""

ATOMIC = ("Z", "z", "numbers", "atomic_numbers")
"""Names of a column of atomic numbers."""

SPECIAL = frozenset(("properties", "lattice", "pbc"))
"""Keys that say what a frame is, in whatever case."""

PLAIN = "species:S:1:pos:R:3"
"""The columns of a frame that names none."""


class _Column(NamedTuple):
    name: str
    kind: str
    width: int
    start: int


@dataclass(frozen=True)
class _Frame:
    """A frame's text.

    Its number, the line its atoms begin on, what its comment line says under keys of its own and
    under :data:`SPECIAL` ones, and the lines of its atoms.
    """

    index: int
    line: int
    info: Mapping[str, Any]
    special: Mapping[str, Any]
    rows: list[str]

    @property
    def where(self) -> str:
        """How errors name it."""
        return f"image {self.index} (line {self.line - 1})"


@lru_cache(16)
def _columns(text: str) -> tuple[_Column, ...]:
    """The columns that ``Properties`` names; a ValueError if it is not name:type:count, …"""
    parts, columns, start = text.split(":"), [], 0
    if len(parts) % 3:
        raise ValueError
    for name, kind, width in zip(parts[::3], parts[1::3], parts[2::3], strict=True):
        if not name or kind not in ("S", "R", "I", "L") or not width.isdigit() or len(width) > 12:
            raise ValueError
        if int(width) == 0:
            raise ValueError
        columns.append(_Column(name, kind, int(width), start))
        start += int(width)
    return tuple(columns)


class ExtxyzFile(ImageFile):
    """Extended XYZ, plain or compressed by gzip.

    Raises
    ------
    DataError
        If a frame does not have the lines it says, or a line is not what the frame's columns
        are: the message names image, line and column.
    """

    def _open(self) -> None:
        # whether each frame is as this package wrote it; None for frames that it did not write
        self._written: set[bool | None] = set()
        self._passed = False
        super()._open()

    def labels_kept(self, energy: str, forces: str) -> bool | None:
        """Tell whether energies and forces are still those that the file's units were stated for.

        A program that writes a frame anew puts other words behind its checksum.
        """
        if not self._passed and self._written == {True}:
            self._collect()  # look at the other frames, too
        if self._written == {None}:
            return None
        ours = {(f"{prefix}energy", f"{prefix}forces") for prefix in ("", "REF_")}
        return self._written == {True} and (energy, forces) in ours

    def _images(self) -> Iterator[Image]:
        with self._reading("extended XYZ file"):
            for frames in self._batches():
                yield from self._read(frames)

    def _headers(self) -> Iterator[Image]:
        """The images without what their atoms have."""
        with self._reading("extended XYZ file"):
            for frame in self._frames():
                yield Image(self._said(frame)[0], frame.where)

    def _frames(self) -> Iterator[_Frame]:
        """Frames as text; each has as many lines of atoms as it says."""
        with open_lines(self.path, self.label) as lines:
            number = index = 0
            for line in lines:
                number += 1
                if not line.strip():
                    continue
                atoms = self._atoms(line, number, index)
                comment = next(lines, None)
                rows = list(itertools.islice(lines, atoms))
                if comment is None or len(rows) < atoms:
                    there = "its first line" if comment is None else f"{len(rows)} of them"
                    raise self.error(
                        f"image {index} (line {number}) says {atoms} atoms, and the file ends "
                        f"after {there}; it was cut off: write or copy it again, or remove that "
                        "image"
                    )
                self._verify(comment, rows, f"image {index} (line {number})")
                if _cut_inside(rows):
                    raise self.error(
                        f"image {index} (line {number}): the file ends inside its last number, "
                        f"{shown(rows[-1].split()[-1])}; it was cut off: write or copy it again"
                    )
                info, special = self._info(comment, f"image {index} (line {number + 1})")
                yield _Frame(index, number + 2, info, special, rows)
                number, index = number + 1 + atoms, index + 1
            self._passed = True

    def _verify(self, comment: str, rows: list[str], where: str) -> None:
        """Compare the checksum that a frame has if this package wrote it."""
        if (stated := stated_checksum(comment)) is None:
            self._written.add(False if f"{CHECKSUM}=" in comment else None)
            return
        self._written.add(True)
        text = "".join(rows)
        if checksum(stated[0], text if text.endswith("\n") else text + "\n") != stated[1]:
            raise self.error(
                f"{where}: the frame is not as it was written, its checksum is wrong; copy the "
                "file again, or remove crc32=… from the line if you changed the frame yourself"
            )

    def _atoms(self, line: str, number: int, index: int) -> int:
        text = line.strip()
        if not (text.isascii() and text.isdigit()):
            raise self.error(
                f"line {number}: expected the number of atoms of image {index}, found {shown(text)}"
            )
        atoms = int(text) if len(text) < 19 else MOST_ATOMS + 1
        if not 0 < atoms <= MOST_ATOMS:
            raise self.error(
                f"line {number}: image {index} says {shown(text)} atoms, expected 1 to {MOST_ATOMS}"
            )
        return atoms

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

    def _batches(self) -> Iterator[list[_Frame]]:
        """Frames in a row that have the same columns and as many atoms, some at a time.

        The first comes alone: to open a file takes no more.
        """
        batch: list[_Frame] = []
        alike: tuple[Any, ...] = ()
        for frame in self._frames():
            key = (frame.special.get("properties"), len(frame.rows))
            full = len(batch) * len(frame.rows) >= BATCH or frame.index == 1
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
            columns = _columns(said[0][1])
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

    def _blocks(self, frames: list[_Frame], columns: tuple[_Column, ...]) -> dict[str, Array]:
        """The columns of frames (F, A, …), under their names."""
        total = columns[-1].start + columns[-1].width
        rows = [row.strip() for frame in frames for row in frame.rows]
        tokens = pc.ascii_split_whitespace(_arrow(rows))
        counts = pc.list_value_length(tokens).to_numpy()
        if (counts != total).any():
            i = int(np.flatnonzero(counts != total)[0])
            raise self.error(
                f"{self._line(frames, i)}: expected the {total} values that Properties names, "
                f"found {counts[i] if rows[i] else 0}: {shown(rows[i], 80)}"
            )
        blocks: dict[str, Array] = {}
        for column in columns:
            values = self._column(tokens.values, column, total, frames)
            shape = (len(frames), len(frames[0].rows))
            values = values.reshape(*shape, *([column.width] if column.width > 1 else []))
            if not _same(blocks.setdefault(column.name, values), values):
                raise self.error(
                    f"{frames[0].where}: Properties names the column {column.name} twice, with "
                    "different values; keep one"
                )
        return self._with_numbers(blocks, frames)

    def _line(self, frames: list[_Frame], row: int) -> str:
        """How errors name a line of atoms."""
        frame, atom = divmod(row, len(frames[0].rows))
        return f"image {frames[frame].index} (line {frames[frame].line + atom})"

    def _column(self, tokens: pa.Array, column: _Column, total: int, frames: list[_Frame]) -> Array:
        first = np.arange(column.start, len(tokens), total)
        where = (first[:, None] + np.arange(column.width)).ravel()
        taken = tokens.take(pa.array(where))
        if column.kind == "S":
            unique: list[Any]
            words = taken.dictionary_encode()
            unique = words.dictionary.to_pylist()
            if column.name in SYMBOLS:
                unique = [_number_of(symbol) for symbol in unique]
            kind = np.int64 if column.name in SYMBOLS else object
            return np.asarray(np.array(unique, kind)[words.indices.to_numpy()])
        if column.kind != "L":
            wanted = pa.float64() if column.kind == "R" else pa.int64()
            try:
                return np.asarray(taken.cast(wanted).to_numpy(zero_copy_only=False))
            except pa.ArrowInvalid:  # Fortran's exponents, or no numbers
                pass
        return self._converted(taken.to_pylist(), column, frames)

    def _converted(self, words: list[str], column: _Column, frames: list[_Frame]) -> Array:
        """Words as numbers or logicals, one by one: slower, but it finds the one that is none."""
        known = {"T": True, "F": False, "True": True, "False": False, "1": True, "0": False}
        found: list[Any] = []
        for i, word in enumerate(words):
            value = known.get(word) if column.kind == "L" else real(word)
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

    def _with_numbers(self, blocks: dict[str, Array], frames: list[_Frame]) -> dict[str, Array]:
        """The columns, those of symbols or atomic numbers replaced by the atoms' numbers."""
        symbols = next((name for name in SYMBOLS if name in blocks), None)
        atomic = next((name for name in ATOMIC if name in blocks), None)
        if symbols is None and atomic is None:
            raise self.error(
                f"{frames[0].where}: expected a column of chemical symbols (species:S:1), found "
                f"{', '.join(blocks)}"
            )
        found = [blocks.pop(name) for name in (symbols, atomic) if name is not None]
        if not np.array_equal(found[0], found[-1]):
            raise self.error(
                f"{frames[0].where}: the columns {symbols} and {atomic} contradict each other"
            )
        return blocks | {NUMBERS: found[0].astype(np.int64)}


def _same(one: Array, other: Array) -> bool:
    """Whether two arrays are the same, NaN in the same places."""
    nan = one.dtype.kind == "f" and other.dtype.kind == "f"
    return one is other or np.array_equal(one, other, equal_nan=nan)


def _cut_inside(rows: list[str]) -> bool:
    """Whether a frame's last line has no end, and its last number fewer decimals than the others.

    A file may lack the last line's end, but one that was cut inside a number does too.
    """
    if rows[-1].endswith("\n"):
        return False
    decimals = [len(row.split()[-1].partition(".")[2]) for row in rows if row.strip()]
    return len(decimals) > 1 and decimals[-1] < min(decimals[:-1])


def _arrow(rows: list[str]) -> pa.Array:
    try:
        return pa.array(rows, pa.large_string())
    except UnicodeEncodeError:
        return pa.array(map(mended, rows), pa.large_string())


def _number_of(symbol: str) -> int:
    """The atomic number of a symbol, or of itself; 0 if it is neither."""
    if symbol.isascii() and symbol.isdigit():
        return int(symbol) if len(symbol) < 4 else 0
    return ATOMIC_NUMBERS.get(symbol, ATOMIC_NUMBERS.get(symbol.capitalize(), 0))
