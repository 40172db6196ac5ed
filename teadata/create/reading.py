"""Read files of labelled frames a piece at a time; the frames of a file may be of several systems.

Positions and forces are never all in memory.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from teadata.arrays import Array, ArrayFile, format_of, open_arrays, suffix_of, text
from teadata.arrays.images import NUMBERS, Image, ImageFile
from teadata.create.fields import LABELS, UNITS, Keys, choose, unused
from teadata.create.options import Input
from teadata.elements import NUMBERS as ATOMIC_NUMBERS
from teadata.elements import SYMBOLS
from teadata.errors import IncompleteError, UsageError
from teadata.typing import Ints

PIECE = 16 << 20
"""Bytes of positions that are read at a time."""

WAITING = 64 << 20
"""Bytes of images of several systems that wait until there are enough of one."""

PER_FRAME = ("positions", "energies", "forces", "cell", "stress", "temperatures")
"""Fields with a row per frame."""

LOGS = (".out", ".log")
"""Suffixes of outputs that are only taken of a folder which holds nothing else."""

SMALL = 1 << 20
"""Arrays of more values than this are not compared with each other."""


@dataclass(frozen=True)
class Piece:
    """Frames of one system, in the file's units.

    ``numbers`` (A,); ``pbc`` (3,), all False where there is no cell; ``arrays`` have a row per
    frame, under the names of :data:`PER_FRAME`; ``places`` (n,) are the frames' places in the
    file; ``keys`` are the values (n,), as text, of keys that were asked for.
    """

    numbers: Ints
    pbc: tuple[bool, ...]
    arrays: dict[str, Array]
    places: Ints
    keys: dict[str, list[str]]


@dataclass
class Told:
    """What a file said while it was read.

    ``units`` by kind, None where it states none; ``names`` of its arrays by field; ``unused`` are
    labels that were not taken; ``single`` is whether energies are in single precision.
    """

    units: dict[str, str | None] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    unused: list[str] = field(default_factory=list)
    single: bool = False
    trajectory: str | None = None


def files_in(item: Input) -> list[Input]:
    """The file itself, or the files of frames in a folder, by name.

    Raises
    ------
    UsageError
        If a folder holds none.
    """
    path = item.path
    if not path.is_dir() or format_of(path) is not None:
        return [item]
    inside = sorted(file for file in path.rglob("*") if _is_frames(file, path))
    sure = [file for file in inside if suffix_of(file) not in LOGS]
    if not inside:
        raise UsageError(f"{path}: no files of frames in this folder")
    return [replace(item, path=file) for file in sure or inside]


def _is_frames(file: Path, root: Path) -> bool:
    """Whether a path in a folder is a file of frames, not hidden, and not a part of another."""
    between = [root / above for above in file.relative_to(root).parents if above != Path()]
    hidden = any(part.startswith(".") for part in file.relative_to(root).parts)
    whole = not any(format_of(above) for above in between)
    return not hidden and whole and format_of(file) is not None


class Reader:
    """A file of labelled frames.

    Parameters
    ----------
    path
        A file in a format of :func:`teadata.arrays.open_arrays`.
    keys
        What the labels are called, where the user says it.
    wanted
        Keys of the frames whose values are read too.

    Raises
    ------
    UsageError
        If the suffix is of no known format.
    DataError
        If the file is damaged.
    """

    def __init__(self, path: Path, keys: Keys | None = None, wanted: Sequence[str] = ()) -> None:
        self.path = path
        self.keys, self.wanted = keys or Keys(), list(wanted)
        self.file = open_arrays(path)
        self.told = Told()

    def pieces(self) -> Iterator[Piece]:
        """The frames, a piece at a time.

        Raises
        ------
        IncompleteError
            If a label is missing or ambiguous, or a key is not there.
        DataError
            If the file is damaged, or shapes contradict each other.
        """
        if isinstance(self.file, ImageFile):
            yield from _Images(self, self.file).pieces()
        else:
            yield from _Arrays(self, self.file).pieces()

    def fail(self, error: IncompleteError, where: str = "") -> IncompleteError:
        """Let an error name the file."""
        return IncompleteError(f"{self.path}: {where}{error}", error.options)

    def say_units(self, stated: Mapping[str, str | None], where: str) -> None:
        """Keep the units that the file states; they must be the same throughout."""
        if self.told.units and self.told.units != stated:
            raise self.file.error(
                f"{where} states other units than the frames before it: {_units(stated)}, not "
                f"{_units(self.told.units)}; write files of one unit"
            )
        self.told.units = dict(stated)

    def say_names(self, names: Sequence[str], known: Mapping[str, str]) -> None:
        """Keep the names under which fields were found, and which labels are passed over."""
        self.told.names = {**known, **self.told.names}
        self.told.unused = sorted({*self.told.unused, *unused(names, known)})
        for name in ("trajectory", "trajectories"):
            if name in names:
                self.told.trajectory = name


def _units(stated: Mapping[str, str | None]) -> str:
    return " and ".join(said or "no unit" for said in stated.values())


def _no_key(key: str, names: Sequence[str]) -> IncompleteError:
    return IncompleteError(
        f"has no key {key!r}; found {', '.join(sorted(names))}. Name a key that every frame has"
    )


def _cell_of(
    arrays: dict[str, Array], pbc: tuple[bool, ...] | None
) -> tuple[dict[str, Array], tuple[bool, ...]]:
    """Leave a cell out that is periodic in no direction: it means nothing."""
    if "cell" not in arrays:
        return arrays, (False,) * 3
    pbc = (True,) * 3 if pbc is None else pbc
    if not any(pbc):
        arrays = {name: array for name, array in arrays.items() if name not in ("cell", "stress")}
    return arrays, pbc


class _Images:
    """The frames of a file of images, each of which may be of another system."""

    def __init__(self, reader: Reader, file: ImageFile) -> None:
        self.reader, self.file = reader, file
        self.chosen: dict[tuple[str, ...], dict[str, str]] = {}
        self.waiting: dict[tuple[Any, ...], list[tuple[int, dict[str, Array], list[str]]]] = {}
        self.bytes: dict[tuple[Any, ...], int] = {}

    def pieces(self) -> Iterator[Piece]:
        for place, image in enumerate(self.file.every_image()):
            key, entry = self._entry(image)
            self.waiting.setdefault(key, []).append((place, *entry))
            self.bytes[key] = self.bytes.get(key, 0) + 48 * len(image.arrays[NUMBERS])
            if self.bytes[key] >= PIECE:
                yield self._flush(key)
            elif sum(self.bytes.values()) >= WAITING:
                yield self._flush(max(self.bytes, key=self.bytes.__getitem__))
        for key in list(self.waiting):
            yield self._flush(key)

    def _entry(self, image: Image) -> tuple[tuple[Any, ...], tuple[dict[str, Array], list[str]]]:
        """What an image is put together with, its fields, and the values of its keys."""
        arrays = image.arrays
        known = self._names(arrays, image.where)
        numbers = np.asarray(arrays[known["numbers"]])
        if (numbers == 0).any():
            raise self.file.error(f"{image.where} has atoms of no known element")
        found = {name: np.asarray(arrays[key]) for name, key in known.items() if name in PER_FRAME}
        self._check(found, len(numbers), image.where)
        said = arrays.get("pbc")
        found, pbc = _cell_of(found, None if said is None else tuple(map(bool, said)))
        keys = [self._key(key, image) for key in self.reader.wanted]
        key = (numbers.tobytes(), pbc, tuple(sorted(found)))
        return key, (found, keys)

    def _names(self, arrays: Mapping[str, Array], where: str) -> dict[str, str]:
        """The names of an image's fields; they are looked for once per set of names."""
        signature = tuple(arrays)
        if signature not in self.chosen:
            try:
                known = choose(
                    list(arrays),
                    self.reader.keys,
                    per_frame=lambda name: arrays[name].size == 1 and arrays[name].ndim < 2,
                    same=lambda one, other: _same(arrays[one], arrays[other]),
                )
            except IncompleteError as error:
                raise self.reader.fail(error, f"{where} ") from None
            self.chosen[signature] = known
            self.reader.say_names(_distinct(arrays, known), known)
        stated = {kind: self._stated(arrays, names, where) for kind, names in UNITS.items()}
        self.reader.say_units(stated, where)
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
        shapes = {"positions": (atoms, 3), "forces": (atoms, 3), "cell": (3, 3), "stress": (3, 3)}
        for name in ("energies", "temperatures"):
            if name in found:
                found[name] = found[name].reshape(-1)[:1].reshape(())
        for name, array in found.items():
            if name == "stress" and array.shape == (6,):
                found[name] = array[[0, 5, 4, 5, 1, 3, 4, 3, 2]].reshape(3, 3)
            elif name == "stress" and array.shape == (9,):
                found[name] = array.reshape(3, 3)
            elif array.shape != shapes.get(name, ()):
                raise self.file.error(
                    f"{where}: {name} has shape {array.shape}, expected {shapes.get(name, ())}"
                )
            if array.dtype.kind not in "iuf":
                raise self.file.error(
                    f"{where}: {name} is {text(array) if array.size == 1 else array.dtype}, "
                    "expected numbers"
                )

    def _key(self, key: str, image: Image) -> str:
        value = image.arrays.get(key)
        if value is None:
            raise self.reader.fail(_no_key(key, list(image.arrays)), f"{image.where} ")
        if value.size != 1:
            raise self.file.error(
                f"{image.where}: {key} has {value.size} values, expected one per frame"
            )
        return text(value)

    def _flush(self, key: tuple[Any, ...]) -> Piece:
        """The images of one system that were read so far."""
        entries = self.waiting.pop(key)
        del self.bytes[key]
        numbers, pbc, names = key
        arrays = {name: np.stack([found[name] for _, found, _ in entries]) for name in names}
        return Piece(
            numbers=np.frombuffer(numbers, np.int64),
            pbc=pbc,
            arrays=arrays,
            places=np.array([place for place, _, _ in entries]),
            keys={
                wanted: [values[i] for _, _, values in entries]
                for i, wanted in enumerate(self.reader.wanted)
            },
        )


class _Arrays:
    """The frames of a file of arrays with a row per frame."""

    def __init__(self, reader: Reader, file: ArrayFile) -> None:
        self.reader, self.file = reader, file
        names = [*file.names, *({"numbers", "pbc"} & set(file.attributes) - set(file.names))]
        try:
            self.known = choose(names, reader.keys, per_frame=self._per_frame, same=self._same)
        except IncompleteError as error:
            raise reader.fail(error) from None
        reader.say_names(names, self.known)
        reader.say_units({kind: file.stated(known) for kind, known in UNITS.items()}, "the file")
        reader.told.single = self._single()

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
        return _same(self.file.whole(one), self.file.whole(other))

    def pieces(self) -> Iterator[Piece]:
        numbers, pbc = self._numbers(), self._pbc()
        rows = {field: name for field, name in self.known.items() if field in PER_FRAME}
        lattice = None
        if "lattice" in self.known:  # sGDML keeps lattice vectors as columns
            lattice = np.asarray(self.file.whole(self.known["lattice"])).reshape(3, 3).T
        atoms = numbers.shape[-1]
        self._check_shapes(rows, atoms)
        extra = [self.known["numbers"]] if numbers.ndim == 2 else []
        keys = [key for key in self.reader.wanted if self._check_key(key, rows["energies"])]
        wanted = list(dict.fromkeys([*rows.values(), *extra, *keys]))
        start, step = 0, max(1, PIECE // (24 * max(1, atoms)))
        for read in self.file.pieces(wanted, step):
            count = len(read[rows["energies"]])
            arrays = {
                field: np.asarray(read[name]).reshape(count, *_shape(field, atoms))
                for field, name in rows.items()
            }
            if lattice is not None:
                arrays["cell"] = np.broadcast_to(lattice, (count, 3, 3))
            arrays, flags = _cell_of(arrays, pbc)
            piece = Piece(
                numbers=numbers if numbers.ndim == 1 else numbers[0],
                pbc=flags,
                arrays=arrays,
                places=np.arange(start, start + count),
                keys={key: [text(value) for value in read[key]] for key in keys},
            )
            start += count
            if numbers.ndim == 1:
                yield piece
            else:
                yield from self._by_system(piece, self._elements(read[extra[0]]))

    def _by_system(self, piece: Piece, numbers: Ints) -> Iterator[Piece]:
        """Frames whose atoms are listed one by one, padded with zeros: those of each system."""
        systems, member = np.unique(numbers, axis=0, return_inverse=True)
        for i, row in enumerate(systems):
            there = np.flatnonzero(row)
            rows = np.flatnonzero(member.reshape(-1) == i)
            yield Piece(
                numbers=row[there],
                pbc=piece.pbc,
                arrays={
                    name: array[rows][:, there] if name in ("positions", "forces") else array[rows]
                    for name, array in piece.arrays.items()
                },
                places=piece.places[rows],
                keys={key: [values[i] for i in rows] for key, values in piece.keys.items()},
            )

    def _numbers(self) -> Ints:
        name = self.known["numbers"]
        if name not in self.file.names:  # parquet, as this package writes it
            listed: Any = self._listed(name)
            return self._elements(np.asarray(listed))
        return self._elements(self.file.whole(name))

    def _listed(self, name: str) -> Any:
        try:
            return json.loads(self.file.attributes[name])
        except (ValueError, RecursionError):
            raise self.file.error(f"the attribute {name} is no list") from None

    def _elements(self, found: Array) -> Ints:
        """Atomic numbers (A,) or (N, A); 0 only where rows are padded."""
        if found.dtype.kind in "SUO":
            flat = [ATOMIC_NUMBERS.get(text(symbol).strip(), -1) for symbol in found.reshape(-1)]
            found = np.array(flat).reshape(found.shape)
        if found.dtype.kind not in "iuf" or found.ndim not in (1, 2) or not found.size:
            raise self.file.error(
                f"{self.known['numbers']} has shape {found.shape} and type {found.dtype}, expected "
                "atomic numbers or symbols (A,) or (N, A)"
            )
        if found.ndim == 2 and (found == found[:1]).all():
            found = found[0]
        least = 0 if found.ndim == 2 else 1
        if (found != np.round(found)).any() or found.min() < least or found.max() >= len(SYMBOLS):
            raise self.file.error(f"{self.known['numbers']} holds atoms of no known element")
        return found.astype(np.int64)

    def _pbc(self) -> tuple[bool, ...] | None:
        if (name := self.known.get("pbc")) is None:
            return None
        found = self.file.whole(name) if name in self.file.names else self._listed(name)
        flags = np.asarray(found).reshape(-1, 3)
        if not (flags == flags[0]).all():
            raise self.file.error("its frames differ in pbc; write one file for each")
        return tuple(map(bool, flags[0]))

    def _check_shapes(self, rows: Mapping[str, str], atoms: int) -> None:
        count = self.file.shape(rows["energies"])[0] if self.file.shape(rows["energies"]) else 0
        if count == 0:
            raise self.file.error("holds no frames")
        wrong = []
        for name_of, name in rows.items():
            found, expected = self.file.shape(name), (count, *_shape(name_of, atoms))
            flat = (count, math.prod(expected[1:]))
            if found not in (expected, flat):
                wrong.append(f"{name} has shape {found}, expected {expected}")
        if wrong:
            raise self.file.error(
                f"{count} energies of {atoms} atoms do not fit: {'; '.join(wrong)}"
            )

    def _check_key(self, key: str, energies: str) -> bool:
        if key not in self.file.names:
            raise self.reader.fail(_no_key(key, list(self.file.names)))
        expected = self.file.shape(energies)[:1]
        if self.file.shape(key) not in (expected, (*expected, 1)):
            raise self.file.error(
                f"{key} has shape {self.file.shape(key)}, expected one value per frame, {expected}"
            )
        return True


def _shape(name: str, atoms: int) -> tuple[int, ...]:
    """Shape of a field of one frame."""
    per_atom = {"positions": (atoms, 3), "forces": (atoms, 3), "cell": (3, 3), "stress": (3, 3)}
    return per_atom.get(name, ())


def _distinct(arrays: Mapping[str, Array], known: Mapping[str, str]) -> list[str]:
    """Names of an image's arrays without those that repeat a label which is taken."""
    taken = [arrays[known[label]] for label in LABELS if label in known]
    return [
        name
        for name, array in arrays.items()
        if name in known.values() or not any(_same(array, label) for label in taken)
    ]


def _same(one: Array, other: Array) -> bool:
    """Whether two arrays hold the same values."""
    numeric = one.dtype.kind in "iuf" and other.dtype.kind in "iuf"
    return np.array_equal(one, other, equal_nan=numeric)
