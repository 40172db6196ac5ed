"""Frames of files of images, each of which may be of another system."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from teadata.arrays import Array, text
from teadata.arrays.images import NUMBERS, Image, ImageFile
from teadata.create.fields import LABELS, UNITS, Keys, choose
from teadata.create.reader import PER_FRAME, PIECE, Piece, Reader, cell_of, no_key, same, tensor
from teadata.errors import IncompleteError

WAITING = 32 << 20
"""Bytes of images of several systems that wait until there are enough of one."""


class ImageReader(Reader):
    """The frames of a file of images, each of which may be of another system."""

    def __init__(self, file: ImageFile, keys: Keys, wanted: Sequence[str]) -> None:
        super().__init__(file, keys, wanted)
        self.file = file
        self.chosen: dict[tuple[str, ...], dict[str, str]] = {}
        self.waiting: dict[tuple[Any, ...], list[tuple[int, dict[str, Array], list[str]]]] = {}
        self.bytes: dict[tuple[Any, ...], int] = {}

    def pieces(self) -> Iterator[Piece]:
        """The frames, a piece at a time; those of one system that were read so far together."""
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
        found, pbc = cell_of(found, None if said is None else tuple(map(bool, said)))
        keys = [self._key(key, image) for key in self.wanted]
        key = (numbers.tobytes(), pbc, tuple(sorted(found)))
        return key, (found, keys)

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
                raise self.fail(error, f"{where} ") from None
            self.chosen[signature] = known
            self.say_names(_distinct(arrays, known), known)
        stated = {kind: self._stated(arrays, names, where) for kind, names in UNITS.items()}
        self.say_units(stated, where)
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
                found[name] = tensor(array)
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
            raise self.fail(no_key(key, list(image.arrays)), f"{image.where} ")
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
                for i, wanted in enumerate(self.wanted)
            },
        )


def _distinct(arrays: Mapping[str, Array], known: Mapping[str, str]) -> list[str]:
    """Names of an image's arrays without those that repeat a label which is taken."""
    taken = [arrays[known[label]] for label in LABELS if label in known]
    return [
        name
        for name, array in arrays.items()
        if name in known.values() or not any(same(array, label) for label in taken)
    ]
