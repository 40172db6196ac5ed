"""The images of a file, gathered by their atoms: a file of each system that it holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from teadata.arrays.base import ArrayFile
from teadata.arrays.images import NUMBERS, ImageFile
from teadata.typing import Array, Ints


class SystemImages(ArrayFile):
    """The images of a file that have the same atoms in the same order, in memory.

    Parameters
    ----------
    file
        The file that they are of.
    arrays
        Their arrays, with a row for each; ``numbers`` are those of all.
    missing
        For each array that not all of them have, one that has none.
    places
        (N,) the place of each in the file, from 0.
    """

    def __init__(
        self,
        file: ImageFile,
        arrays: dict[str, Array],
        missing: dict[str, str],
        places: Ints,
    ) -> None:
        self.path, self.label = file.path, file.label
        self.attributes, self.conventions = file.attributes, file.conventions
        self._said_in, self._contradicting = {}, {}
        self._arrays, self._missing, self.places = arrays, missing, places

    def _open(self) -> None:
        """Nothing is left to open."""

    @property
    def names(self) -> Sequence[str]:
        """Names of the arrays that an image has."""
        return [*self._arrays, *self._missing]

    def shape(self, name: str) -> tuple[int, ...]:
        """Shape of an array."""
        return self.whole(name).shape

    def dtype(self, name: str) -> np.dtype[Any]:
        """Type of an array's values."""
        return self.whole(name).dtype

    def whole(self, name: str) -> Array:
        """An array.

        Raises
        ------
        DataError
            If an image does not have it, or has it in another shape.
        """
        if name in self._missing:
            raise self.error(self._missing[name])
        return self._arrays[name]

    def pieces(self, names: Sequence[str], rows: int) -> Iterator[dict[str, Array]]:
        """Yield arrays together, `rows` rows at a time."""
        for start in range(0, len(self.places), rows):
            yield {name: self.whole(name)[start : start + rows] for name in names}


def by_system(file: ImageFile, wanted: Callable[[str], bool]) -> list[SystemImages]:
    """Read a file in one pass; the images of the same atoms together, in the order of the file.

    Parameters
    ----------
    file
        Its images may have different atoms.
    wanted
        Which arrays are kept, by name.

    Raises
    ------
    DataError
        If the file is damaged.
    """
    images: dict[bytes, list[tuple[int, str, dict[str, Array]]]] = {}
    for place, image in enumerate(file.every_image()):
        numbers = np.asarray(image.arrays[NUMBERS], dtype=np.int64)
        kept = {name: array for name, array in image.arrays.items() if wanted(name)}
        images.setdefault(numbers.tobytes(), []).append((place, image.where, kept))
    return [_gathered(file, np.frombuffer(key, np.int64), images.pop(key)) for key in list(images)]


def _gathered(
    file: ImageFile, numbers: Ints, images: list[tuple[int, str, dict[str, Array]]]
) -> SystemImages:
    """Stack the arrays of images of one system."""
    arrays, missing = {}, {}
    names = dict.fromkeys(name for _, _, kept in images for name in kept)
    for name in names:
        first = next(kept[name] for _, _, kept in images if name in kept)
        column = []
        for _, where, kept in images:
            array = kept.pop(name, None)
            if array is None or array.shape != first.shape:
                what = "no" if array is None else f"shape {array.shape} for"
                missing[name] = f"{where} has {what} {name}, which others of its atoms have"
                break
            column.append(array)
        else:
            arrays[name] = np.stack(column)
    arrays[NUMBERS] = numbers
    return SystemImages(file, arrays, missing, np.array([place for place, _, _ in images]))
