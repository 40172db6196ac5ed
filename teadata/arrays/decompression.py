"""A limit on decompression: refuse small files that claim to hold huge arrays."""

from __future__ import annotations

from pathlib import Path

from teadata.errors import DataError
from teadata.objects.folder import RemoteFolder

HARMLESS = 1 << 30
"""Bytes that any file may hold once decompressed."""

RATIO = 100
"""A larger content is accepted up to this many times the file's size: floats compress to half,
zeros to a thousandth."""


def decompression_limit(path: Path | RemoteFolder, size: int, label: str) -> None:
    """Refuse a file or folder that claims to hold implausibly many bytes.

    Raises
    ------
    DataError
        If it claims to hold more than :data:`HARMLESS` bytes and more than
        :data:`RATIO` times its own size.
    """
    if isinstance(path, RemoteFolder):
        packed = sum(path.sizes.values())
    else:
        files = path.rglob("*") if path.is_dir() else [path]
        packed = sum(file.stat().st_size for file in files if file.is_file())
    if size > max(HARMLESS, RATIO * packed):
        raise DataError(
            f"{label}: {packed} bytes that claim to hold {size}, over {RATIO} times as much; "
            "no data of this kind compress so well, so it is not read"
        )
