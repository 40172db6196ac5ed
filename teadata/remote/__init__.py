"""Files of Zenodo records, downloaded once and trusted by checksum.

>>> from teadata import remote
>>> record = remote.resolve("10.5281/zenodo.14138387")  # doctest: +SKIP
>>> remote.fetch_files(record)  # doctest: +SKIP
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from teadata.lazy import exports

if TYPE_CHECKING:
    from teadata.remote.download import bytes_here, fetch_file, fetch_files, file_path
    from teadata.remote.http import NetworkError, Patience, UnreachableError
    from teadata.remote.lock import LockEntry, lock_path, read_lock
    from teadata.remote.progress import Progress, Silent, shown, size_text
    from teadata.remote.record import Record, RemoteFile
    from teadata.remote.settings import home, mirror, offline, zenodo_url
    from teadata.remote.zenodo import record_id, resolve

_HOME = {
    "LockEntry": "lock",
    "NetworkError": "http",
    "Patience": "http",
    "Progress": "progress",
    "Record": "record",
    "RemoteFile": "record",
    "Silent": "progress",
    "UnreachableError": "http",
    "bytes_here": "download",
    "fetch_file": "download",
    "fetch_files": "download",
    "file_path": "download",
    "home": "settings",
    "lock_path": "lock",
    "mirror": "settings",
    "offline": "settings",
    "read_lock": "lock",
    "record_id": "zenodo",
    "resolve": "zenodo",
    "shown": "progress",
    "size_text": "progress",
    "zenodo_url": "settings",
}

__all__ = [
    "LockEntry",
    "NetworkError",
    "Patience",
    "Progress",
    "Record",
    "RemoteFile",
    "Silent",
    "UnreachableError",
    "bytes_here",
    "fetch_file",
    "fetch_files",
    "file_path",
    "home",
    "lock_path",
    "mirror",
    "offline",
    "read_lock",
    "record_id",
    "resolve",
    "shown",
    "size_text",
    "zenodo_url",
]

__getattr__, __dir__ = exports(__name__, _HOME)
