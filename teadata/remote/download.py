"""Files of a record, downloaded once: whole and checked, or not at all.

A file comes to its place by one rename, after its size, the record's checksum and the lock
have been checked and its entry in the lock file is written.  Until then its bytes are in a
partial file, which any later run continues.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from teadata.errors import DataError
from teadata.remote import settings
from teadata.remote.http import (
    NetworkError,
    Patience,
    Retries,
    TransientError,
    UnreachableError,
)
from teadata.remote.lock import (
    check_description,
    check_sha256,
    exclusive,
    read_lock,
    write_entry,
)
from teadata.remote.progress import Progress, Silent, size_text
from teadata.remote.record import Record, RemoteFile
from teadata.remote.sources import Source, opened_source
from teadata.remote.zenodo import advice

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def file_path(record: Record, file: RemoteFile) -> Path:
    """Path of a file once it is fetched."""
    return settings.record_folder(record.id) / "files" / file.name


def _partial_path(record: Record, file: RemoteFile) -> Path:
    # the checksum in the name: parts of one content are never continued with another
    _, digest = file.digest
    return settings.record_folder(record.id) / "partial" / f"{file.name}.{digest[:8]}"


def bytes_here(record: Record, file: RemoteFile) -> int:
    """Bytes of a file that are here already; all of them if it is in place.

    Raises
    ------
    DataError
        If the record gives no checksum for the file.
    """
    for path in (file_path(record, file), _partial_path(record, file)):
        if path.is_file():
            return path.stat().st_size
    return 0


def fetch_files(
    record: Record,
    names: Iterable[str] | None = None,
    *,
    pins: Mapping[str, str] | None = None,
    dataset: str | None = None,
    patience: Patience | None = None,
    progress: Progress | None = None,
) -> list[Path]:
    """Fetch files of a record, one after another.

    Parameters
    ----------
    record
        The record, as :func:`~teadata.remote.zenodo.resolve` returns it.
    names
        The files' names; by default all of the record.
    pins, dataset, patience, progress
        As for :func:`fetch_file`.

    Returns
    -------
    list of Path
        Where they lie, in the order of the names.

    Raises
    ------
    UsageError
        If the record has no file of such a name; nothing is downloaded then.
    NetworkError, DataError
        As :func:`fetch_file` does, at the first file that cannot be had.
    """
    files = record.files if names is None else [record.file(name) for name in names]
    return [
        fetch_file(record, file, pins=pins, dataset=dataset, patience=patience, progress=progress)
        for file in files
    ]


def fetch_file(
    record: Record,
    file: RemoteFile,
    *,
    pins: Mapping[str, str] | None = None,
    dataset: str | None = None,
    patience: Patience | None = None,
    progress: Progress | None = None,
) -> Path:
    """Fetch one file unless it is here; its content is checked either way.

    Parameters
    ----------
    record, file
        What to fetch.
    pins
        SHA-256 by file name, from a card; outranks the lock file.
    dataset
        Id of the dataset that it is wanted for, named in the advice when there is no network.
    patience
        How long to try.
    progress
        Told of every step.

    Returns
    -------
    Path
        Where it lies: ``<home>/records/<record id>/files/<name>``.

    Raises
    ------
    NetworkError
        If it is not here and cannot be downloaded.  What was downloaded is continued next time.
    DataError
        If the content is not what it must be, here or there; if the disk is full.
    """
    path, pins, progress = file_path(record, file), pins or {}, progress or Silent()
    # without the lock first: what is complete works in a cache that cannot be written
    if path.is_file() and _check_in_place(record, file, path, pins, progress)[0]:
        return path
    for folder in ("files", "partial", "locks"):
        _make(settings.record_folder(record.id) / folder)
    guard = settings.record_folder(record.id) / "locks" / f"{file.name}.lock"
    name = file.name
    with exclusive(guard, lambda: progress.message(f"{name}: waiting for another process")):
        if path.is_file():  # from a process that was quicker, or one killed before the entry
            locked, sha256 = _check_in_place(record, file, path, pins, progress)
            if not locked:
                write_entry(record.id, file, sha256)
            return path
        _refuse_offline(record, file, dataset)
        if name not in pins:
            check_description(record, file)
        partial = _partial_path(record, file)
        with _advised(record, dataset), _disk(file, partial):
            sha256 = _download(record, file, partial, patience or Patience(), progress)
            _admit(record, file, partial, sha256, pins)
    return path


def _check_in_place(
    record: Record, file: RemoteFile, path: Path, pins: Mapping[str, str], progress: Progress
) -> tuple[bool, str]:
    """Check a file in place: whether the lock has it as it is here, and its SHA-256."""
    entry = read_lock(record.id).get(file.name)
    if entry or file.name in pins:
        sha256 = _digests(path)["sha256"]
    else:
        algorithm, expected = file.digest
        digests = _digests(path, algorithm)
        if digests[algorithm] != expected:
            raise DataError(
                f"{path}: expected {algorithm} {expected} (says record {record.id}), found "
                f"{digests[algorithm]}. Remove the file and fetch it again"
            )
        sha256 = digests["sha256"]
    locked = check_sha256(record, file, sha256, where=path, pins=pins)
    if entry and entry.checksum != file.checksum:
        progress.message(
            f"{file.name}: record {record.id} now says {file.checksum}; the file locked on "
            f"{entry.date} is used"
        )
    return locked, sha256


def _download(
    record: Record, file: RemoteFile, partial: Path, patience: Patience, progress: Progress
) -> str:
    """Complete the partial file and check it; returns its SHA-256."""
    algorithm, expected = file.digest
    with opened_source(record, file, patience) as source:
        for last in (False, True):
            _complete(file, partial, source, Retries(file.name, patience, progress), progress)
            digests = _digests(partial, algorithm)
            digest = digests[algorithm]
            if digest == expected:
                return digests["sha256"]
            partial.unlink()
            if not last:
                progress.message(
                    f"{file.name}: {algorithm} is {digest} and not {expected}; once more from the "
                    "first byte"
                )
    where = os.environ.get("TEADATA_MIRROR") or file.url
    raise DataError(
        f"{file.name}: expected {algorithm} {expected} (says record {record.id}), found {digest} "
        f"twice in what {where} sends. Nothing was kept. If it stays so, the file there, or a "
        "proxy on the way, is damaged"
    )


def _complete(
    file: RemoteFile, partial: Path, source: Source, retries: Retries, progress: Progress
) -> None:
    """Download the rest of the partial file, over as many connections as it takes."""
    partial.touch()
    if partial.stat().st_size > file.bytes:
        os.truncate(partial, 0)
    furthest = partial.stat().st_size
    while (here := partial.stat().st_size) < file.bytes:
        _check_space(file, partial, file.bytes - here)
        try:
            _append(file, partial, source, here, progress)
        except TransientError as failure:
            reached = partial.stat().st_size
            retries.after(failure, progressed=reached > furthest)
            furthest = max(furthest, reached)


def _append(
    file: RemoteFile, partial: Path, source: Source, offset: int, progress: Progress
) -> None:
    """Append what one connection sends to the partial file.

    Unbuffered: whatever ends the process, all that was received is in the file.
    """
    with source.opened(offset) as (start, chunks), open(partial, "r+b", buffering=0) as stream:
        stream.truncate(start)
        stream.seek(start)
        progress.start(file.name, file.bytes, start)
        for chunk in chunks:
            if stream.tell() + len(chunk) > file.bytes:
                stream.truncate(0)
                raise TransientError(f"expected {file.bytes} bytes, the server sends more")
            rest = memoryview(chunk)
            while rest:
                rest = rest[stream.write(rest) :]
            progress.advance(len(chunk))
        if stream.tell() < file.bytes:
            raise TransientError(
                f"expected {file.bytes} bytes, the connection ended after {stream.tell()}"
            )


def _admit(
    record: Record, file: RemoteFile, partial: Path, sha256: str, pins: Mapping[str, str]
) -> None:
    """Write a checked file's lock entry, then move it into place; both are flushed to disk."""
    locked = check_sha256(record, file, sha256, where=partial, pins=pins)
    with open(partial, "rb") as stream:
        os.fsync(stream.fileno())
    if not locked:
        write_entry(record.id, file, sha256)
    path = file_path(record, file)
    os.replace(partial, path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _digests(path: Path, *algorithms: str) -> dict[str, str]:
    """A file's hexadecimal digests, SHA-256 always among them, in one pass."""
    hashes = {name: hashlib.new(name, usedforsecurity=False) for name in {"sha256", *algorithms}}
    try:
        with open(path, "rb") as stream:
            while chunk := stream.read(1 << 20):
                for value in hashes.values():
                    value.update(chunk)
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from None
    return {name: value.hexdigest() for name, value in hashes.items()}


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(
            f"{folder}: cannot be made ({error.strerror}); set TEADATA_HOME to a folder that can "
            "be written"
        ) from None


def _refuse_offline(record: Record, file: RemoteFile, dataset: str | None) -> None:
    if settings.offline() and not isinstance(settings.mirror(), Path):
        raise NetworkError(
            f"{file.name} of record {record.id} is not here (expected at "
            f"{file_path(record, file)}), and TEADATA_OFFLINE forbids to download it "
            f"({size_text(file.bytes)}). Unset it, or: {_advice(record, dataset)}"
        )


def _advice(record: Record, dataset: str | None) -> str:
    return (
        f"{advice(record.doi, dataset)}; or set TEADATA_MIRROR to a folder or URL that has it as "
        f"<mirror>/{record.id}/<file name>"
    )


@contextmanager
def _advised(record: Record, dataset: str | None) -> Iterator[None]:
    """Add what to do to a network error."""
    try:
        yield
    except NetworkError as error:
        mirror = settings.mirror()
        note = f" (TEADATA_MIRROR is {mirror}; unset it to ask Zenodo)" if mirror else ""
        if not isinstance(error, UnreachableError):
            raise NetworkError(f"{error}{note}") from None
        raise UnreachableError(f"{error}{note}. {_advice(record, dataset)}") from None


@contextmanager
def _disk(file: RemoteFile, partial: Path) -> Iterator[None]:
    """Turn errors of the file system into one that says what to do."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            here = partial.stat().st_size if partial.is_file() else 0
            raise _full(file, partial, file.bytes - here, error.strerror) from None
        raise DataError(f"{partial.parent}: cannot be written ({error.strerror})") from None


def _check_space(file: RemoteFile, partial: Path, needed: int) -> None:
    if shutil.disk_usage(partial.parent).free < needed:
        raise _full(file, partial, needed, "not enough space")


def _full(file: RemoteFile, partial: Path, needed: int, reason: str | None) -> DataError:
    free = shutil.disk_usage(partial.parent).free
    return DataError(
        f"{file.name}: {reason} at {partial.parent}: {needed} bytes ({size_text(needed)}) are "
        f"still needed, {free} ({size_text(free)}) are free. Make space there and run the "
        "command again: it continues where it stopped; or set TEADATA_HOME to another disk"
    )
