"""Open files of labelled frames, which are read a piece at a time.

Positions and forces are never all in memory; the frames of a file may be of several systems.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from teadata.arrays import format_of, open_arrays, suffix_of
from teadata.arrays.images import ImageFile
from teadata.create.array_reader import ArrayReader
from teadata.create.fields import Keys
from teadata.create.image_reader import ImageReader
from teadata.create.options import Input
from teadata.create.reader import Reader
from teadata.errors import UsageError

LOGS = (".out", ".log")
"""Suffixes of outputs that are only taken of a folder which holds nothing else."""


def files_in(item: Input) -> list[Input]:
    """The file itself, or the files of frames in a folder, by name.

    Raises
    ------
    UsageError
        If a folder holds none.
    """
    path = item.path
    if not path.is_dir() or format_of(path) is not None:
        return [item]
    inside = sorted(file for file in path.rglob("*") if _is_frames(file, path))
    sure = [file for file in inside if suffix_of(file) not in LOGS]
    if not inside:
        raise UsageError(f"{path}: no files of frames in this folder")
    return [replace(item, path=file) for file in sure or inside]


def _is_frames(file: Path, root: Path) -> bool:
    """Whether a path in a folder is a file of frames, not hidden, and not a part of another."""
    between = [root / above for above in file.relative_to(root).parents if above != Path()]
    hidden = any(part.startswith(".") for part in file.relative_to(root).parts)
    whole = not any(format_of(above) for above in between)
    return not hidden and whole and format_of(file) is not None


def labels(inputs: Sequence[Input]) -> list[str]:
    """How files are shown: by name, or where two have one name by the folders that differ too."""
    names = [item.path.name for item in inputs]
    if len(set(names)) < len(names):
        whole = [item.path.resolve() for item in inputs]
        above = os.path.commonpath([path.parent for path in whole])
        names = [path.relative_to(above).as_posix() for path in whole]
    return [name.encode("utf-8", "surrogateescape").decode("utf-8", "replace") for name in names]


def few(names: Sequence[str], shown: int = 3) -> str:
    """Some names, and how many more there are."""
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return ", ".join(names[:shown]) + more


def open_frames(
    path: Path, keys: Keys | None = None, wanted: Sequence[str] = (), only: str | None = None
) -> Reader:
    """Open a file of labelled frames.

    Parameters
    ----------
    path
        A file in a format of :func:`teadata.arrays.open_arrays`.
    keys
        What the labels are called, where the user says it.
    wanted
        Keys of the frames whose values are read too.
    only
        Formula of the system that is taken; images of others need no labels.

    Raises
    ------
    UsageError
        If the suffix is of no known format.
    IncompleteError
        If a label is missing or ambiguous.
    DataError
        If the file is damaged.
    """
    file = open_arrays(path)
    if isinstance(file, ImageFile):
        return ImageReader(file, keys or Keys(), wanted, only)
    return ArrayReader(file, keys or Keys(), wanted)
