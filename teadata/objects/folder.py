"""A folder of objects, as Zarr writes one, of which every object is fetched once."""

from __future__ import annotations

import hashlib
import shutil
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

from teadata.errors import DataError, PathError
from teadata.locations import RemoteFile
from teadata.objects.access import (
    ChangedError,
    asked,
    explain,
    filesystem,
    forget,
    identity_of,
    read_object,
)
from teadata.objects.digests import digests
from teadata.objects.temporary import temporary_folder

MOST_KEPT = 1 << 33
"""Bytes of objects that are kept on the disk of this machine, at most half of what is free."""

READERS = 8
"""Objects that are fetched at a time for a checksum."""

LOCKS = 256
"""Locks for objects that are being fetched."""


class RemoteFolder:
    """A folder of objects on a store: their names and sizes, and their contents when asked for.

    Objects that were fetched are kept in a temporary folder, up to :data:`MOST_KEPT` bytes, since
    checks look at some of them again.  Another process gets this object without the list, for a
    piece of the work: it fetches what it is asked for, and keeps that in memory.

    Parameters
    ----------
    remote
        Its address.

    Attributes
    ----------
    sizes : dict of str to int
        Bytes of each object, by its name in the folder.

    Raises
    ------
    PathError
        If there is nothing under this address, or a file.
    DataError
        If it may not be read, or nobody answers.
    """

    def __init__(self, remote: RemoteFile) -> None:
        self.remote = remote
        self._known = self._listed()
        if not self._known:
            fs, path = filesystem(remote)
            entry = asked(remote, lambda: fs.info(path))  # the error says what is missing
            kind = "an empty folder" if entry.get("type") == "directory" else "one object"
            raise PathError(f"{remote}: is {kind}, expected a folder of Zarr")
        self.sizes = {name: size for name, (size, _) in self._known.items()}
        self._kept = _Kept()
        self._elsewhere = False
        self._sha256: str | None = None

    def __getstate__(self) -> tuple[RemoteFile, Mapping[str, bytes]]:
        names = self._read if self._elsewhere else self.sizes
        return self.remote, {name: self.read(name) for name in names if _is_metadata(name)}

    def __setstate__(self, state: tuple[RemoteFile, dict[str, bytes]]) -> None:
        self.remote, self._read = state
        self._known, self.sizes = {}, {}
        self._elsewhere, self._sha256 = True, None

    def _listed(self) -> dict[str, tuple[int, str]]:
        """Size and identity of each object by its name."""
        fs, path = filesystem(self.remote)
        forget(fs, path)
        root = path.rstrip("/") + "/"

        def listed() -> Mapping[str, Any]:
            found: Mapping[str, Any] = fs.find(path, detail=True)
            return found

        try:
            entries = asked(self.remote, listed)
        except PathError:
            entries = {}
        return {
            name.removeprefix(root): (int(entry.get("size") or 0), identity_of(entry))
            for name, entry in entries.items()
            if name.startswith(root) and not name.endswith("/")
        }

    def __contains__(self, name: object) -> bool:
        if not self._elsewhere:
            return name in self._known
        # What is no metadata is a chunk, whose presence was checked where the list is.
        return name in self._read or not _is_metadata(str(name))

    def read(self, name: str) -> bytes:
        """The content of an object.

        Raises
        ------
        DataError
            If it was changed or removed since the folder was listed, or cannot be read.
        """
        if self._elsewhere:
            if name not in self._read:  # of a piece, all is kept: a shard is asked for repeatedly
                self._read[name] = self._fetched(name)
            return self._read[name]
        with self._kept.lock(name):  # a second thread waits for what the first fetches
            if (content := self._kept.get(name)) is None:
                content = self._fetched(name)
                self._kept.put(name, content)
        return content

    def _fetched(self, name: str) -> bytes:
        """The content of an object, from the store."""
        fs, path = filesystem(self.remote)
        expected = None if self._elsewhere else self._known[name][1]
        try:
            content, identity = read_object(self.remote, fs, f"{path.rstrip('/')}/{name}", expected)
        except PathError:
            raise DataError(
                f"{self.remote}: {name} was removed while the folder was read; wait until what "
                "writes it is done, and try again"
            ) from None
        digests.note((f"{self.remote}/{name}", identity), content)
        return content

    def sha256(self) -> str:
        """SHA-256 of the names and SHA-256 of all objects, as of a folder on this machine.

        Only objects that neither this process nor a worker has fetched are fetched now.

        Raises
        ------
        DataError
            If an object was changed, added or removed since the folder was listed.
        """
        if self._sha256 is not None:
            return self._sha256
        names = sorted(self._known)
        missing = [name for name in names if self._digest(name) is None]
        with ThreadPoolExecutor(READERS) as pool:
            for _ in pool.map(self.read, missing):
                pass
        if self._listed() != self._known or any(self._digest(name) is None for name in names):
            explain(self.remote, ChangedError())
        lines = "".join(f"{self._digest(name)}  {name}\n" for name in names)
        self._sha256 = hashlib.sha256(lines.encode()).hexdigest()
        return self._sha256

    def _digest(self, name: str) -> str | None:
        return digests.get((f"{self.remote}/{name}", self._known[name][1]))


def _is_metadata(name: str) -> bool:
    return name.rpartition("/")[2] in METADATA


METADATA: Sequence[str] = ("zarr.json", ".zgroup", ".zattrs", ".zmetadata", ".zarray")
"""Names of the files that say what groups and arrays are."""


class _Kept:
    """Contents of objects in a temporary folder, which is removed with this object."""

    def __init__(self) -> None:
        self._folder = temporary_folder(self)
        self._room = min(MOST_KEPT, shutil.disk_usage(self._folder).free // 2)
        self._files: dict[str, Path] = {}
        self._lock = threading.Lock()
        self._locks = [threading.Lock() for _ in range(LOCKS)]

    def lock(self, name: str) -> threading.Lock:
        """The lock that who fetches an object holds; some objects share one."""
        return self._locks[hash(name) % LOCKS]

    def get(self, name: str) -> bytes | None:
        """The content of an object, if it is kept."""
        file = self._files.get(name)
        return None if file is None else file.read_bytes()

    def put(self, name: str, content: bytes) -> None:
        """Keep the content of an object if there is room."""
        with self._lock:
            if name in self._files or len(content) > self._room:
                return
            self._room -= len(content)
            file = self._folder / str(len(self._files))
            with suppress(OSError):
                file.write_bytes(content)
                self._files[name] = file
