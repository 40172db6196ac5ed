"""Arrays of an npz archive, decompressed as they are read, never unpickled."""

from __future__ import annotations

import math
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy

from teadata.arrays.base import ArrayFile
from teadata.arrays.decompression import decompression_limit
from teadata.arrays.zip_members import common_folder, members
from teadata.typing import Array


class _Stream:
    """An array in an archive: its header, then a few rows at a time."""

    def __init__(self, stream: IO[bytes], size: int) -> None:
        library: Any = npy  # numpy has no types for these
        read = library.read_array_header_1_0
        if library.read_magic(stream) != (1, 0):
            read = library.read_array_header_2_0
        self.shape: tuple[int, ...]
        self.dtype: np.dtype[Any]
        self.shape, self.fortran, self.dtype = read(stream)
        wanted = math.prod(self.shape) * self.dtype.itemsize
        if any(type(length) is not int or length < 0 for length in self.shape) or (
            not self.dtype.hasobject and wanted != size - stream.tell()
        ):
            raise ValueError(
                f"an array of shape {self.shape} has {wanted} bytes, and its file has "
                f"{size - stream.tell()}"
            )
        self.stream = stream

    def end(self) -> None:
        """Read to the end, where the archive's checksum is compared."""
        if self.stream.read(1):
            raise EOFError("an array has bytes behind its last row")

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
        If it is no npz, truncated, claims to hold implausibly more than its size, or has an
        array twice; on use of an array that is pickled.
    """

    def _packed(self) -> str | None:
        return "zip"

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
            found = members(archive, self.error)
            arrays = [name for name in found if name.endswith(".npy")]
            folder = common_folder(arrays)
            self._members, self._headers = {}, {}
            for member in arrays:
                name = member.removeprefix(folder).removesuffix(".npy")
                if member.removesuffix(".npy") in found:
                    raise self.error(f"holds {name} and {name}.npy; keep the right one")
                with archive.open(member) as stream:
                    self._headers[name] = _Stream(stream, found[member].file_size)
                self._members[name] = member

    @contextmanager
    def _damage(self) -> Iterator[None]:
        try:
            yield
        except (zipfile.BadZipFile, EOFError, zlib.error) as error:
            raise self.error(
                f"the npz archive is truncated or damaged ({error}); copy it again, or write "
                "it again if its writer was interrupted"
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
        self._check(name)
        with (
            self._reading("npz file"),
            self._damage(),
            zipfile.ZipFile(self.path) as archive,
            archive.open(self._members[name]) as stream,
        ):
            library: Any = npy
            found = np.asarray(library.read_array(stream, allow_pickle=False))
            while stream.read(1 << 16):  # to the end, where the checksum is compared
                pass
            return found

    def pieces(self, names: Sequence[str], rows: int) -> Iterator[dict[str, Array]]:
        """Read arrays together, `rows` rows at a time; one in Fortran order is read whole."""
        for name in names:
            self._check(name)
        # Values of one row lie all over an array in Fortran order.
        whole = {name: self.whole(name) for name in names if self._scattered(name)}
        count = self.shape(names[0])[0] if names else 0
        with self._reading("npz file"), self._damage(), ExitStack() as stack:
            archive = stack.enter_context(zipfile.ZipFile(self.path))
            streams = {
                name: _Stream(
                    stack.enter_context(archive.open(self._members[name])),
                    archive.getinfo(self._members[name]).file_size,
                )
                for name in names
                if name not in whole
            }
            for start in range(0, count, rows):
                some = min(rows, count - start)
                yield {
                    name: whole[name][start : start + some]
                    if name in whole
                    else streams[name].rows(some)
                    for name in names
                }
            for stream in streams.values():
                stream.end()

    def _scattered(self, name: str) -> bool:
        header = self._headers[name]
        return header.fortran and len(header.shape) > 1

    def _check(self, name: str) -> None:
        if self._headers[name].dtype.hasobject:
            raise self.error(
                f"{name} holds pickled Python objects, which are never loaded because they can "
                "run code; save plain arrays (no dtype=object) with numpy.savez"
            )
