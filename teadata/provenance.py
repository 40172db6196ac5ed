"""Checksums and versions, which trace a number back to its sources."""

from __future__ import annotations

import functools
import hashlib
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

DISTRIBUTION = "tea-benchmark"

BESIDE = 1 << 24
"""Files larger than this many bytes are hashed in another thread."""

SMALL, LARGE = 1 << 18, 1 << 22
"""Bytes of a file that are hashed in one go: of most files, and of those that are larger."""


@functools.cache
def package_version() -> str:
    """Version of this software: the installed distribution's, set in pyproject.toml."""
    from importlib.metadata import version

    return version(DISTRIBUTION)


PAPER_URL = "https://doi.org/10.1039/d4sc06529h"
"""Where the TEA Challenge is published, which says what this software is for."""


@functools.cache
def project_url() -> str:
    """Address of this software, as the distribution states it; without one, of the Challenge."""
    from importlib.metadata import metadata

    stated = metadata(DISTRIBUTION).get_all("Project-URL") or []
    return next((text.partition(",")[2].strip() for text in stated), PAPER_URL)


def sha256(path: Path) -> str:
    """SHA-256 of a file, as 64 hexadecimal digits, read in chunks.

    Between two chunks it waits for Python's lock, which other threads may hold for milliseconds.
    So chunks of large files are larger than those of :func:`hashlib.file_digest`, of 256 kB.
    """
    digest = hashlib.sha256()
    with open(path, "rb", buffering=0) as stream:
        size = os.fstat(stream.fileno()).st_size
        content = memoryview(bytearray(LARGE if size > LARGE else SMALL))
        while count := stream.readinto(content):
            digest.update(content[:count])
    return digest.hexdigest()


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, or of a folder: of the names and SHA-256 of all files in it."""
    if not path.is_dir():
        return sha256(path)
    files = sorted(file.relative_to(path).as_posix() for file in path.rglob("*") if file.is_file())
    lines = "".join(f"{sha256(path / name)}  {name}\n" for name in files)
    return hashlib.sha256(lines.encode()).hexdigest()


def hashing(path: Path) -> Callable[[], str]:
    """Start computing :func:`sha256_of` in the background; call what is returned to get it.

    Hashing releases Python's lock.  A small file is hashed before this returns.
    """
    if not path.is_dir() and path.stat().st_size < BESIDE:
        digest = sha256(path)
        return lambda: digest
    pool = ThreadPoolExecutor(1)
    future = pool.submit(sha256_of, path)
    pool.shutdown(wait=False)
    return future.result
