"""Frames of extended XYZ, many at once: where they are regular, as one program writes them.

Regular are frames whose comment lines have a :mod:`template`, and whose lines have the values
that ``Properties`` names.  Arrow reads the numbers where they stand in the text, so that no word
becomes an object of Python.  Of what is not regular, nothing is read here.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import Any

import numpy as np
import pyarrow as pa

from teadata.arrays.base import CHECKSUM
from teadata.arrays.extxyz.careful import SPECIAL
from teadata.arrays.extxyz.columns import (
    PLAIN,
    SYMBOLS,
    TYPES,
    Column,
    columns_of,
    converted,
    number_of,
    with_numbers,
)
from teadata.arrays.extxyz.comment_line import value_of
from teadata.arrays.extxyz.parts import Part
from teadata.arrays.extxyz.template import Template, Templates
from teadata.arrays.images import Block
from teadata.typing import Array, Mask

_REALS = re.compile(rb"[-0-9.eE ]*")
_INTEGERS = re.compile(rb"(?:-?(?:0|[1-9][0-9]{0,17}) )*")
_LARGEST = 1 << 30
"""Bytes of atoms that are converted together."""


class IrregularError(Exception):
    """Frames that are to be read one by one."""


@dataclass(frozen=True)
class _Run:
    """Frames in a row that have one template: the first of the part, and the values of each."""

    template: Template
    start: int
    values: list[tuple[bytes, ...]]

    @property
    def stop(self) -> int:
        return self.start + len(self.values)


def blocks(
    part: Part, templates: Templates, *, atoms: bool = True
) -> tuple[list[Block], set[bool | None]]:
    """The images of a part, and whether this package wrote them.

    Parameters
    ----------
    part
        The frames.
    templates
        Those of the file.
    atoms
        Whether to read what the atoms have.

    Raises
    ------
    IrregularError
        If anything is not as in other frames, or may be wrong.
    """
    if not part.ended:
        raise IrregularError
    runs = list(_runs(part, templates))
    made: list[Block] = []
    for columns, group in groupby(runs, lambda run: _properties(run.template)):
        alike = list(group)
        rows, line = _columns(part, alike, columns) if atoms else {}, 0
        for run in alike:
            info = _said(run)
            if info.keys() & rows.keys():
                raise IrregularError
            made += _blocks(part, run, rows, line, info)
            line += sum(place.atoms for place in part.places[run.start : run.stop])
    return made, {run.template.written for run in runs}


def _blocks(
    part: Part, run: _Run, rows: dict[str, Array], line: int, info: dict[str, Array]
) -> Iterator[Block]:
    """The images of a run, those together that have as many atoms.

    Parameters
    ----------
    part, run
        The frames.
    rows
        What the lines of atoms have (L, …), if that is read, those of the run from `line` on.
    line
        See there.
    info
        What the frames say of themselves (F, …).
    """
    start = run.start
    for atoms, places in groupby(part.places[run.start : run.stop], attrgetter("atoms")):
        count = len(list(places))
        end, stop = line + count * atoms, start + count
        arrays = {
            name: values[line:end].reshape(count, atoms, *values.shape[1:])
            for name, values in rows.items()
        }
        first, last = start - run.start, stop - run.start
        arrays |= {name: values[first:last] for name, values in info.items()}
        yield Block(arrays, [part.where(i) for i in range(start, stop)])
        start, line = stop, end


def _runs(part: Part, templates: Templates) -> Iterator[_Run]:
    """Frames in a row that are alike; each has the checksum that it states."""
    data, whole, run = part.data, memoryview(part.data), None
    for i, place in enumerate(part.places):
        if (match := templates.match(data, place.comment, place.rows - 1)) is None:
            raise IrregularError
        template, values = match
        if template.written:
            start = zlib.crc32(template.covered_by(values))
            if zlib.crc32(whole[place.rows : place.end], start) != int(values[-1], 16):
                raise IrregularError
        if run is None or run.template is not template:
            if run is not None:
                yield run
            run = _Run(template, i, [])
        run.values.append(values)
    if run is not None:
        yield run


def _properties(template: Template) -> str:
    """The columns that frames of a template name."""
    named = [value for key, value in template.found.items() if key.lower() == "properties"]
    return str(named[0]) if named else PLAIN


def _said(run: _Run) -> dict[str, Array]:
    """What frames say of themselves (F, …), their cells among it."""
    info: dict[str, Array] = {}
    special: dict[str, Array] = {}
    for key, constant in run.template.found.items():
        group, into = run.template.groups.get(key), info
        name = key.lower()
        if name in SPECIAL:
            key, into = name, special
        if key in into:
            raise IrregularError
        if group is None:
            into[key] = _repeated(constant, len(run.values))
        elif key == CHECKSUM:
            into[key] = np.array([values[group].decode() for values in run.values])
        else:
            into[key] = _stacked([values[group] for values in run.values])
    for name in ("stress", "REF_stress", "cell"):
        if name in info and info[name].shape[1:] == (9,):
            # as ASE reads nine numbers; a cell is vector by vector
            tensors = info[name].reshape(-1, 3, 3)
            info[name] = tensors if name == "cell" else tensors.transpose(0, 2, 1)
    if "lattice" in special and (cell := _cells(special["lattice"])) is not None:
        if "cell" in info:
            raise IrregularError
        info["cell"] = cell
    if "cell" in info:
        info["pbc"] = _periodic(special.get("pbc"), len(run.values))
    return info


def _repeated(value: Any, count: int) -> Array:
    return np.asarray(value)[None].repeat(count, axis=0)


def _stacked(texts: list[bytes]) -> Array:
    """The values of a key (F, …) of its texts, which are all in quotes or none is."""
    if texts.count(texts[0]) == len(texts):
        return _repeated(_value(texts[0]), len(texts))
    inner = [text[1:-1] for text in texts] if texts[0].startswith(b'"') else texts
    joined = b" ".join(inner) + b" "
    words = joined.split()
    width = len(words) // len(texts)
    # one blank between words, and as many words in each text
    single = joined.count(b" ") == len(words)
    if single and {text.count(b" ") for text in inner} == {width - 1}:
        shape = (len(texts), width) if width > 1 else (len(texts),)
        if _INTEGERS.fullmatch(joined):
            return np.array(list(map(int, words))).reshape(shape)
        if _REALS.fullmatch(joined) and all(b"." in text for text in texts):
            try:
                return np.array(list(map(float, words))).reshape(shape)
            except ValueError:
                raise IrregularError from None
    values = [np.asarray(_value(text)) for text in texts]
    kinds = {value.dtype.kind for value in values}
    if len({value.shape for value in values}) > 1 or (len(kinds) > 1 and kinds != {"i", "f"}):
        raise IrregularError
    return np.stack(values)


def _value(text: bytes) -> Any:
    if text == b"None":  # stands for a key that is not there
        raise IrregularError
    return value_of(text.decode())


def _cells(lattice: Array) -> Array | None:
    """Cells (F, 3, 3) of what frames say under Lattice; None if they are empty."""
    if lattice.dtype.kind not in "if":
        raise IrregularError
    if lattice.shape[1:] == (3,):
        cells = lattice[:, :, None] * np.eye(3)
    elif lattice.shape[1:] == (9,):
        cells = lattice.reshape(-1, 3, 3).astype(np.float64)
    elif lattice.shape[1:] == (3, 3):
        cells = lattice.transpose(0, 2, 1).astype(np.float64)
    else:
        raise IrregularError
    there = cells.any(axis=(1, 2))
    if there.any() and not there.all():
        raise IrregularError
    return cells if there.any() else None


def _periodic(said: Array | None, count: int) -> Array:
    """Which directions are periodic (F, 3), of what frames say under pbc."""
    if said is None:
        return np.ones((count, 3), np.bool_)
    if said.dtype.kind not in "bi" or said.shape[1:] not in ((), (1,), (3,)):
        raise IrregularError
    return np.broadcast_to(said.reshape(count, -1).astype(bool), (count, 3))


def _columns(part: Part, runs: Sequence[_Run], text: str) -> dict[str, Array]:
    """What the lines of atoms have (L, …), of runs with the same columns."""
    places = part.places[runs[0].start : runs[-1].stop]
    whole = memoryview(part.data)
    body = b"".join([whole[place.rows : place.end] for place in places])
    try:
        columns = columns_of(text)
        words = _Words(body, sum(place.atoms for place in places), columns)
        read = {column.name: words.column(column) for column in columns}
        if len(read) < len(columns):
            raise IrregularError
        return with_numbers(read)
    except ValueError:
        raise IrregularError from None


class _Words:
    """The words of lines of atoms, each of which has those that its columns name."""

    def __init__(self, body: bytes, lines: int, columns: tuple[Column, ...]) -> None:
        self.body, self.lines = body, lines
        self.total = columns[-1].start + columns[-1].width
        # Arrow would take nan(1) for a number
        if len(body) > _LARGEST or not body.isascii() or b"(" in body:
            raise IrregularError
        self.data = np.frombuffer(body, np.uint8)
        blank = self.data <= ord(" ")
        low = np.count_nonzero(self.data < ord(" "))
        if low != lines and low != lines + np.count_nonzero(self.data == ord("\t")):
            raise IrregularError  # other control characters
        edges = np.flatnonzero(blank[1:] != blank[:-1])
        start = int(not blank[0])
        if len(edges) + start != 2 * lines * self.total:
            raise IrregularError
        # where each word starts and ends, and where the body does
        self.edges = np.empty(2 * lines * self.total + 1, np.int32)
        self.edges[0], self.edges[-1] = 0, len(body)
        np.add(edges, 1, out=self.edges[start:-1], casting="unsafe")
        self._check_lines()
        self._columns = columns
        self._known: dict[str, Array] = {}

    def _check_lines(self) -> None:
        """Compare the ends of lines with the ends of every so many words."""
        last = self.edges[2 * self.total - 1 :: 2 * self.total]
        if (self.data[last] == ord("\n")).all():  # as many as there are
            return
        ends = np.flatnonzero(self.data == ord("\n"))
        following = self.edges[2 * self.total :: 2 * self.total]
        if (ends < last).any() or (ends >= following).any():
            raise IrregularError

    def column(self, column: Column) -> Array:
        """The values of a column: one for each line, or a row of them."""
        values: Array | None
        if column.kind in TYPES:
            stop = column.start + column.width
            every = self._converted(column.kind)
            values = np.ascontiguousarray(every[:, 2 * column.start : 2 * stop : 2])
        elif column.kind == "S" and column.width == 1 and column.name in SYMBOLS:
            values = self._numbers(column)
        else:
            values = converted(self._taken(column), column)
        if values is None:
            raise IrregularError
        return values.reshape(self.lines, column.width) if column.width > 1 else values.ravel()

    def _converted(self, kind: str) -> Array:
        """The lines' numbers of a kind, R or I, with what is not one between them, (L, 2 W)."""
        if kind in self._known:
            return self._known[kind]
        valid = np.zeros(2 * self.total, np.bool_)
        for column in self._columns:
            if column.kind == kind:
                valid[2 * column.start : 2 * (column.start + column.width) : 2] = True
        if kind == "I":
            self._check_integers(valid)
        words = self._array(np.packbits(np.tile(valid, self.lines), bitorder="little"))
        try:
            cast = words.cast(TYPES[kind])
        except pa.ArrowInvalid:  # Fortran's exponents, or no numbers
            raise IrregularError from None
        values = np.frombuffer(
            cast.buffers()[1], np.float64 if kind == "R" else np.int64, len(words)
        )
        self._known[kind] = values.reshape(self.lines, 2 * self.total)
        return self._known[kind]

    def _check_integers(self, valid: Mask) -> None:
        """Refuse integers like 0x10, which Arrow would read."""
        edges = self.edges[:-1].reshape(self.lines, 2 * self.total)
        places = np.flatnonzero(valid)
        starts, ends = edges[:, places], edges[:, places + 1]
        for i in (1, 2):
            inside = np.minimum(starts + i, ends - 1)
            if (self.data[inside] | 0x20 == ord("x")).any():
                raise IrregularError

    def _array(self, valid: Array | None = None) -> pa.Array:
        """The words, and between them the blanks, those that are not valid left out."""
        buffers = [valid, self.edges, self.body]
        return pa.Array.from_buffers(
            pa.string(),
            len(self.edges) - 1,
            [None if buffer is None else pa.py_buffer(buffer) for buffer in buffers],
        )

    def _taken(self, column: Column) -> pa.Array:
        """The words of a column, one after another."""
        first = np.arange(self.lines)[:, None] * (2 * self.total) + 2 * column.start
        return self._array().take(pa.array((first + 2 * np.arange(column.width)).ravel()))

    def _numbers(self, column: Column) -> Array | None:
        """The atomic numbers of a column of symbols."""
        starts = self.edges[2 * column.start : -1 : 2 * self.total]
        lengths = self.edges[2 * column.start + 1 :: 2 * self.total] - starts
        if lengths.max() > 2:
            return converted(self._taken(column), column)
        codes = self.data[starts].astype(np.int32)
        codes += np.where(lengths == 2, self.data[starts + 1].astype(np.int32) << 8, 0)
        numbers = _KNOWN[codes]
        if numbers.min() < 0:
            for code in np.unique(codes[numbers < 0]).tolist():
                _KNOWN[code] = number_of(code.to_bytes(2, "little").rstrip(b"\0").decode())
            numbers = _KNOWN[codes]
        return numbers


_KNOWN = np.full(1 << 15, -1)
"""Atomic number of each symbol, by its two characters, where it has been met."""
