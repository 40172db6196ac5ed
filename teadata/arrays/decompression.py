"""Compressed files: small ones that claim to hold huge arrays, and misnamed ones, are refused."""

from __future__ import annotations

import shlex
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


SIGNATURES = {
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\xfd7zXZ\x00": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"PK\x03\x04": "zip",
}
"""The first bytes of compressed files, and what compresses them."""

SUFFIXES = {".gz": "gzip", ".bz2": "bzip2", ".xz": "xz"}
"""Suffixes of compressed files that some reader takes: gzip of text, all of them of ASE's."""

MOST_BYTES = max(map(len, SIGNATURES))
"""Bytes of a file that tell how it is compressed."""


def compression(head: bytes) -> str | None:
    """How a file is compressed that begins with these bytes; None if it is not."""
    return next((name for begin, name in SIGNATURES.items() if head.startswith(begin)), None)


def compressed_as(path: Path) -> str | None:
    """How a file is compressed, whatever its name; None if it is not, or cannot be read."""
    try:
        with open(path, "rb") as file:
            return compression(file.read(MOST_BYTES))
    except OSError:
        return None


def misnamed(path: Path, label: str, expected: str | None) -> str:
    """What is wrong with a file that is compressed in another way than its name says.

    Parameters
    ----------
    path
        The file.
    label
        How errors name it; a command is given where that is its path.
    expected
        How files of its name are compressed; None where they are not.

    Returns
    -------
    str
        What is wrong and what to do; empty if nothing is, or the file cannot be read.
    """
    found = compressed_as(path)
    if found == expected or (found is None and expected not in SUFFIXES.values()):
        return ""
    said = f"is {found}-compressed, which its name does not say; "
    if found is None:
        said = f"is not {expected}-compressed, which its name says; "
    given = shlex.quote(str(path))
    if found is None or (found == "gzip" and path.suffix.lower() in (".xyz", ".extxyz")):
        right = path.with_suffix("") if found is None else path.with_name(f"{path.name}.gz")
        return f"{said}name it {right.name}" + _by(
            label, path, f"mv {given} {shlex.quote(str(right))}"
        )
    bare = path.with_suffix("") if expected in SUFFIXES.values() else path
    plain = bare.with_stem(f"{bare.stem}-plain")
    tool = "unzip -p" if found == "zip" else f"{found} -dc <"
    return f"{said}decompress it" + _by(label, path, f"{tool} {given} > {shlex.quote(str(plain))}")


def _by(label: str, path: Path, command: str) -> str:
    """The command that does it, where the file is of this machine."""
    return f": {command}" if label == str(path) else ""
