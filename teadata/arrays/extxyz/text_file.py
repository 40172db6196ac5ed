"""Bytes of a text file, plain or gzip, whatever ends its lines, and never too many at once."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from teadata.arrays.decompression import HARMLESS, RATIO, compression
from teadata.errors import DataError

LONGEST = 1 << 24
"""Bytes that a line may have."""

READ = 1 << 20
"""Bytes that are read from a file at a time."""


class _Reads(Protocol):
    def read(self, size: int, /) -> bytes: ...


class Writes(Protocol):
    """What bytes can be written to."""

    def write(self, data: bytes, /) -> int:
        """Write bytes."""
        ...


class TextFile:
    """The bytes of a text file in UTF-8; lines that end on CR LF or CR end on LF here.

    A byte order mark is passed over.

    Raises
    ------
    DataError
        While it is read: if it is in UTF-16 or compressed, has a line of more than
        :data:`LONGEST` bytes, or decompresses to more than `most` bytes.
    """

    def __init__(self, stream: _Reads, most: float, label: str) -> None:
        self.stream, self.most, self.label = stream, most, label
        self.size = self.line = 0
        self._waiting = b""

    def read(self, size: int, before: bytes = b"") -> bytes:
        """What was read `before`, and the next bytes behind it.

        These are `size` or more; fewer at the end of the file, and none after.
        """
        pieces, wanted = [before], size
        while wanted > 0 and (piece := self._piece(min(wanted, READ))):
            pieces.append(piece)
            wanted -= len(piece)
        return b"".join(pieces)

    def _piece(self, size: int) -> bytes:
        """The next bytes, about `size` of them; none at the end of the file."""
        start = self.size == 0
        data = self._raw(size)
        while start and len(data) < 3 and (more := self._raw(size)):
            data += more
        self.size += len(data)
        if self.size > self.most:
            raise DataError(
                f"{self.label}: decompresses to more than {self.most:.0f} bytes, over {RATIO} "
                "times its size; no data of this kind compress so well, so it is not read"
            )
        if start:
            if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
                raise DataError(f"{self.label}: is text in UTF-16; save it in UTF-8")
            if (kind := compression(data)) is not None:
                raise DataError(
                    f"{self.label}: is compressed twice, by {kind} and then by gzip; decompress "
                    "it once"
                )
            data = data.removeprefix(b"\xef\xbb\xbf")
        if b"\r" in data:
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        end = data.rfind(b"\n")
        self.line = self.line + len(data) if end < 0 else len(data) - end - 1
        if self.line > LONGEST:
            raise DataError(
                f"{self.label}: has a line of more than {LONGEST} bytes; this is not extended XYZ"
            )
        return data

    def _raw(self, size: int) -> bytes:
        """The next bytes as they are; a CR at their end waits for the LF that may follow."""
        while True:
            read = self.stream.read(size)
            data, self._waiting = self._waiting + read, b""
            if not read or not data.endswith(b"\r"):
                return data
            data, self._waiting = data[:-1], b"\r"
            if data:
                return data


@contextmanager
def open_text(path: Path, label: str) -> Iterator[TextFile]:
    """Open a text file to be read, decompressed if its name ends on .gz."""
    packed = path.suffix.lower() == ".gz"
    most = max(HARMLESS, RATIO * path.stat().st_size) if packed else float("inf")
    with open(path, "rb") as file, gzip.GzipFile(fileobj=file) if packed else file as stream:
        yield TextFile(stream, most, label)


@contextmanager
def create_text(path: Path, packed: bool) -> Iterator[Writes]:
    """Open a file to be written, compressed or not; the same content gives the same bytes."""
    with open(path, "wb") as file:
        if not packed:
            yield file
            return
        with gzip.GzipFile("", "wb", fileobj=file, mtime=0) as stream:
            yield stream
