"""Files of atoms, image by image: what extended XYZ and ASE's files have in common."""

from __future__ import annotations

import itertools
from abc import abstractmethod
from collections.abc import Iterator, Sequence
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
        self._scalars: dict[str, list[Any]] = {}

    @abstractmethod
    def _images(self) -> Iterator[Image]:
        """The images, in order."""

    def _headers(self) -> Iterator[Image]:
        """The images, in order, where only what is one value per image is needed."""
        return self._images()

    def every_image(self) -> Iterator[Image]:
        """The images, in order, whatever atoms each has."""
        return self._images()

    def images(self) -> Iterator[Image]:
        """The images, in order, all of the same atoms."""
        first = self._first
        for image in self._images():
            numbers = image.arrays[NUMBERS]
            if numbers.shape != first[NUMBERS].shape or (numbers != first[NUMBERS]).any():
                raise self.error(
                    f"{image.where} has other atoms, or another order, than image 0, and a dataset "
                    "is of one system; a file of several is scored against your own labels with "
                    "--reference FILE, and teadata create --each makes a dataset of each"
                )
            yield image

    def _checked(self, names: Sequence[str]) -> Iterator[dict[str, Array]]:
        """Yield the images; each must have these arrays in the shape they have in the first."""
        first = self._first
        for image in self.images():
            for name in names:
                array = image.arrays.get(name)
                if array is None or array.shape != first[name].shape:
                    what = "no" if array is None else f"shape {array.shape} for"
                    raise self.error(
                        f"{image.where} has {what} {name}, image 0 has shape {first[name].shape}"
                    )
                if (array.dtype.kind in "US") != (first[name].dtype.kind in "US"):
                    raise self.error(
                        f"{image.where}: {name} is {text(array)!r}, in image 0 it is "
                        f"{text(first[name])!r}; a text in one and a number in the other"
                    )
            yield image.arrays

    def _collect(self) -> int:
        """Count the images, and keep the arrays that have one value per image."""
        if self._count is None:
            single = [name for name, array in self._first.items() if array.ndim == 0]
            kept: dict[str, list[Any]] = {name: [] for name in single}
            count = 0
            for image in self._headers():
                count += 1
                for name in single:
                    if (value := image.arrays.get(name)) is not None and value.ndim == 0:
                        kept[name].append(value[()])
            self._count, self._scalars = count, kept
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
            return np.array(self._scalars[name])
        return np.stack([image[name] for image in self._checked([name])])

    def pieces(self, names: Sequence[str], rows: int) -> Iterator[dict[str, Array]]:
        """Read arrays together, `rows` images at a time."""
        images = self._checked(names)
        while some := list(itertools.islice(images, rows)):
            yield {name: np.stack([image[name] for image in some]) for name in names}
