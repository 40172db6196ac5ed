"""Find files of frames and of indices: given themselves, in folders or in archives.

Nothing of an archive is written before all its entries were looked at: names that lead out
of the folder, links and devices are refused, and so is more than an archive of that size
can honestly hold or the disk can take.
"""

from __future__ import annotations

import lzma
import os
import re
import shutil
import stat
import struct
import tarfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO

from teadata.arrays import suffix_of
from teadata.arrays.decompression import decompression_limit
from teadata.errors import DataError, UsageError

FRAMES = {
    ".npz": "npz",
    ".xyz": "extxyz",
    ".extxyz": "extxyz",
    ".xyz.gz": "extxyz",
    ".extxyz.gz": "extxyz",
    ".h5": "hdf5",
    ".hdf5": "hdf5",
}
"""Suffixes of files of frames, and their formats."""

ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
"""Suffixes of archives."""

INDICES = (".csv", ".txt", ".dat", ".npy")
"""Suffixes of files that may list which frames train, validate and test."""

DEPTH = 3
"""Depth to which archives inside archives are opened."""

BLOCK = 1 << 20

DAMAGED = (zipfile.BadZipFile, tarfile.TarError, EOFError, zlib.error, lzma.LZMAError, struct.error)
"""What readers of archives raise for damaged ones."""


@dataclass(frozen=True)
class Found:
    """A file of frames: its path, its name for the user, and the given file that holds it."""

    path: Path
    label: str
    given: Path


@dataclass(frozen=True)
class PassedOver:
    """A file that is not taken, and why."""

    label: str
    why: str


@dataclass(frozen=True)
class Contents:
    """What was found: files of frames, files that may list indices, and all the others."""

    frames: list[Found]
    indices: list[Found]
    passed: list[PassedOver]


@dataclass(frozen=True)
class _Entry:
    """An entry of an archive, and how to open it; ``kind`` is file, folder or another kind."""

    name: str
    size: int
    kind: str
    open: Callable[[], IO[bytes]]


def find(paths: Sequence[Path], staging: Path) -> Contents:
    """Find all files in files, folders and archives, in order; hidden ones do not count.

    Parameters
    ----------
    paths
        What the user gave.
    staging
        Folder to unpack archives in.

    Raises
    ------
    UsageError
        If a path does not exist, or there is no file of frames.
    DataError
        If an archive is unsafe or damaged.
    """
    contents = Contents([], [], [])
    for path, label in _labels(paths).items():
        if path.is_dir():
            for file in _inside(path):
                name = f"{label}/{file.relative_to(path).as_posix()}"
                if file.is_file():
                    _sort(Found(file, name, file), contents, staging, DEPTH)
                else:
                    contents.passed.append(PassedOver(name, "a link to a file that is not here"))
        elif not path.is_file():
            raise UsageError(f"{path}: no such file or folder")
        else:
            _sort(Found(path, label, path), contents, staging, DEPTH)
    if not contents.frames:
        names = ", ".join(map(str, paths))
        raise UsageError(
            f"{names}: expected a file of frames ({', '.join(FRAMES)}), an archive "
            f"({', '.join(ARCHIVES)}) or a folder of them; found "
            f"{_listed([f.label for f in contents.indices] + [f.label for f in contents.passed])}"
        )
    return contents


def _inside(folder: Path) -> list[Path]:
    """The files in a folder and those below it, links to folders too; hidden ones do not count.

    Raises
    ------
    DataError
        If one of the folders cannot be read.
    """

    def refuse(error: OSError) -> None:
        raise DataError(
            f"{error.filename}: cannot be read ({error.strerror}); give the files that can be read "
            "themselves"
        )

    files, seen = [], set()
    for place, folders, names in os.walk(folder, onerror=refuse, followlinks=True):
        whole = os.path.realpath(place)
        if whole in seen:  # links that lead back, or twice to one folder
            folders.clear()
            continue
        seen.add(whole)
        folders[:] = sorted(name for name in folders if not _hidden(name))
        files += [Path(place, name) for name in names if not _hidden(name)]
    return sorted(path for path in files if path.is_file() or path.is_symlink())


def _labels(paths: Sequence[Path]) -> dict[Path, str]:
    """What the user knows each path by: its name, or more of it where two have the same."""
    # Path.resolve would give what a link leads to, which the user does not call it.
    parts = {Path(os.path.abspath(path)).parts: path for path in paths}  # noqa: PTH100
    labels = {}
    for whole, path in parts.items():
        depth = 1
        while sum(other[-depth:] == whole[-depth:] for other in parts) > 1:
            depth += 1
        labels[path] = "/".join(whole[-depth:])
    return labels


def _listed(labels: Sequence[str], most: int = 8) -> str:
    """Some labels of many."""
    return ", ".join(labels[:most]) + (" …" if len(labels) > most else "") or "nothing"


def given_files(paths: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """The files that are given themselves or in folders; archives are not opened.

    Returns
    -------
    frames, others
        Files of frames and archives; and those that may list indices.
    """
    files = [
        file
        for path in paths
        for file in (_inside(path) if path.is_dir() else [path])
        if file.is_file() and (path.is_dir() or not _hidden(file.name))
    ]
    frames = [file for file in files if _is_frames(file.name) or _is_archive(file.name)]
    return frames, [file for file in files if _is_indices(file.name)]


def _is_archive(name: str) -> bool:
    return name.lower().endswith(ARCHIVES)


def _hidden(name: str) -> bool:
    """Whether a part of a path is hidden, or what a Mac adds to archives."""
    return any(part.startswith((".", "__MACOSX")) for part in PurePosixPath(name).parts)


def _is_frames(name: str) -> bool:
    return suffix_of(Path(PurePosixPath(name).name)) in FRAMES


def _is_indices(name: str) -> bool:
    return name.lower().endswith(INDICES)


def _wanted(name: str) -> bool:
    """Whether a path has the suffix of frames, of indices or of an archive, and is not hidden."""
    kind = _is_frames(name) or _is_indices(name) or _is_archive(name)
    return kind and not _hidden(PurePosixPath(name).name)


def _sort(file: Found, contents: Contents, staging: Path, depth: int) -> None:
    """Put a file, or what an archive holds, where it belongs."""
    if _is_archive(file.label):
        _expand(file, contents, staging, depth)
    elif _is_frames(file.label):
        contents.frames.append(file)
    elif _is_indices(file.label):
        contents.indices.append(file)
    else:
        contents.passed.append(PassedOver(file.label, "no file of frames"))


def _expand(file: Found, contents: Contents, staging: Path, depth: int) -> None:
    """Open an archive and sort what it holds."""
    if depth == 0:
        raise DataError(f"{file.label}: archives within archives, {DEPTH} deep; unpack them first")
    staging.mkdir(parents=True, exist_ok=True)
    folder = staging / f"{len(list(staging.iterdir())):04d}"
    folder.mkdir()
    try:
        for path, name in _unpack(file, folder, contents):
            _sort(Found(path, f"{file.label}/{name}", file.given), contents, staging, depth - 1)
    except NotImplementedError as error:
        said = str(error).rstrip(".")
        raise DataError(
            f"{file.label}: is compressed in a way that is not read here ({said}); unpack the "
            "archive yourself, and ingest its files"
        ) from None
    except OSError as error:
        if error.errno is None:  # what bzip2 and gzip say of damaged data
            raise _damaged(file, error) from None
        if error.filename == str(file.path):
            raise DataError(f"{file.label}: cannot be read ({error.strerror})") from None
        raise DataError(
            f"{file.label}: cannot be unpacked to {staging} ({error.strerror}); make room there, "
            "or set TEADATA_HOME to another folder"
        ) from None
    except DAMAGED as error:
        raise _damaged(file, error) from None


def _damaged(file: Found, error: Exception) -> DataError:
    said = str(error).partition("\n")[0].rstrip(":")
    return DataError(f"{file.label}: the archive is truncated or damaged ({said}); copy it again")


def _unpack(file: Found, folder: Path, contents: Contents) -> Iterator[tuple[Path, str]]:
    """Unpack what an archive has of use; yields paths and names in the archive."""
    if file.path.name.lower().endswith(".zip"):
        with zipfile.ZipFile(file.path) as archive:
            yield from _extract(file, folder, list(_zip_entries(archive)), contents)
    else:
        with tarfile.open(file.path) as tar:
            entries = list(_tar_entries(tar))
            while tar.fileobj is not None and tar.fileobj.read(BLOCK):
                pass  # gzip has its checksum behind what belongs to the tar
            yield from _extract(file, folder, entries, contents)


def _zip_entries(archive: zipfile.ZipFile) -> Iterator[_Entry]:
    for info in archive.infolist():
        mode = info.external_attr >> 16
        kind = "folder" if info.is_dir() else "file"
        if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
            kind = "link" if stat.S_ISLNK(mode) else "device"
        if info.flag_bits & 1:
            kind = "encrypted file"
        yield _Entry(info.filename, info.file_size, kind, partial(archive.open, info))


def _tar_entries(archive: tarfile.TarFile) -> Iterator[_Entry]:
    for info in archive:
        kind = "file" if info.isreg() else "folder" if info.isdir() else "device"
        if info.issym() or info.islnk():
            kind = "link"

        def opened(info: tarfile.TarInfo = info) -> IO[bytes]:
            stream = archive.extractfile(info)
            assert stream is not None  # never None, since the entry is a regular file
            return stream

        yield _Entry(info.name, info.size, kind, opened)


def _check(file: Found, folder: Path, entries: Iterable[_Entry]) -> None:
    """Refuse an archive with a path that leads outside, a link or a device, or too many bytes."""
    total = 0
    for entry in entries:
        parts = PurePosixPath(entry.name.replace("\\", "/")).parts
        drive = re.match("[A-Za-z]:", entry.name)
        if ".." in parts or entry.name.startswith(("/", "\\")) or drive:
            raise DataError(
                f"{file.label}: the entry {entry.name!r} would be written outside the folder it "
                "is unpacked to; nothing of this archive is unpacked"
            )
        if entry.kind not in ("file", "folder"):
            raise DataError(
                f"{file.label}: the entry {entry.name!r} is a {entry.kind}, which is not "
                "unpacked; unpack the archive yourself, and ingest its files"
            )
        total += entry.size
    decompression_limit(file.path, total, file.label)
    free = shutil.disk_usage(folder).free
    if total > free:
        raise DataError(f"{file.label}: needs {total} bytes in {folder.parent}, {free} are free")


def _extract(
    file: Found, folder: Path, entries: list[_Entry], contents: Contents
) -> Iterator[tuple[Path, str]]:
    _check(file, folder, entries)
    files = [entry for entry in entries if entry.kind == "file" and not _hidden(entry.name)]
    wanted = [entry for entry in files if _wanted(entry.name)]
    if twice := [name for name, count in Counter(e.name for e in wanted).items() if count > 1]:
        raise DataError(
            f"{file.label}: two entries are called {twice[0]!r}; unpack the archive yourself, and "
            "ingest the file that is meant"
        )
    contents.passed.extend(
        PassedOver(f"{file.label}/{entry.name}", "no file of frames")
        for entry in files
        if not _wanted(entry.name)
    )
    for i, entry in enumerate(wanted):
        # Under a name of our own; the archive's is only shown.
        path = folder / f"{i:06d}-{PurePosixPath(entry.name).name}"
        with closing(entry.open()) as stream, open(path, "wb") as target:
            left = entry.size
            while left > 0 and (block := stream.read(min(BLOCK, left))):
                target.write(block)
                left -= len(block)
            if left or stream.read(1):
                raise DataError(f"{file.label}: {entry.name} is not as long as it says")
        yield path, entry.name
