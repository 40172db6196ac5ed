"""Write files whole or not at all; let only one process at a time work in a folder.

What is written is made in a staging folder beside its place: ``.tea-`` and 16 random digits.  The
process that works there holds a lock on it, which the system frees if the process is killed.  So
the next process that writes there knows what was left behind, puts back what the killed one had
moved away, and removes the rest.
"""

from __future__ import annotations

import difflib
import os
import secrets
import shlex
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from teadata.errors import DataError, EmptyFileError, PathError, UsageError
from teadata.locations import refuse_address

STAGING = ".tea-"
"""How the names of staging folders begin."""

OLD = "old"
"""Folder of a staging folder that holds what is being replaced, under its name."""


def check_input(path: Path, *, folders: bool = False) -> None:
    """Refuse what is no file to read, before it is opened: a pipe would never end.

    Parameters
    ----------
    path
        What is to be read.
    folders
        Whether it may be a folder.

    Raises
    ------
    PathError
        If there is nothing, a folder, a device, a FIFO or a socket.
    EmptyFileError
        If it is an empty file.
    DataError
        If it cannot be looked at.
    """
    refuse_address(path)
    try:
        if not path.exists():
            recover(path.parent)  # a store, if a process was killed while it replaced it
        there = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        raise PathError(f"{path}: {_why_missing(path)}") from None
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: cannot be read ({error})") from None
    if stat.S_ISDIR(there.st_mode):
        if not folders:
            raise PathError(f"{path}: is a folder, expected one file")
    elif not stat.S_ISREG(there.st_mode):
        raise PathError(f"{path}: is a device, pipe or socket, expected a file; save it to a file")
    elif there.st_size == 0:
        raise EmptyFileError(
            f"{path}: is empty (0 bytes): what should have written it wrote nothing"
        )


def check_folder(folder: Path, expected: str) -> None:
    """Refuse a path that is no folder.

    Parameters
    ----------
    folder
        The path.
    expected
        What the folder should be, and how one is made.

    Raises
    ------
    PathError
        If there is nothing, or a file.
    """
    if not folder.exists():
        raise PathError(f"{folder}: no such folder{_near(folder, True)}; expected {expected}")
    if not folder.is_dir():
        raise PathError(f"{folder}: is a file, expected {expected}")


def _why_missing(path: Path) -> str:
    """Why there is no file, as far as can be seen, and the name that may have been meant."""
    if path.is_symlink():
        return "is a link that leads nowhere"
    folder = path.parent
    if not folder.is_dir():
        return f"no such file; {folder} is {'a file' if folder.exists() else 'no folder'}"
    return f"no such file{_near(path)}"


def _near(path: Path, folders: bool = False) -> str:
    """The name beside a path that may have been meant, as a question; empty if none is near."""
    with suppress(OSError):
        beside = os.scandir(path.parent)
        names = [entry.name for entry in beside if not folders or entry.is_dir()]
        if close := difflib.get_close_matches(path.name, names, n=1, cutoff=0.8):
            return f" (did you mean {str(path.with_name(close[0]))!r}?)"
    return ""


def check_output(path: Path) -> None:
    """Refuse a file that could not be written, before the work whose result it is.

    Raises
    ------
    PathError
        If its folder does not exist.
    UsageError
        If the path is a folder with the suffix of a file, a device, a FIFO or a socket.
    DataError
        If nothing can be written in its folder.
    """
    refuse_address(path, output=True)
    store = path.suffix.lower() in ("", ".zarr") and path.is_dir()  # replaced if of its kind
    folder = (path if store else destination(path)).parent
    if not folder.exists():
        made = shlex.quote(str(folder))
        raise PathError(
            f"{path}: cannot be written, there is no folder {folder}; to make it: mkdir -p {made}"
        )
    if not folder.is_dir():
        raise PathError(f"{path}: cannot be written, {folder} is no folder but a file")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise DataError(f"{path}: cannot be written (no permission to write in {folder})")


def destination(path: Path) -> Path:
    """Where a file is really written: the path itself, or the target of a symbolic link.

    Raises
    ------
    UsageError
        If the path names no file, or something that is no regular file: a folder, a device, a
        FIFO or a socket.  Nothing of the kind is ever replaced.
    """
    refuse_address(path, output=True)
    if not path.name:
        raise UsageError(
            f"{str(path)!r} is not the name of a file; give one, e.g. out{path.suffix}"
        )
    try:
        target = Path(os.path.realpath(path)) if path.is_symlink() else path
        there = path.stat()
    except FileNotFoundError:
        return target
    except OSError as error:
        raise DataError(f"{path}: cannot be written ({error.strerror or error})") from None
    if stat.S_ISDIR(there.st_mode):
        raise UsageError(f"{path}: is a folder; expected the name of a file")
    same = target.exists() and os.path.samestat(there, target.stat())
    if not stat.S_ISREG(there.st_mode) or not same:
        raise UsageError(
            f"{path}: is not a regular file but a device, a FIFO or a socket, and is not replaced; "
            "give the name of a file"
        )
    return target


def _lock(folder: Path) -> int | None:
    """Lock a folder; None if the file system has no locks.

    Raises
    ------
    BlockingIOError
        If another process holds it.
    """
    import fcntl

    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise
    except OSError:
        os.close(handle)
        return None
    return handle


@contextmanager
def staging(folder: Path) -> Iterator[Path]:
    """A new folder in `folder` to make something in; it is removed at the end.

    What killed processes left there is removed, and what they had moved away is put back.

    Raises
    ------
    OSError
        If it cannot be made.
    """
    recover(folder)
    place, handle = _new_staging(folder)
    try:
        yield place
    finally:
        _put_back(place, folder)
        shutil.rmtree(place, ignore_errors=True)
        if handle is not None:
            os.close(handle)


def _new_staging(folder: Path) -> tuple[Path, int | None]:
    """A new staging folder, and its lock where there are locks."""
    while True:
        place = folder / f"{STAGING}{secrets.token_hex(8)}"
        place.mkdir()
        try:
            handle = _lock(place)
            if handle is None or os.path.samestat(os.fstat(handle), place.stat()):
                return place, handle
        except (BlockingIOError, FileNotFoundError):
            continue  # another process took it for a leftover before it was locked


def recover(folder: Path) -> None:
    """Put back what killed processes had moved away in a folder, and remove what they left."""
    try:
        left = [entry for entry in os.scandir(folder) if entry.name.startswith(STAGING)]
    except OSError:
        return
    for entry in left:
        with suppress(OSError):
            place = Path(entry.path)  # a process at work there holds its lock
            if (handle := _lock(place)) is None:
                continue
            try:
                _put_back(place, folder)
                shutil.rmtree(place, ignore_errors=True)
            finally:
                os.close(handle)


def _put_back(place: Path, folder: Path) -> None:
    """Move what a process had moved away back, unless something else is there now."""
    if (place / OLD).is_dir():
        for old in (place / OLD).iterdir():
            if not os.path.lexists(folder / old.name):
                os.replace(old, folder / old.name)


def contents(folder: Path) -> set[str]:
    """Names of what is in a folder, without what killed processes left behind."""
    return {entry.name for entry in folder.iterdir() if not entry.name.startswith(STAGING)}


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """A temporary path that takes the place of `path` if the block succeeds.

    The file at `path` is either the old one or the whole new one; a failed block leaves nothing
    behind.  Where `path` is a symbolic link, its target is written.

    Raises
    ------
    UsageError
        If the path is a folder, a device, a FIFO or a socket.
    DataError
        If the file cannot be written: no such folder, no permission, disk full.
    """
    target = destination(path)
    try:
        with staging(target.parent) as place:
            partial = place / target.name
            yield partial
            os.replace(partial, target)
    except OSError as error:
        raise DataError(f"{path}: cannot be written ({error.strerror or error})") from None


def replace_folder(new: Path, path: Path, place: Path) -> None:
    """Move a finished folder to `path`; the one that is there goes into the staging folder.

    Between the two moves neither is at `path`: if the second fails, :func:`staging` puts the old
    one back, and if the process is killed, :func:`recover` does.

    Raises
    ------
    OSError
        If one of them cannot be moved.
    """
    if not path.exists():
        os.replace(new, path)
        return
    old = place / OLD / path.name
    old.parent.mkdir()
    os.replace(path, old)  # os.replace does not replace a folder that has content
    os.replace(new, path)


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


@contextmanager
def reserved(path: Path, work: str) -> Iterator[None]:
    """Keep other processes from making the same file; the lock is freed if the process is killed.

    Parameters
    ----------
    path
        The file that will be written; a lock file is beside it meanwhile.
    work
        What a process does: ``predicting``.

    Raises
    ------
    UsageError
        If another process makes this file.
    DataError
        If the lock file cannot be made.
    """
    import fcntl

    lock = path.with_name(f".{path.name}{LOCK_FILE}")
    try:
        handle = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError as error:
        raise DataError(f"{path}: cannot be written ({error.strerror or error})") from None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        free = os.fstat(handle).st_nlink > 0  # else its holder has just removed it
    except BlockingIOError:
        free = False
    except OSError:  # a file system without locks
        free = True
    try:
        if not free:
            raise UsageError(
                f"{path}: another process is {work} it; wait for it, or choose another file"
            )
        yield
    finally:
        if free:
            with suppress(OSError):
                lock.unlink()
        os.close(handle)


def write_text(path: Path, text: str) -> None:
    """Write a text file in one step."""
    with atomic_write(path) as partial:
        partial.write_text(text, encoding="utf-8")
