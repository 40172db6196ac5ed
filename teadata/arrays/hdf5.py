"""Arrays of an HDF5 file, at the top or in its only group."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import h5py
import numpy as np

from teadata.arrays.base import SeekableFile, text
from teadata.arrays.decompression import decompression_limit
from teadata.typing import Array


def _bytes(shape: tuple[int, ...], dtype: np.dtype[Any]) -> int:
    return math.prod(shape) * dtype.itemsize


class HDF5File(SeekableFile):
    """An HDF5 file: one dataset per array; attributes of the file and its group are text."""

    def _open(self) -> None:
        with self._reading("HDF5 file"), h5py.File(self.path, "r") as file:
            top = list(file)
            group: Any = file
            if len(top) == 1 and isinstance(file.get(top[0]), h5py.Group):
                group = file[top[0]]
            self._group = group.name
            self._known = {}
            for name in group:
                # Links into other files are not followed: they could lead anywhere.
                if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                    continue
                item = group[name]
                if isinstance(item, h5py.Dataset):
                    if item.external or item.is_virtual:
                        raise self.error(f"{name} lies in another file; write it into this one")
                    self._known[name] = (tuple(item.shape or ()), item.dtype)
            decompression_limit(
                self.path, sum(_bytes(*known) for known in self._known.values()), self.label
            )
            attributes = {**file.attrs, **group.attrs}
        self.attributes = {
            name: text(value) for name, value in attributes.items() if np.size(value) == 1
        }

    @property
    def names(self) -> Sequence[str]:
        """Names of the arrays."""
        return list(self._known)

    def shape(self, name: str) -> tuple[int, ...]:
        """Shape of an array."""
        return self._known[name][0]

    def dtype(self, name: str) -> np.dtype[Any]:
        """Type of an array's values."""
        dtype: np.dtype[Any] = self._known[name][1]
        return dtype

    def whole(self, name: str) -> Array:
        """Read a whole array."""
        with self._reading("HDF5 file"), h5py.File(self.path, "r") as file:
            return np.asarray(file[self._group][name][()])

    def section(self, name: str, start: int, stop: int) -> Array:
        """Read rows `start` to `stop` − 1 of an array."""
        with self._reading("HDF5 file"), h5py.File(self.path, "r") as file:
            return np.asarray(file[self._group][name][start:stop])

    def pieces(self, names: Sequence[str], rows: int) -> Iterator[dict[str, Array]]:
        """Read arrays together, `rows` rows at a time."""
        count = self.shape(names[0])[0] if names else 0
        with self._reading("HDF5 file"), h5py.File(self.path, "r") as file:
            group = file[self._group]
            for start in range(0, count, rows):
                yield {name: np.asarray(group[name][start : start + rows]) for name in names}
