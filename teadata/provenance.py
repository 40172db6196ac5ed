"""What a number can be traced back to: checksums and versions."""

from __future__ import annotations

import functools
import hashlib
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

from teadata.errors import DataError, UsageError

DISTRIBUTION = "tea-benchmark"

BESIDE = 1 << 24
"""Files of more bytes are hashed in a thread of their own."""


@functools.cache
def package_version() -> str:
    """Version of this software: the installed distribution's, set in pyproject.toml."""
    from importlib.metadata import version

    return version(DISTRIBUTION)


def sha256(path: Path) -> str:
    """SHA-256 of a file, as 64 hexadecimal digits, read in chunks."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, or of a folder: of the names and SHA-256 of all files in it."""
    if not path.is_dir():
        return sha256(path)
    files = sorted(file.relative_to(path).as_posix() for file in path.rglob("*") if file.is_file())
    lines = "".join(f"{sha256(path / name)}  {name}\n" for name in files)
    return hashlib.sha256(lines.encode()).hexdigest()


def hashing(path: Path) -> Callable[[], str]:
    """Start computing :func:`sha256_of` beside what else is done; the function waits for it.

    Hashing releases Python's lock.  A small file is hashed before this returns.
    """
    if not path.is_dir() and path.stat().st_size < BESIDE:
        digest = sha256(path)
        return lambda: digest
    pool = ThreadPoolExecutor(1)
    future = pool.submit(sha256_of, path)
    pool.shutdown(wait=False)
    return future.result


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
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
"""In a folder that a process holds."""


@contextmanager
def held(folder: Path, work: str, other: str) -> Iterator[None]:
    """Hold a folder, so that no other process works in it; the hold ends with a process.

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
    with replacing(path) as partial:
        partial.write_text(text, encoding="utf-8")
