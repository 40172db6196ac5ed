"""Members of a zip archive, before any of them is read."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterable

from teadata.errors import DataError

MOST = 1_000_000
"""Members that an archive may have."""


def members(
    archive: zipfile.ZipFile, error: Callable[[str], DataError]
) -> dict[str, zipfile.ZipInfo]:
    """The files of an archive by name.

    Parameters
    ----------
    archive
        The archive.
    error
        Makes an error that names it.

    Raises
    ------
    DataError
        If a name is there twice with different contents, or there are more than :data:`MOST`.
    """
    found: dict[str, zipfile.ZipInfo] = {}
    for info in archive.infolist():
        if info.is_dir() or info.filename.startswith("__MACOSX/"):
            continue
        first = found.setdefault(info.filename, info)
        if (first.CRC, first.file_size) != (info.CRC, info.file_size):
            raise error(f"holds {info.filename} twice, with different contents; keep the right one")
        if len(found) > MOST:
            raise error(f"holds more than {MOST} members")
    return found


def common_folder(names: Iterable[str]) -> str:
    """The folder that all names lie in, with its slash; empty if they do not lie in one."""
    folders = {name.partition("/")[0] if "/" in name else "" for name in names}
    folder = folders.pop() if len(folders) == 1 else ""
    return f"{folder}/" if folder else ""
