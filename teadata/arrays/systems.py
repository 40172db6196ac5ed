"""The images of a file, gathered by their atoms: a file of each system that it holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from teadata.arrays.base import ArrayFile
from teadata.arrays.images import NUMBERS, Block, ImageFile, unlike
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
            If an image does not have it, or has it in another shape, or as a value of another kind.
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
    parts: dict[bytes, list[tuple[Ints, Block]]] = {}
    place = 0
    for block in file.every_block():
        numbers = np.asarray(block.arrays[NUMBERS], dtype=np.int64)
        kept = {name: array for name, array in block.arrays.items() if wanted(name)}
        for rows in _of_same_atoms(numbers):
            part = Block(kept, block.where)
            if len(rows) < len(block):
                taken = {name: array[rows] for name, array in kept.items()}
                part = Block(taken, [block.where[row] for row in rows])
            parts.setdefault(numbers[rows[0]].tobytes(), []).append((place + rows, part))
        place += len(block)
    return [_gathered(file, np.frombuffer(key, np.int64), parts.pop(key)) for key in list(parts)]


def _of_same_atoms(numbers: Ints) -> list[Ints]:
    """Rows of atomic numbers (n, A) that are the same, those of the first row first."""
    if (numbers == numbers[0]).all():
        return [np.arange(len(numbers))]
    _, first, which = np.unique(numbers, axis=0, return_index=True, return_inverse=True)
    return [np.flatnonzero(which.reshape(-1) == value) for value in np.argsort(first)]


def _gathered(file: ImageFile, numbers: Ints, parts: list[tuple[Ints, Block]]) -> SystemImages:
    """Put the arrays of the images of one system together."""
    arrays, missing = {}, {}
    for name in dict.fromkeys(name for _, part in parts for name in part.arrays):
        first = next(part.arrays[name][0] for _, part in parts if name in part.arrays)
        column = []
        for _, part in parts:
            array, where = part.arrays.pop(name, None), part.where[0]
            if array is None or array.shape[1:] != first.shape:
                what = "no" if array is None else f"shape {array.shape[1:]} for"
                missing[name] = f"{where} has {what} {name}, which others of its atoms have"
                break
            if said := unlike(array[0], first):
                missing[name] = f"{where}: {name} is {said}"
                break
            column.append(array)
        else:
            arrays[name] = np.concatenate(column)
    arrays[NUMBERS] = numbers
    return SystemImages(file, arrays, missing, np.concatenate([places for places, _ in parts]))
