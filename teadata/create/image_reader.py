"""Frames of files of images, each of which may be of another system."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from teadata.arrays import Array, text
from teadata.arrays.images import NUMBERS, Block, ImageFile
from teadata.create import states
from teadata.create.fields import LABELS, THEORY, UNITS, Keys, choose
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
from teadata.elements import formula
from teadata.errors import IncompleteError
from teadata.typing import Ints

WAITING = 32 << 20
"""Bytes of images of several systems that wait until there are enough of one."""


class ImageReader(Reader):
    """The frames of a file of images, each of which may be of another system.

    Images of other systems than ``only``, a formula, need no labels.
    """

    def __init__(
        self, file: ImageFile, keys: Keys, wanted: Sequence[str], only: str | None = None
    ) -> None:
        super().__init__(file, keys, wanted)
        self.file, self.only = file, only
        self.chosen: dict[tuple[str, ...], dict[str, str]] = {}
        self.waiting: dict[tuple[Any, ...], list[tuple[Ints, dict[str, Array], list[list[str]]]]]
        self.waiting = {}
        self.bytes: dict[tuple[Any, ...], int] = {}

    def pieces(self) -> Iterator[Piece]:
        """The frames, a piece at a time; those of one system that were read so far together."""
        start = 0
        for block in self.file.every_block():
            if passed := self._passed_over(block, start):
                yield from passed
                start += len(block)
                continue
            known = self._names(next(block.images()).arrays, block.where[0])
            for run in _runs(block, [known["numbers"], "pbc", THEORY, *sum(UNITS.values(), ())]):
                for rows in _of_one_state(block, run):
                    part = {name: array[rows] for name, array in block.arrays.items()}
                    key, found, keys = self._entry(part, known, block.where[int(rows[0])])
                    yield from self._wait(key, start + rows, found, keys)
            start += len(block)
        for key in list(self.waiting):
            yield self._flush(key)

    def _passed_over(self, block: Block, start: int) -> list[Piece]:
        """Images that are of no system which is taken: their atoms and places, and no arrays."""
        if self.only is None:
            return []
        pieces = []
        for rows in _runs(block, [NUMBERS]):
            numbers = np.asarray(block.arrays[NUMBERS][rows.start])
            if (numbers == 0).any() or formula(numbers) == self.only:
                return []
            places = np.arange(start + rows.start, start + rows.stop)
            pieces.append(Piece(numbers.astype(np.int64), (False,) * 3, {}, places, {}))
        return pieces

    def _wait(
        self, key: tuple[Any, ...], places: Ints, found: dict[str, Array], keys: list[list[str]]
    ) -> Iterator[Piece]:
        """Let images wait, and give what is enough; a piece does not depend on blocks."""
        size, start = 48 * len(key[0]) // 8, 0  # bytes of positions and forces
        while start < len(places):
            room = min(PIECE - self.bytes.get(key, 0), WAITING - sum(self.bytes.values()))
            rows = slice(start, start + max(1, -(-room // size)))
            entry = (
                places[rows],
                {name: array[rows] for name, array in found.items()},
                [values[rows] for values in keys],
            )
            self.waiting.setdefault(key, []).append(entry)
            self.bytes[key] = self.bytes.get(key, 0) + size * len(entry[0])
            if self.bytes[key] >= PIECE:
                yield self._flush(key)
            elif sum(self.bytes.values()) >= WAITING:
                yield self._flush(max(self.bytes, key=self.bytes.__getitem__))
            start = rows.stop

    def _entry(
        self, arrays: dict[str, Array], known: Mapping[str, str], where: str
    ) -> tuple[tuple[Any, ...], dict[str, Array], list[list[str]]]:
        """What images are put together with, their fields, and the values of their keys.

        Parameters
        ----------
        arrays
            Those of images of the same atoms, directions, units, level of theory, charge and
            multiplicity, with a row for each.
        known, where
            The names of their fields, and how errors name the first of them.
        """
        first = {name: array[0] for name, array in arrays.items()}
        self.say_units(
            {kind: self._stated(first, names, where) for kind, names in UNITS.items()}, where
        )
        numbers = np.asarray(first[known["numbers"]])
        if (numbers == 0).any():
            raise self.file.error(f"{where} has atoms of no known element")
        found = {name: np.asarray(arrays[key]) for name, key in known.items() if name in PER_FRAME}
        self._check(found, len(numbers), where)
        said = first.get("pbc")
        found, pbc = cell_of(found, None if said is None else tuple(map(bool, said)))
        keys = [self._key(key, arrays, where) for key in self.wanted]
        theory = theory_in(first.get(THEORY, self.file.attributes.get(THEORY, "")))
        state = states.state_of(first)
        return (numbers.tobytes(), pbc, tuple(sorted(found)), theory, state), found, keys

    def _names(self, arrays: Mapping[str, Array], where: str) -> dict[str, str]:
        """The names of an image's fields; they are looked for once per set of names."""
        signature = tuple(arrays)
        if signature not in self.chosen:
            try:
                known = choose(
                    list(arrays),
                    self.keys,
                    per_frame=lambda name: arrays[name].size == 1 and arrays[name].ndim < 2,
                    same=lambda one, other: same(arrays[one], arrays[other]),
                )
            except IncompleteError as error:
                error = self.fail(error, f"{where} ")
                if self.chosen and not error.options:
                    names = self.told.names
                    error = IncompleteError(
                        f"{error}. Images before it have energies as {names['energies']} and "
                        f"forces as {names['forces']}: leave frames without them out of the file"
                    )
                if arrays[NUMBERS].size == 1:
                    error = IncompleteError(
                        f"{error}. It is a single atom: --system FORMULA takes the frames of one "
                        "system, and those of others need no labels",
                        error.options,
                    )
                raise error from None
            self.chosen[signature] = known
            self.say_names(_distinct(arrays, known), known)
        return self.chosen[signature]

    def _stated(self, arrays: Mapping[str, Array], names: Sequence[str], where: str) -> str | None:
        for name in names:
            if name in self.file.attributes:
                return self.file.attributes[name]
            if name in arrays:
                try:
                    return text(arrays[name])
                except ValueError:
                    raise self.file.error(f"{where}: expected a text under {name}") from None
        return None

    def _check(self, found: dict[str, Array], atoms: int, where: str) -> None:
        for name in ("energies", "temperatures"):
            if name in found:
                found[name] = found[name].reshape(len(found[name]), -1)[:, 0]
        for name, array in found.items():
            if name in TENSORS:
                array = found[name] = as_tensor(array)
            if array.shape[1:] != (expected := shape_of(name, atoms)):
                raise self.file.error(
                    f"{where}: {name} has shape {array.shape[1:]}, expected {expected}"
                )
            if array.dtype.kind not in "iuf":
                said = text(array[0]) if array[0].size == 1 else array.dtype
                raise self.file.error(f"{where}: {name} is {said}, expected numbers")

    def _key(self, key: str, arrays: Mapping[str, Array], where: str) -> list[str]:
        values = arrays.get(key)
        if values is None:
            raise self.fail(no_key(key, list(arrays)), f"{where} ")
        if values[0].size != 1:
            raise self.file.error(
                f"{where}: {key} has {values[0].size} values, expected one per frame"
            )
        return [text(value) for value in values]

    def _flush(self, key: tuple[Any, ...]) -> Piece:
        """The images of one system that were read so far."""
        entries = self.waiting.pop(key)
        del self.bytes[key]
        numbers, pbc, names, theory, state = key
        arrays = {name: np.concatenate([found[name] for _, found, _ in entries]) for name in names}
        return Piece(
            numbers=np.frombuffer(numbers, np.int64),
            pbc=pbc,
            arrays=arrays,
            places=np.concatenate([places for places, _, _ in entries]),
            keys={
                wanted: [value for _, _, values in entries for value in values[i]]
                for i, wanted in enumerate(self.wanted)
            },
            theories=frozenset({theory}),
            state=state,
        )


def _runs(block: Block, names: Sequence[str]) -> list[slice]:
    """Rows of a block between which none of these arrays changes."""
    changes = np.zeros(len(block) - 1, dtype=bool)
    for name in names:
        if (array := block.arrays.get(name)) is not None:
            changes |= (array[1:] != array[:-1]).any(axis=tuple(range(1, array.ndim)))
    bounds = [0, *(np.flatnonzero(changes) + 1).tolist(), len(block)]
    return [slice(*ends) for ends in itertools.pairwise(bounds)]


def _of_one_state(block: Block, run: slice) -> list[Ints]:
    """Rows of a run that have the same charge and multiplicity."""
    rows = np.arange(run.start, run.stop)
    stated = {
        name: array[run]
        for name in states.NAMES
        if (array := block.arrays.get(name)) is not None and array.ndim == 1
    }
    if not stated:
        return [rows]
    names, which = states.states_of(stated)
    return [rows[which == i] for i in range(len(names))]


def _distinct(arrays: Mapping[str, Array], known: Mapping[str, str]) -> list[str]:
    """Names of an image's arrays without those that repeat a label which is taken."""
    taken = [arrays[known[label]] for label in LABELS if label in known]
    return [
        name
        for name, array in arrays.items()
        if name in known.values() or not any(same(array, label) for label in taken)
    ]
