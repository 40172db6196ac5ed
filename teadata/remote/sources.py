"""Where the bytes of a file come from: Zenodo, a mirror's URL, or a mirror's folder."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.parse import quote

from teadata.errors import DataError
from teadata.remote import settings
from teadata.remote.http import Patience, TransientError, answer, opened_session
from teadata.remote.record import Record, RemoteFile

if TYPE_CHECKING:
    from requests import Response, Session

CHUNK = 32 * 1024
"""Bytes read at a time, and the most that a lost connection can cost."""


class Source(Protocol):
    """A source that can send a file from any byte on."""

    def opened(self, offset: int) -> AbstractContextManager[tuple[int, Iterator[bytes]]]:
        """The bytes from `offset` on, or from an earlier start; the start comes with them."""


class HttpSource:
    """A file at a URL."""

    def __init__(self, session: Session, url: str, file: RemoteFile, patience: Patience) -> None:
        self.session = session
        self.url = url
        self.file = file
        self.patience = patience
        self.ranges = True

    @contextmanager
    def opened(self, offset: int) -> Iterator[tuple[int, Iterator[bytes]]]:
        """The bytes from `offset` on, or all if the server sends all.

        Raises
        ------
        TransientError
            If the server sends other bytes than asked for, or announces a wrong length.
        """
        asked = offset if self.ranges else 0
        headers = {"Range": f"bytes={asked}-"} if asked else {}
        with answer(self.session, self.url, self.patience, headers) as response:
            start = self._start(response, asked)
            # undecoded: the checksum is of the file, whatever a server makes of .gz
            yield start, response.raw.stream(CHUNK, decode_content=False)

    def _start(self, response: Response, asked: int) -> int:
        """The byte at which the answer begins, checked against what was asked for."""
        total, status = self.file.bytes, response.status_code
        if status == 200:
            self.ranges, start = True, 0
        else:
            span = response.headers.get("Content-Range", "")
            match = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+|\*)", span)
            whole = match is not None and match[3] in {str(total), "*"}
            if status != 206 or not (whole and match and int(match[1]) == asked > 0):
                # what is here may be the server's mistake or ours: next time, ask for all
                self.ranges = False
                raise TransientError(
                    f"asked for bytes from {asked} on of {total}, found status {status} with "
                    f"Content-Range {span!r}"
                )
            start = asked
        length = response.headers.get("Content-Length")
        if length is not None and length != str(total - start):
            raise TransientError(f"expected {total - start} bytes, the server announces {length}")
        return start


class FolderSource:
    """A file in a mirror's folder."""

    def __init__(self, path: Path, file: RemoteFile) -> None:
        self.path = path
        self.file = file

    @contextmanager
    def opened(self, offset: int) -> Iterator[tuple[int, Iterator[bytes]]]:
        """The bytes from `offset` on.

        Raises
        ------
        DataError
            If the file is not there, not readable, or of another size.
        """
        try:
            size = self.path.stat().st_size
        except OSError as error:
            raise DataError(
                f"{self.path}: not in the mirror ({error.strerror}); expected "
                f"{self.file.bytes} bytes there. Add the file, or unset TEADATA_MIRROR"
            ) from None
        if size != self.file.bytes:
            raise DataError(
                f"{self.path}: expected {self.file.bytes} bytes in the mirror, found {size}; "
                "copy the file again, or unset TEADATA_MIRROR"
            )
        yield offset, self._chunks(offset)

    def _chunks(self, offset: int) -> Iterator[bytes]:
        try:
            with open(self.path, "rb") as stream:
                stream.seek(offset)
                while chunk := stream.read(CHUNK):
                    yield chunk
        except OSError as error:
            raise DataError(f"{self.path}: cannot be read ({error.strerror})") from None


@contextmanager
def opened_source(record: Record, file: RemoteFile, patience: Patience) -> Iterator[Source]:
    """The source of a file, as ``TEADATA_MIRROR`` says."""
    mirror = settings.mirror()
    if isinstance(mirror, Path):
        yield FolderSource(mirror / record.id / file.name, file)
        return
    url = f"{mirror}/{record.id}/{quote(file.name)}" if mirror else file.url
    with opened_session() as session:
        yield HttpSource(session, url, file, patience)
