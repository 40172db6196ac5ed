"""Folders that are written whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from teadata.errors import DataError, UsageError
from teadata.files import replace_folder, staging


@contextmanager
def atomic_folder(path: Path, mark: str, kind: str) -> Iterator[Path]:
    """A temporary folder that takes the place of `path`, or of what it links to, in the end.

    Parameters
    ----------
    path
        Where to; a folder of the same kind, or an empty one, is replaced.
    mark
        Name of a file that every folder of this kind has.
    kind
        What such a folder is, for messages.

    Raises
    ------
    UsageError
        If the path has no name.
    DataError
        If it is another folder or a file, or cannot be written.
    """
    target = Path(os.path.realpath(path)) if path.is_symlink() else path
    if not target.name:
        raise UsageError(f"{str(path)!r} is not the name of a folder; give one, e.g. out")
    try:
        with staging(target.parent) as place:
            _check_replaceable(path, mark, kind)
            folder = place / target.name
            folder.mkdir()
            yield folder
            replace_folder(folder, target, place)
    except OSError as error:
        # NumPy, whose files it writes itself, says only how many values fitted
        short = error.errno is None and "requested and" in str(error)
        why = "no space left on the device" if short else error.strerror or error
        raise DataError(f"{path}: cannot be written ({why})") from None


def _check_replaceable(path: Path, mark: str, kind: str) -> None:
    """Refuse to replace anything but a folder of this kind, or an empty one."""
    if path.exists() and not path.is_dir():
        raise DataError(f"{path}: cannot be written: a file is there, no {kind}; move it away")
    if path.is_dir() and any(path.iterdir()) and not (path / mark).is_file():
        raise DataError(f"{path}: is a folder but no {kind}, and is not replaced; move it away")
