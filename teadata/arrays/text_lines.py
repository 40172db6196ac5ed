"""Lines of a text file, plain or gzip, whatever ends them, and never too much of it at once."""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Protocol

from teadata.arrays.decompression import HARMLESS, RATIO
from teadata.errors import DataError

LONGEST = 1 << 24
"""Bytes that a line may have."""


class _Reads(Protocol):
    def read(self, size: int, /) -> bytes: ...


class _Bounded(io.RawIOBase):
    """A stream that ends in an error where a line is too long, or too much is decompressed."""

    def __init__(self, stream: _Reads, most: float, label: str) -> None:
        self.stream, self.most, self.label = stream, most, label
        self.size = self.line = 0

    def readable(self) -> bool:
        """That it can be read."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Fill a buffer."""
        data = self.stream.read(len(buffer))
        buffer[: len(data)] = data
        self.size += len(data)
        end = max(data.rfind(b"\n"), data.rfind(b"\r"))
        self.line = self.line + len(data) if end < 0 else len(data) - end - 1
        if self.size > self.most:
            raise DataError(
                f"{self.label}: decompresses to more than {self.most:.0f} bytes, over {RATIO} "
                "times its size; no data of this kind compress so well, so it is not read"
            )
        if self.line > LONGEST:
            raise DataError(
                f"{self.label}: has a line of more than {LONGEST} bytes; this is not extended XYZ"
            )
        return len(data)


@contextmanager
def open_lines(path: Path, label: str) -> Iterator[Iterator[str]]:
    """The lines of a text file in UTF-8, decompressed if its name ends on .gz.

    Lines may end on LF, CR LF or CR; a byte order mark is passed over.  A byte that is no UTF-8
    becomes a lone surrogate: :func:`mended` reads the text as Latin-1.

    Raises
    ------
    DataError
        If it is in UTF-16, has a line of more than :data:`LONGEST` bytes, or decompresses to
        implausibly much.
    """
    packed = path.suffix.lower() == ".gz"
    most = max(HARMLESS, RATIO * path.stat().st_size) if packed else float("inf")
    with open(path, "rb") as file, gzip.GzipFile(fileobj=file) if packed else file as stream:
        buffered = io.BufferedReader(_Bounded(stream, most, label), 1 << 17)
        if buffered.peek(2)[:2] in (b"\xff\xfe", b"\xfe\xff"):
            raise DataError(f"{label}: is text in UTF-16; save it in UTF-8")
        with io.TextIOWrapper(buffered, "utf-8-sig", "surrogateescape") as lines:
            yield lines


@contextmanager
def open_text(path: Path, packed: bool) -> Iterator[IO[str]]:
    """A text file in UTF-8 to be written, compressed or not; the same text gives the same bytes."""
    with open(path, "wb") as file:
        stream = gzip.GzipFile("", "wb", fileobj=file, mtime=0) if packed else file
        with io.TextIOWrapper(stream, "utf-8", newline="\n") as text:
            yield text


def mended(text: str) -> str:
    """A text whose bytes were no UTF-8, read as Latin-1; others as they are."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogateescape").decode("latin-1")
    return text
