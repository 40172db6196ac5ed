"""Files of atoms, image by image: what extended XYZ and ASE's files have in common."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from teadata.arrays.base import ArrayFile, text
from teadata.typing import Array

NUMBERS = "numbers"
"""Name under which every image has its atomic numbers."""


@dataclass(frozen=True)
class Image:
    """The arrays of one image, by name: scalars and texts, per-atom arrays, tensors.

    ``where`` is how errors name it.
    """

    arrays: dict[str, Array]
    where: str


@dataclass(frozen=True)
class Block:
    """Images in a row that have the same arrays, of the same shapes and kinds.

    Parameters
    ----------
    arrays
        Each array by name, with a row for each image.
    where
        How errors name each image.
    """

    arrays: dict[str, Array]
    where: Sequence[str]

    def __len__(self) -> int:
        return len(self.where)

    def images(self) -> Iterator[Image]:
        """The images one by one."""
        for i, where in enumerate(self.where):
            yield Image({name: array[i, ...] for name, array in self.arrays.items()}, where)


STACKED = 256
"""Images of a block that are put together one by one."""


def in_blocks(images: Iterable[Image]) -> Iterator[Block]:
    """Put images in a row together that have the same arrays, some at a time."""
    held: list[Image] = []
    alike: list[Any] = []
    for image in images:
        form = [(name, array.shape, array.dtype.kind) for name, array in image.arrays.items()]
        if held and (form != alike or len(held) == STACKED):
            yield _stacked(held)
            held = []
        alike = form
        held.append(image)
    if held:
        yield _stacked(held)


def _stacked(images: Sequence[Image]) -> Block:
    arrays = {n: np.stack([image.arrays[n] for image in images]) for n in images[0].arrays}
    return Block(arrays, [image.where for image in images])


class ImageFile(ArrayFile):
    """A file of images with the same atoms in the same order.

    Each array of an image is a row.  Names, shapes and types are those of the first image.  The
    number of images is known after a pass over the file, which keeps what is one value per
    image.
    """

    def _open(self) -> None:
        first = next(self._images(), None)
        if first is None:
            raise self.error("holds no frames")
        self._first = first.arrays
        self._count: int | None = None
        self._scalars: dict[str, Array] = {}
        self._unlike: dict[str, str] = {}

    @abstractmethod
    def _images(self) -> Iterator[Image]:
        """The images, in order."""

    def _blocks(self) -> Iterator[Block]:
        """The images, in order."""
        return in_blocks(self._images())

    def _headers(self) -> Iterator[Block]:
        """The images, in order, where only what is one value per image is needed."""
        return self._blocks()

    def every_image(self) -> Iterator[Image]:
        """The images, in order, whatever atoms each has."""
        return self._images()

    def every_block(self) -> Iterator[Block]:
        """The images, in order, whatever atoms each has, some at a time."""
        return self._blocks()

    def blocks(self) -> Iterator[Block]:
        """The images, in order, all of the same atoms."""
        first = self._first[NUMBERS]
        for block in self._blocks():
            numbers = block.arrays[NUMBERS]
            same = numbers.shape[1:] == first.shape and (numbers == first).all(axis=1)
            if not np.all(same):
                raise self.error(
                    f"{block.where[int(np.argmin(same))]} has other atoms, or another order, than "
                    "image 0, and a dataset is of one system; a file of several is scored against "
                    "your own labels (teaeval score FILE --reference LABELS, in Python "
                    "teaeval.score(FILE, reference=LABELS)), and teadata create --each makes a "
                    "dataset of each"
                )
            yield block

    def _checked(self, names: Sequence[str]) -> Iterator[Block]:
        """Yield the images; each must have these arrays in the shape they have in the first."""
        first = self._first
        for block in self.blocks():
            where = block.where[0]
            for name in names:
                array = block.arrays.get(name)
                if array is None or array.shape[1:] != first[name].shape:
                    if array is None:
                        raise self.error(f"{where} has no {name}, which image 0 has")
                    raise self.error(
                        f"{where} has shape {array.shape[1:]} for {name}, image 0 has shape "
                        f"{first[name].shape}"
                    )
                if said := unlike(array[0], first[name]):
                    raise self.error(f"{where}: {name} is {said}")
            yield block

    def _collect(self) -> int:
        """Count the images, and keep the arrays that have one value per image."""
        if self._count is None:
            single = [name for name, array in self._first.items() if array.ndim == 0]
            kept: dict[str, list[Array]] = {name: [] for name in single}
            count = 0
            for block in self._headers():
                count += len(block)
                for name in single:
                    if (values := block.arrays.get(name)) is not None and values.ndim == 1:
                        kept[name].append(values)
                        if said := unlike(values[0], self._first[name]):
                            self._unlike.setdefault(name, f"{block.where[0]}: {name} is {said}")
            self._count = count
            self._scalars = {name: np.concatenate(values) for name, values in kept.items()}
        return self._count

    @property
    def names(self) -> Sequence[str]:
        """Names of the arrays."""
        return list(self._first)

    def shape(self, name: str) -> tuple[int, ...]:
        """Shape of an array; all images have the same atoms."""
        shape = self._first[name].shape
        return shape if name == NUMBERS else (self._collect(), *shape)

    def dtype(self, name: str) -> np.dtype[Any]:
        """Type of an array's values."""
        return self._first[name].dtype

    def whole(self, name: str) -> Array:
        """Read a whole array."""
        if name == NUMBERS:
            return self._first[NUMBERS]
        if self._first[name].ndim == 0:
            count = self._collect()
            if len(self._scalars[name]) != count:
                raise self.error(f"only {len(self._scalars[name])} of {count} images have {name}")
            if name in self._unlike:
                raise self.error(self._unlike[name])
            return self._scalars[name]
        return np.concatenate([block.arrays[name] for block in self._checked([name])])

    def pieces(self, names: Sequence[str], rows: int) -> Iterator[dict[str, Array]]:
        """Read arrays together, `rows` images at a time."""
        held: list[dict[str, Array]] = []
        count = 0
        for block in self._checked(names):
            start = 0
            while start < len(block):
                stop = min(len(block), start + rows - count)
                held.append({name: block.arrays[name][start:stop] for name in names})
                count, start = count + stop - start, stop
                if count == rows:
                    yield _joined(held, names)
                    held, count = [], 0
        if held:
            yield _joined(held, names)


KINDS = {"U": "text", "S": "text", "b": "logical value"}
"""What a value is, by the kind of its type; all others are numbers."""


def unlike(value: Array, first: Array) -> str | None:
    """What a value is and what it is in the first image, if they are not of one kind."""
    kinds = [KINDS.get(array.dtype.kind, "number") for array in (value, first)]
    if kinds[0] == kinds[1]:
        return None
    said = [text(array) if array.size == 1 else f"{array.size} values" for array in (value, first)]
    return (
        f"{said[0]!r}, in image 0 it is {said[1]!r}; a {kinds[0]} in one and a {kinds[1]} in the "
        "other"
    )


def _joined(pieces: Sequence[Mapping[str, Array]], names: Sequence[str]) -> dict[str, Array]:
    return {name: np.concatenate([piece[name] for piece in pieces]) for name in names}
