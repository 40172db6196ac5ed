"""Rows of an HDF5 array read past the HDF5 library, which lets only one thread work at a time.

Numbers that lie in the file one after another are read from their place.  Chunks compressed by
gzip, with or without the shuffle filter, are taken as they are and decompressed here.  Everything
else is left to the library.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from teadata.typing import Array


@dataclass(frozen=True)
class Contiguous:
    """Numbers (N, …) from one place of the file on.

    Parameters
    ----------
    offset
        Bytes before the first.
    row_shape
        Shape of a row.
    dtype
        Type in the file.
    """

    offset: int
    row_shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @classmethod
    def of(cls, dataset: h5py.Dataset) -> Contiguous | None:
        """How a dataset lies in its file; None if it is not in one place, or of another type."""
        if dataset.chunks is not None or not _plain(dataset):
            return None
        offset = dataset.id.get_offset()
        return None if offset is None else cls(offset, dataset.shape[1:], dataset.dtype)

    def read(self, path: Path, start: int, stop: int) -> Array:
        """Read rows `start` to `stop` − 1.

        Raises
        ------
        OSError
            If the file ends before.
        """
        row = int(np.prod(self.row_shape)) * self.dtype.itemsize
        content = _bytes(path, self.offset + start * row, (stop - start) * row)
        return content.view(self.dtype).reshape(stop - start, *self.row_shape)


@dataclass(frozen=True)
class Chunks:
    """The compressed chunks that hold some rows, not decompressed yet.

    Parameters
    ----------
    start, shape, dtype
        First row; shape of the rows (n, …) and type of their values.
    chunk
        Shape of a chunk.
    shuffled
        Whether the first bytes of all values come first, then the second …
    packed
        Of each chunk, the place of its first value in the array; where in the file its content
        begins, and of how many bytes it is.
    """

    start: int
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    chunk: tuple[int, ...]
    shuffled: bool
    packed: list[tuple[tuple[int, ...], int, int]]

    @classmethod
    def of(cls, dataset: h5py.Dataset, start: int, stop: int) -> Chunks | None:
        """Find the chunks of rows `start` to `stop` − 1; None if gzip is not all that was done."""
        filters = _filters(dataset)
        if filters not in GZIP or dataset.chunks is None or not _plain(dataset):
            return None
        if dataset.file.userblock_size:  # whether places count from its end differs by version
            return None
        chunk, shape = dataset.chunks, (stop - start, *dataset.shape[1:])
        firsts = [range(start - start % chunk[0], stop, chunk[0])]
        firsts += [range(0, length, step) for length, step in zip(shape, chunk, strict=True)][1:]
        packed, full = [], int(np.prod(chunk)) * dataset.dtype.itemsize
        for place in product(*firsts):
            found = dataset.id.get_chunk_info_by_coord(place)
            # A filter that did not make a chunk smaller is left out there.  Chunks at an edge may
            # be stored without filters, which no mask says.
            if found.filter_mask or found.byte_offset is None or found.size == full:
                return None
            packed.append((place, found.byte_offset, found.size))
        return cls(start, shape, dataset.dtype, chunk, len(filters) > 1, packed)

    def read(self, path: Path) -> Array:
        """Read the chunks and decompress them.

        Raises
        ------
        OSError
            If a chunk is damaged.
        """
        values = np.empty(self.shape, self.dtype)
        for place, offset, size in self.packed:
            found = self._unpacked(_bytes(path, offset, size))
            first = (place[0] - self.start, *place[1:])
            into = tuple(
                slice(max(0, at), at + step) for at, step in zip(first, self.chunk, strict=True)
            )
            room = values[into].shape
            skipped = max(0, -first[0])
            values[into] = found[(slice(skipped, skipped + room[0]), *map(slice, room[1:]))]
        return values

    def _unpacked(self, content: NDArray[np.uint8]) -> Array:
        """The values of one chunk."""
        count = int(np.prod(self.chunk))
        size = count * self.dtype.itemsize
        library = _gzip()
        stream = library.decompressobj()
        try:
            data = stream.decompress(content, size + 1)
        except library.error as error:
            raise OSError(f"inflate failed: {error}") from None
        if len(data) != size or not stream.eof:
            raise OSError(f"a chunk does not hold the {size} bytes that it should")
        if not self.shuffled or self.dtype.itemsize == 1:
            return np.frombuffer(data, self.dtype).reshape(self.chunk)
        planes = np.frombuffer(data, np.uint8).reshape(self.dtype.itemsize, count)
        values = np.empty(count, self.dtype)
        into = values.view(np.uint8).reshape(count, -1)
        for byte, plane in enumerate(planes):
            into[:, byte] = plane
        return values.reshape(self.chunk)


def state(path: Path) -> tuple[int, ...]:
    """What differs where a file was replaced or written since."""
    found = path.stat()
    return found.st_ino, found.st_size, found.st_mtime_ns


def _bytes(path: Path, offset: int, size: int) -> NDArray[np.uint8]:
    """Bytes of a file from a place on.

    Raises
    ------
    OSError
        If the file ends before.
    """
    content = np.empty(size, np.uint8)
    left = content.data
    with open(path, "rb", buffering=0) as file:
        file.seek(offset)
        while left:
            count = file.readinto(left)
            if not count:
                raise OSError("truncated file: it ends within an array")
            left = left[count:]
    return content


SHUFFLE, DEFLATE = h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_DEFLATE

GZIP = ((DEFLATE,), (SHUFFLE, DEFLATE))
"""The filters, in their order, that are undone here."""


def _filters(dataset: h5py.Dataset) -> tuple[int, ...]:
    """The filters of a dataset in their order."""
    settings = dataset.id.get_create_plist()
    return tuple(settings.get_filter(i)[0] for i in range(settings.get_nfilters()))


def _plain(dataset: h5py.Dataset) -> bool:
    """Whether values are numbers that NumPy has in the very bytes of the file."""
    if dataset.dtype.kind not in "iuf" or not dataset.shape or not dataset.size:
        return False
    return bool(h5py.h5t.py_create(dataset.dtype) == dataset.id.get_type())


def _gzip() -> Any:
    """What decompresses: ISA-L where it is installed, which is faster, or zlib."""
    try:
        from isal import isal_zlib
    except ImportError:
        return zlib
    return isal_zlib
