"""Temporary copies of remote files, for what reads only files of this machine."""

from __future__ import annotations

import functools
import hashlib
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from teadata.errors import DataError, EmptyFileError, PathError
from teadata.locations import RemoteFile
from teadata.objects.access import (
    ChangedError,
    asked,
    entry_of,
    filesystem,
    forget,
    identity_of,
    tried,
)
from teadata.objects.temporary import temporary_folder

BLOCK = 1 << 24
"""Bytes of a request."""

SPARE = 1 << 26
"""Bytes that stay free on the disk of the copies."""


def described(remote: RemoteFile) -> Mapping[str, Any]:
    """What a store says of a file: its size, its ETag.

    Raises
    ------
    PathError
        If there is no such file, or it is a folder.
    EmptyFileError
        If it has no bytes.
    DataError
        If it may not be read, or nobody answers.
    """
    fs, path = filesystem(remote)
    entry = asked(remote, lambda: _fresh(fs, path))
    if entry.get("type") == "directory":
        raise PathError(
            f"{remote}: is a folder, and of folders only those of Zarr are read from there, "
            f"named .zarr; copy it first: {remote.copying}"
        )
    if entry.get("size") == 0:
        raise EmptyFileError(
            f"{remote}: is empty (0 bytes): what should have written it wrote nothing"
        )
    return entry


def has_beside(remote: RemoteFile, ending: str) -> bool:
    """Whether there is a file whose name has this ending more.

    One that may not be looked at counts as none: a store says that of files that do not exist, to
    those who may not list them.

    Raises
    ------
    DataError
        If nobody answers.
    """
    filesystem(remote)  # an error names the file itself
    fs, path = filesystem(remote.beside(ending))

    def look() -> bool:
        try:
            return bool(_fresh(fs, path).get("size"))
        except (FileNotFoundError, PermissionError):
            return False

    return asked(remote, look)


class LocalCopy:
    """A copy of a remote file in a temporary folder, which is removed with this object.

    Parameters
    ----------
    remote
        The file: it is fetched once, in order, a block at a time.

    Attributes
    ----------
    path : Path
        The copy; it has the name of the file.
    sha256 : str
        The SHA-256 of the file.

    Raises
    ------
    PathError
        If there is no such file, or it is a folder.
    DataError
        If it cannot be read, is changed meanwhile, or has no room here.
    """

    def __init__(self, remote: RemoteFile) -> None:
        self.remote = remote
        fs, path = filesystem(remote)
        entry = described(remote)
        size = entry.get("size")
        folder = temporary_folder(self)
        self._check_room(folder, size or 0)
        self.path = folder / remote.name
        try:
            self.sha256 = self._fetch(fs, path, entry)
        except OSError as error:
            raise DataError(
                f"{remote}: its copy in {folder.parent} cannot be written "
                f"({error.strerror or error}); TMPDIR names another folder"
            ) from None

    def __reduce__(self) -> tuple[Any, ...]:
        """As the address: another process that does not see this copy makes its own."""
        return _again, (self.remote, self.path, self.sha256)

    def _check_room(self, folder: Path, size: int) -> None:
        free = shutil.disk_usage(folder).free
        if size + SPARE > free:
            raise DataError(
                f"{self.remote}: has {size} bytes, and {folder.parent} has room for {free}; name a "
                "folder on a larger disk with TMPDIR, or write it as a folder of Zarr, which is "
                "read in pieces"
            )

    def _fetch(self, fs: Any, path: str, entry: Any) -> str:
        """Copy the file, and give its SHA-256."""
        digest, size, done = hashlib.sha256(), entry.get("size"), 0
        with open(self.path, "wb") as copy:
            while size is None or done < size:
                block = tried(self.remote, lambda: self._block(fs, path, entry, done))  # noqa: B023
                if not block:
                    break
                copy.write(block)
                digest.update(block)
                done += len(block)
        if identity_of(asked(self.remote, lambda: _fresh(fs, path))) != identity_of(entry):
            tried(self.remote, _changed)
        return digest.hexdigest()

    def _block(self, fs: Any, path: str, entry: Any, start: int) -> bytes:
        """Read a block of the file as it was at first."""
        with fs.open(path, "rb", cache_type="none") as stream:
            if identity_of(entry_of(stream, fs, path)) != identity_of(entry):
                raise ChangedError
            stream.seek(start)
            wanted = BLOCK if entry.get("size") is None else min(BLOCK, entry["size"] - start)
            block = bytes(stream.read(wanted))
        if len(block) < wanted and entry.get("size") is not None:
            raise OSError(f"{len(block)} bytes came of {wanted}")
        return block


def _fresh(fs: Any, path: str) -> Mapping[str, Any]:
    """What the store says of a file now."""
    forget(fs, path)
    entry: Mapping[str, Any] = fs.info(path)
    return entry


def _again(remote: RemoteFile, path: Path, sha256: str) -> LocalCopy:
    """The copy that another process made, or one of the same content that this process makes."""
    if path.exists():
        copy = LocalCopy.__new__(LocalCopy)
        copy.remote, copy.path, copy.sha256 = remote, path, sha256
        return copy
    return _own(remote, sha256)


@functools.lru_cache(maxsize=4)
def _own(remote: RemoteFile, sha256: str) -> LocalCopy:
    """The copy of this process; it is made once, however many pieces are read."""
    copy = LocalCopy(remote)
    if copy.sha256 != sha256:
        tried(remote, _changed)
    return copy


def _changed() -> None:
    raise ChangedError
