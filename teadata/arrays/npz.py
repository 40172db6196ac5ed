"""Arrays of an npz archive, decompressed as they are read, never unpickled."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy

from teadata.arrays.base import ArrayFile
from teadata.arrays.decompression import decompression_limit
from teadata.typing import Array


class _Stream:
    """An array in an archive: its header, then a few rows at a time."""

    def __init__(self, stream: IO[bytes]) -> None:
        library: Any = npy  # numpy has no types for these
        read = library.read_array_header_1_0
        if library.read_magic(stream) != (1, 0):
            read = library.read_array_header_2_0
        self.shape: tuple[int, ...]
        self.dtype: np.dtype[Any]
        self.shape, self.fortran, self.dtype = read(stream)
        self.stream = stream

    def rows(self, count: int) -> Array:
        """Read the next rows."""
        size = count * int(np.prod(self.shape[1:])) * self.dtype.itemsize
        data = self.stream.read(size)
        if len(data) < size:
            raise EOFError("an array ends before its last row")
        return np.frombuffer(data, self.dtype).reshape(count, *self.shape[1:])


class NpzFile(ArrayFile):
    """An npz archive.

    Raises
    ------
    DataError
        If it is no npz, truncated, or claims to hold implausibly more than its size; on use of
        an array that is pickled, or in an order that cannot be read row by row.
    """

    def _open(self) -> None:
        with self._reading("npz file"), self._damage(), open(self.path, "rb") as stream:
            if stream.read(4) != b"PK\x03\x04":
                raise self.error(
                    "not an npz file (it does not start as a zip archive); write it with "
                    "numpy.savez"
                )
        with self._reading("npz file"), self._damage(), zipfile.ZipFile(self.path) as archive:
            decompression_limit(
                self.path, sum(info.file_size for info in archive.infolist()), self.label
            )
            self._headers = {}
            for name in archive.namelist():
                if name.endswith(".npy"):
                    with archive.open(name) as stream:
                        self._headers[name.removesuffix(".npy")] = _Stream(stream)

    @contextmanager
    def _damage(self) -> Iterator[None]:
        try:
            yield
        except (zipfile.BadZipFile, EOFError, zlib.error) as error:
            raise self.error(
                f"the npz archive is truncated or damaged ({error}); copy it again"
            ) from None

    @property
    def names(self) -> Sequence[str]:
        """Names of the arrays."""
        return list(self._headers)

    def shape(self, name: str) -> tuple[int, ...]:
        """Shape of an array."""
        return self._headers[name].shape

    def dtype(self, name: str) -> np.dtype[Any]:
        """Type of an array's values."""
        return self._headers[name].dtype

    def whole(self, name: str) -> Array:
        """Read a whole array."""
        if self._headers[name].dtype.hasobject:
            self._check(name)
        with (
            self._reading("npz file"),
            self._damage(),
            zipfile.ZipFile(self.path) as archive,
            archive.open(f"{name}.npy") as stream,
        ):
            library: Any = npy
            return np.asarray(library.read_array(stream, allow_pickle=False))

    def pieces(self, names: Sequence[str], rows: int) -> Iterator[dict[str, Array]]:
        """Read arrays together, `rows` rows at a time."""
        for name in names:
            self._check(name)
        count = self.shape(names[0])[0] if names else 0
        with self._reading("npz file"), self._damage(), ExitStack() as stack:
            archive = stack.enter_context(zipfile.ZipFile(self.path))
            streams = {
                name: _Stream(stack.enter_context(archive.open(f"{name}.npy"))) for name in names
            }
            for start in range(0, count, rows):
                some = min(rows, count - start)
                yield {name: stream.rows(some) for name, stream in streams.items()}

    def _check(self, name: str) -> None:
        header = self._headers[name]
        if header.dtype.hasobject:
            raise self.error(
                f"{name} holds pickled Python objects, which are never loaded because they can "
                "run code; save plain arrays (no dtype=object) with numpy.savez"
            )
        if header.fortran and len(header.shape) > 1:
            raise self.error(
                f"{name} is in Fortran order, which cannot be read frame by frame; save "
                "numpy.ascontiguousarray of it"
            )
