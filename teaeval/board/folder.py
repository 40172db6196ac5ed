"""The files of a submission: only regular files of its own folder, of a bounded size."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from teadata.errors import DataError, PathError

SUFFIXES = (".npz", ".parquet", ".xyz", ".extxyz")
"""Formats of predictions on a board; others can refer to files outside, or unpack to any size."""

MOST_BYTES = 2 << 30
"""Bytes of a prediction file."""

MOST_RECORD = 1 << 25
"""Bytes of a record, of a training, a score, simulations or hydrogen."""

MOST_FILES = 2000
"""Files of a submission."""


def regular(folder: Path, name: str, most: int) -> Path:
    """The path of a file below a folder, after a look at every part of it.

    Parameters
    ----------
    folder
        The submission.
    name
        The file's path below it.
    most
        Bytes that it may have.

    Raises
    ------
    DataError
        If it is not there, too large, or a part of its path is a link, a device, or the like.
    """
    path = folder
    parts = name.split("/")
    for n, part in enumerate(parts):
        path = path / part
        try:
            there = path.lstat()
        except OSError as error:
            said = (
                "is not in the folder" if isinstance(error, FileNotFoundError) else error.strerror
            )
            raise DataError(f"{name}: {said}") from None
        if stat.S_ISLNK(there.st_mode):
            raise DataError(f"{name}: is a link, or below one; put the file itself there")
        expected = stat.S_ISDIR if n < len(parts) - 1 else stat.S_ISREG
        if not expected(there.st_mode):
            raise DataError(f"{name}: is no file, expected one")
    if there.st_size > most:
        raise DataError(f"{name}: {there.st_size} bytes, expected {most} at most")
    return path


def read_bytes(folder: Path, name: str, most: int) -> bytes:
    """The content of a file below a folder; see :func:`regular`."""
    path = regular(folder, name, most)
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    with open(descriptor, "rb") as stream:
        content = stream.read(most + 1)
    if len(content) > most:
        raise DataError(f"{name}: is longer than {most} bytes")
    return content


def copy(folder: Path, name: str, to: Path, most: int) -> None:
    """Copy a file of a submission; a link that takes its place meanwhile is not followed."""
    path = regular(folder, name, most)
    target = to / name
    target.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with open(descriptor, "rb") as stream, open(target, "xb") as out:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise DataError(f"{name}: is no file, expected one")
        left = most
        while piece := stream.read(min(1 << 20, left + 1)):
            left -= len(piece)
            if left < 0:
                raise DataError(f"{name}: is longer than {most} bytes")
            out.write(piece)


def names(folder: Path) -> Iterator[str]:
    """The paths of all that is in a submission, links not followed, hidden names left out.

    Raises
    ------
    PathError
        If there is no such folder.
    DataError
        If there are more than :data:`MOST_FILES`.
    """
    if not folder.is_dir():
        raise PathError(f"{folder}: no such folder, expected a submission")
    count = 0
    for root, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            if name.startswith("."):
                continue
            count += 1
            if count > MOST_FILES:
                raise DataError(f"{folder}: holds more than {MOST_FILES} files")
            yield (Path(root) / name).relative_to(folder).as_posix()
