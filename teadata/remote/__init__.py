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
    "LockEntry": "teadata.remote.lock",
    "NetworkError": "teadata.remote.http",
    "Patience": "teadata.remote.http",
    "Progress": "teadata.remote.progress",
    "Record": "teadata.remote.record",
    "RemoteFile": "teadata.remote.record",
    "Silent": "teadata.remote.progress",
    "UnreachableError": "teadata.remote.http",
    "bytes_here": "teadata.remote.download",
    "fetch_file": "teadata.remote.download",
    "fetch_files": "teadata.remote.download",
    "file_path": "teadata.remote.download",
    "home": "teadata.remote.settings",
    "lock_path": "teadata.remote.lock",
    "mirror": "teadata.remote.settings",
    "offline": "teadata.remote.settings",
    "read_lock": "teadata.remote.lock",
    "record_id": "teadata.remote.zenodo",
    "resolve": "teadata.remote.zenodo",
    "shown": "teadata.remote.progress",
    "size_text": "teadata.remote.progress",
    "zenodo_url": "teadata.remote.settings",
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
