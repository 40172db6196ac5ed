"""Index files: which frames train, validate and test, as rMD17, sGDML and SchNetPack ship them."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from teadata.arrays import open_arrays
from teadata.arrays.decompression import misnamed
from teadata.errors import DataError, UsageError
from teadata.splits import ROLES
from teadata.typing import Ints

WORDS = {"train": ("train",), "valid": ("valid", "val"), "test": ("test",)}
"""What the names of a role's indices begin with, in an npz."""

SUFFIXES = (".csv", ".txt", ".dat", ".npy", ".npz")
"""Suffixes of index files."""


def read(path: Path, role: str) -> Ints:
    """Read the places of frames, (n,), from 0 and in the order of the file.

    Parameters
    ----------
    path
        Text with integers, after at most one line of words; ``.npy``; or ``.npz``, where the
        array is taken that is named after the role, or the only one.
    role
        Role of the frames.

    Raises
    ------
    UsageError
        If the suffix is another.
    DataError
        If the file holds something else, or an index twice.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise UsageError(
            f"{path}: expected a file of indices ({', '.join(SUFFIXES)}), found {suffix or 'none'}"
        )
    if not path.is_file():
        raise UsageError(f"{path}: no such file")
    readers = {".npz": lambda: _npz(path, role), ".npy": lambda: _npy(path)}
    found = np.atleast_1d(readers.get(suffix, lambda: _text(path))())
    if found.dtype.kind == "f" and (found == np.round(found)).all():
        found = found.astype(np.int64)
    if found.dtype.kind not in "iu" or not found.size or max(found.shape) != found.size:
        raise DataError(f"{path}: expected a list of integers, found {found.dtype} {found.shape}")
    flat: Ints = found.reshape(-1).astype(np.int64)
    if flat.min() < 0:
        raise DataError(f"{path}: {flat.min()} is no place of a frame; frames count from 0")
    if len(np.unique(flat)) < len(flat):
        values, counts = np.unique(flat, return_counts=True)
        raise DataError(
            f"{path}: names {int((counts > 1).sum())} frames twice, the first is "
            f"{values[counts > 1][0]}"
        )
    return flat


def _npy(path: Path) -> np.ndarray:
    try:
        return np.asarray(np.load(path, allow_pickle=False))
    except (OSError, ValueError, EOFError) as error:
        raise DataError(f"{path}: not a readable npy file ({error})") from None


def _npz(path: Path, role: str) -> np.ndarray:
    file = open_arrays(path)
    names = list(file.names)
    ours = [name for name in names if name.lower().startswith(WORDS[role])]
    others = {name for r in ROLES for name in names if name.lower().startswith(WORDS[r])}
    if len(names) == 1 and not others - set(ours):
        ours = names
    if len(ours) != 1:
        raise DataError(
            f"{path}: expected one array of indices whose name begins with "
            f"{' or '.join(WORDS[role])}, found {', '.join(names)}"
        )
    return np.asarray(file.whole(ours[0]))


def _text(path: Path) -> np.ndarray:
    if said := misnamed(path, str(path), None):
        raise DataError(f"{path}: {said}")
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: not a readable text ({error})") from None
    rows = [re.split(r"[\s,;]+", line.strip(" \t,;")) for line in lines if line.strip()]
    if rows and not any(word.lstrip("+-").isdigit() for word in rows[0]):
        rows = rows[1:]
    words = [word for row in rows for word in row if word]
    for word in words:
        if not re.fullmatch(r"[+-]?\d{1,15}(\.0*)?", word):
            raise DataError(f"{path}: expected integers, found {word[:40]!r}")
    return np.array([int(word.partition(".")[0]) for word in words], np.int64)
