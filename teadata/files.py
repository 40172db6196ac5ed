"""Write files whole or not at all; let only one process at a time work in a folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from teadata.errors import DataError, UsageError


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """A temporary path that takes the place of `path` if the block succeeds.

    The file at `path` is either the old one or the whole new one; a failed block leaves
    nothing behind.

    Raises
    ------
    DataError
        If the file cannot be written: no such folder, no permission, disk full.
    """
    partial = path.with_name(f".{os.getpid()}.{path.name}")
    try:
        yield partial
        os.replace(partial, path)
    except OSError as error:
        raise DataError(f"{path}: cannot be written ({error.strerror or error})") from None
    finally:
        with suppress(OSError):
            partial.unlink()


LOCK_FILE = ".lock"
"""Name of the lock file in a folder that a process works in."""


@contextmanager
def locked(folder: Path, work: str, other: str) -> Iterator[None]:
    """Lock a folder against other processes; the lock is freed even if the process is killed.

    Parameters
    ----------
    folder
        An existing folder.
    work
        What a process does there: ``training``.
    other
        What to choose instead: ``another folder``.

    Raises
    ------
    UsageError
        If another process holds it.
    """
    from filelock import FileLock, Timeout

    try:
        with FileLock(folder / LOCK_FILE, timeout=0):
            yield
    except Timeout:
        raise UsageError(
            f"{folder}: another process is {work} here; wait for it, or choose {other}"
        ) from None


def write_text(path: Path, text: str) -> None:
    """Write a text file in one step."""
    with atomic_write(path) as partial:
        partial.write_text(text, encoding="utf-8")
