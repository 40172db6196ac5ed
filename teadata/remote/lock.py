"""The lock file: a file that was downloaded once must have the same content ever after."""

from __future__ import annotations

import datetime
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

from pydantic import Field, TypeAdapter, ValidationError

from teadata.errors import DataError
from teadata.files import atomic_write
from teadata.remote import settings
from teadata.remote.record import FileName, Record, RemoteFile
from teadata.schema import StrictModel

LOCK = "lock.json"


class LockEntry(StrictModel):
    """A file as it was when first downloaded: size in bytes, checksums, day (UTC).

    ``checksum`` is the one of the record at that time, as ``"md5:…"``.
    """

    bytes: Annotated[int, Field(ge=0)]
    checksum: str
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    date: datetime.date


_ENTRIES = TypeAdapter(dict[FileName, LockEntry])


@contextmanager
def exclusive(path: Path, waiting: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Let one process at a time run the block; the lock is freed even if the process is killed.

    Parameters
    ----------
    path
        A file for the lock, which stays behind, empty.
    waiting
        Called once if another process holds it.

    Raises
    ------
    DataError
        If the file cannot be made.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(path)
    try:
        try:
            lock.acquire(timeout=0)
        except Timeout:
            waiting()
            lock.acquire(poll_interval=0.2)
    except OSError as error:
        raise DataError(
            f"{path}: cannot be made or locked ({error.strerror or error}); set TEADATA_HOME to "
            "a folder that can be written"
        ) from None
    try:
        yield
    finally:
        lock.release()


def lock_path(record_id: str) -> Path:
    """The lock file of a record."""
    return settings.record_folder(record_id) / LOCK


def read_lock(record_id: str) -> dict[str, LockEntry]:
    """The entries of a record's lock file, by file name; none if there is no such file.

    Raises
    ------
    DataError
        If the file is damaged.
    """
    path = lock_path(record_id)
    try:
        return _ENTRIES.validate_json(path.read_bytes())
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from None
    except ValidationError as error:
        raise DataError(
            f"{path}: not a lock file ({error.errors()[0]['msg']}). It says which downloads are "
            "trusted: restore it; or remove it, and what is here is checked against the record "
            "again"
        ) from None


def write_entry(record_id: str, file: RemoteFile, sha256: str) -> None:
    """Add a file to the record's lock file, or replace its entry, in one step.

    Raises
    ------
    DataError
        If the lock file is damaged or cannot be written.
    """
    path = lock_path(record_id)
    today = datetime.datetime.now(datetime.UTC).date()
    entry = LockEntry(bytes=file.bytes, checksum=file.checksum, sha256=sha256, date=today)
    # read again under the lock: other processes may have added entries
    with exclusive(path.with_name(f"{LOCK}.lock")):
        entries = read_lock(record_id) | {file.name: entry}
        text = _ENTRIES.dump_json(dict(sorted(entries.items())), indent=2)
        with atomic_write(path) as partial, open(partial, "wb") as stream:
            stream.write(text + b"\n")
            stream.flush()
            os.fsync(stream.fileno())


def check_description(record: Record, file: RemoteFile) -> None:
    """Refuse a file that the record describes differently now than when it was locked.

    Raises
    ------
    DataError
        If size or checksum are others.
    """
    entry = read_lock(record.id).get(file.name)
    if entry is None or (entry.bytes, entry.checksum) == (file.bytes, file.checksum):
        return
    raise DataError(
        f"{file.name} of record {record.id} is not what it was: expected {entry.bytes} bytes with "
        f"{entry.checksum}, as locked on {entry.date}; the record now says {file.bytes} bytes "
        f"with {file.checksum}. Nothing was downloaded. {_remedy(record, file)}"
    )


def check_sha256(
    record: Record, file: RemoteFile, sha256: str, *, where: Path, pins: Mapping[str, str]
) -> bool:
    """Refuse content whose SHA-256 is not the pinned one or, without a pin, the locked one.

    Parameters
    ----------
    record, file
        What the content should be.
    sha256
        SHA-256 of the content.
    where
        Where the content lies, for the message.
    pins
        SHA-256 by file name, as a card gives them.

    Returns
    -------
    bool
        Whether the lock file says the same already; if not, there is an entry to write.

    Raises
    ------
    DataError
        If the content is another.
    """
    entry = read_lock(record.id).get(file.name)
    locked = entry.sha256 if entry else None
    expected = pins.get(file.name, locked)
    if expected in (None, sha256):
        return locked == sha256
    said_by = "the dataset's card" if file.name in pins else str(lock_path(record.id))
    raise DataError(
        f"{where}: expected sha256 {expected} (says {said_by}), found {sha256}. "
        f"{_remedy(record, file)}"
    )


def _remedy(record: Record, file: RemoteFile) -> str:
    return (
        f"If {settings.record_folder(record.id) / 'files' / file.name} is damaged, remove it and "
        "fetch again. If the publisher replaced the file, the new content is a new version: ask "
        f"for that record; or, to accept it here, remove {file.name!r} from "
        f"{lock_path(record.id)} and remove the file"
    )
