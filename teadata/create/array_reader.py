"""Frames of files of arrays with a row per frame."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from teadata.arrays import Array, ArrayFile, text
from teadata.arrays.cells import lattice_vectors, other_form, said_of
from teadata.create import states
from teadata.create.fields import THEORY, UNITS, Keys, choose
from teadata.create.reader import (
    PER_FRAME,
    PIECE,
    TENSORS,
    Piece,
    Reader,
    as_tensor,
    cell_of,
    no_key,
    same,
    shape_of,
    theory_in,
)
from teadata.elements import NUMBERS as ATOMIC_NUMBERS
from teadata.elements import SYMBOLS
from teadata.errors import IncompleteError
from teadata.typing import Ints

SMALL = 1 << 20
"""Arrays of more values than this are not compared with each other."""


class ArrayReader(Reader):
    """The frames of a file of arrays with a row per frame."""

    def __init__(self, file: ArrayFile, keys: Keys, wanted: Sequence[str]) -> None:
        super().__init__(file, keys, wanted)
        self.file = file
        names = [*file.names, *({"numbers", "pbc"} & set(file.attributes) - set(file.names))]
        try:
            self.known = choose(names, keys, per_frame=self._per_frame, same=self._same)
        except IncompleteError as error:
            raise self.fail(error) from None
        self.say_names(names, self.known)
        self.say_units({kind: file.stated(known) for kind, known in UNITS.items()}, "the file")
        self.told.single = self._single()

    def _single(self) -> bool:
        dtype = self.file.dtype(self.known["energies"])
        if dtype.kind != "f":
            raise self.file.error(
                f"{self.known['energies']} is {dtype}, expected floating-point numbers"
            )
        return dtype.itemsize < 8

    def _per_frame(self, name: str) -> bool:
        if name not in self.file.names or self.file.dtype(name).kind not in "iuf":
            return False
        return math.prod(self.file.shape(name)[1:]) == 1

    def _same(self, one: str, other: str) -> bool:
        if {one, other} - set(self.file.names):
            return False
        if math.prod(self.file.shape(one)) > SMALL:
            return False
        return same(self.file.whole(one), self.file.whole(other))

    def pieces(self) -> Iterator[Piece]:
        """The frames, a piece at a time."""
        numbers, pbc, theories = self._numbers(), self._pbc(), self._theories()
        rows = {field: name for field, name in self.known.items() if field in PER_FRAME}
        lattice = self._lattice(rows)
        atoms = numbers.shape[-1]
        self._check_shapes(rows, atoms)
        extra = [self.known["numbers"]] if numbers.ndim == 2 else []
        keys = [key for key in self.wanted if self._check_key(key, rows["energies"])]
        wanted = list(dict.fromkeys([*rows.values(), *extra, *keys]))
        told = self._states(self.file.shape(rows["energies"])[0])
        start, step = 0, max(1, PIECE // (24 * max(1, atoms)))
        for read in self.file.pieces(wanted, step):
            count = len(read[rows["energies"]])
            arrays = {
                field: _shaped(field, np.asarray(read[name]), atoms) for field, name in rows.items()
            }
            if lattice is not None:
                arrays["cell"] = np.broadcast_to(lattice, (count, 3, 3))
            arrays, flags = cell_of(arrays, pbc)
            piece = Piece(
                numbers=numbers if numbers.ndim == 1 else numbers[0],
                pbc=flags,
                arrays=arrays,
                places=np.arange(start, start + count),
                keys={key: [text(value) for value in read[key]] for key in keys},
                theories=theories,
            )
            start += count
            if numbers.ndim == 1:
                parts = iter([piece])
            else:
                parts = self._by_system(piece, self._elements(read[extra[0]], one=False))
            for part in parts:
                yield from _by_state(part, *told)

    def _by_system(self, piece: Piece, numbers: Ints) -> Iterator[Piece]:
        """Frames whose atoms are listed one by one, padded with zeros: those of each system."""
        systems, member = np.unique(numbers, axis=0, return_inverse=True)
        for i, row in enumerate(systems):
            there = np.flatnonzero(row)
            part = piece.rows(np.flatnonzero(member.reshape(-1) == i))
            arrays = {
                name: array[:, there] if name in ("positions", "forces") else array
                for name, array in part.arrays.items()
            }
            yield replace(part, numbers=row[there], arrays=arrays)

    def _numbers(self) -> Ints:
        name = self.known["numbers"]
        if name not in self.file.names:  # parquet, as this package writes it
            listed: Any = self._listed(name)
            return self._elements(np.asarray(listed))
        return self._elements(self.file.whole(name))

    def _theories(self) -> frozenset[str]:
        """Levels of theory that the file states: of itself, or of each frame."""
        said: set[Any] = {self.file.attributes[THEORY]} if THEORY in self.file.attributes else set()
        if THEORY in self.file.names and self.file.dtype(THEORY).kind in "SUO":
            said |= set(self.file.whole(THEORY).reshape(-1).tolist())
        return frozenset(map(theory_in, said or {""}))

    def _states(self, count: int) -> tuple[list[str], Ints]:
        """Charges and multiplicities that the file states, and which of them each frame has."""
        stated = {
            name: np.array([value])
            for name, value in self.file.attributes.items()
            if name in states.NAMES
        }
        for name in states.NAMES:
            if name in self.file.names and self._per_frame(name):
                stated[name] = self.file.whole(name).reshape(-1)
        alike = {
            name: np.broadcast_to(values, count)
            for name, values in stated.items()
            if len(values) in (1, count)
        }
        return states.states_of(alike) if alike else ([""], np.zeros(count, np.int64))

    def _listed(self, name: str) -> Any:
        try:
            return json.loads(self.file.attributes[name])
        except (ValueError, RecursionError):
            raise self.file.error(f"the attribute {name} is no list") from None

    def _elements(self, found: Array, one: bool = True) -> Ints:
        """Atomic numbers (N, A), 0 where padded; (A,) if `one` may stand for equal rows."""
        if found.dtype.kind in "SUO":
            flat = [ATOMIC_NUMBERS.get(text(symbol).strip(), -1) for symbol in found.reshape(-1)]
            found = np.array(flat).reshape(found.shape)
        if found.dtype.kind not in "iuf" or found.ndim not in (1, 2) or not found.size:
            raise self.file.error(
                f"{self.known['numbers']} has shape {found.shape} and type {found.dtype}, expected "
                "atomic numbers or symbols (A,) or (N, A)"
            )
        if one and found.ndim == 2 and (found == found[:1]).all() and found.all():
            found = found[0]
        least = 0 if found.ndim == 2 else 1
        if (found != np.round(found)).any() or found.min() < least or found.max() >= len(SYMBOLS):
            raise self.file.error(f"{self.known['numbers']} holds atoms of no known element")
        return found.astype(np.int64)

    def _lattice(self, rows: dict[str, str]) -> Array | None:
        """The cell vectors (3, 3), as rows, if all frames have the same.

        A cell that is one for all is no longer among the fields with a row per frame.
        """
        if "cell" in rows and self.file.shape(rows["cell"]) in ((3, 3), (9,)):
            return np.asarray(self.file.whole(rows.pop("cell"))).reshape(3, 3)
        if (name := self.known.get("lattice")) is None:
            return None
        found = self.file.whole(name)
        vectors = lattice_vectors(name, found, self.file.error)
        if said := said_of(name, found):
            self.told.notes.append(said)
        return vectors

    def _pbc(self) -> tuple[bool, ...] | None:
        if (name := self.known.get("pbc")) is None:
            return None
        found = self.file.whole(name) if name in self.file.names else self._listed(name)
        flags = np.asarray(found)
        if flags.size == 1:
            flags = np.repeat(flags.reshape(1), 3)
        if flags.dtype.kind not in "biuf" or not flags.size or flags.size % 3:
            raise self.file.error(
                f"{name} has {flags.dtype} of shape {flags.shape}, expected three of true and false"
            )
        flags = flags.reshape(-1, 3)
        if not (flags == flags[0]).all():
            raise self.file.error("its frames differ in pbc; write one file for each")
        return tuple(map(bool, flags[0]))

    def _check_shapes(self, rows: Mapping[str, str], atoms: int) -> None:
        count = self.file.shape(rows["energies"])[0] if self.file.shape(rows["energies"]) else 0
        if count == 0:
            raise self.file.error("holds no frames")
        wrong = []
        for name_of, name in rows.items():
            found, expected = self.file.shape(name), (count, *shape_of(name_of, atoms))
            allowed = [expected, (count, math.prod(expected[1:]))]
            if name_of in TENSORS:
                allowed.append((count, 6))
            if found not in allowed:
                wrong.append(f"{name} has shape {found}, expected {expected}")
                if name_of == "cell" and (said := other_form(name, self.file.whole(name), count)):
                    wrong.append(said)
        if wrong:
            raise self.file.error(
                f"{count} energies of {atoms} atoms do not fit: {'; '.join(wrong)}"
            )

    def _check_key(self, key: str, energies: str) -> bool:
        if key not in self.file.names:
            raise self.fail(no_key(key, list(self.file.names)))
        expected = self.file.shape(energies)[:1]
        fitting = expected, (*expected, 1)
        if self.file.shape(key) not in fitting:
            others = [name for name in self.file.names if self.file.shape(name) in fitting]
            raise self.file.error(
                f"{key} has shape {self.file.shape(key)}, expected one value per frame, "
                f"{expected}; {', '.join(sorted(others))} are of that shape: name one of them"
            )
        return True


def _by_state(piece: Piece, names: Sequence[str], which: Ints) -> Iterator[Piece]:
    """Frames of a piece that have the same charge and multiplicity."""
    here = which[piece.places]
    for state in np.unique(here):
        rows = np.flatnonzero(here == state)
        some = piece if len(rows) == len(here) else piece.rows(rows)
        yield replace(some, state=names[state])


def _shaped(field: str, array: Array, atoms: int) -> Array:
    """Rows of a field in their shape; stress of six values becomes a tensor."""
    if field in TENSORS:
        array = as_tensor(array)
    return array.reshape(len(array), *shape_of(field, atoms))
