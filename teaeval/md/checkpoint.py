"""The checkpoint of a simulation: what it goes on from, and of which simulation that is."""

from __future__ import annotations

import json
import shlex
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from teadata.errors import DataError, UsageError
from teadata.files import atomic_write
from teaeval.md.settings import Settings

if TYPE_CHECKING:
    from ase import Atoms

CHECKPOINT_FILE = "checkpoint.npz"

UNREADABLE = (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile, zlib.error)
"""What reading a damaged checkpoint raises."""


def identity_of(atoms: Atoms, settings: Settings) -> dict[str, Any]:
    """What tells one simulation from another: settings, and a digest of the starting structure."""
    import hashlib

    digest = hashlib.sha256()
    for array in (atoms.numbers, atoms.positions, atoms.get_momenta(), atoms.cell.array, atoms.pbc):
        digest.update(np.ascontiguousarray(array).tobytes())
    return {"settings": settings.model_dump(mode="json"), "start": digest.hexdigest()}


def write(folder: Path, identity: Mapping[str, Any], state: Mapping[str, Any]) -> None:
    """Replace the checkpoint of a folder."""
    with atomic_write(folder / CHECKPOINT_FILE) as partial, open(partial, "wb") as stream:
        np.savez(stream, identity=json.dumps(identity), **state)


def read(folder: Path, identity: Mapping[str, Any]) -> dict[str, Any]:
    """Read the state that was written, and check that it is of the same simulation.

    Raises
    ------
    DataError
        If the checkpoint was cut short or changed.
    UsageError
        If it is of another simulation.
    """
    with readable(folder):
        with (
            open(folder / CHECKPOINT_FILE, "rb") as file,
            np.load(file, allow_pickle=False) as archive,
        ):
            state = dict(archive)
        before = json.loads(str(state["identity"]))
        settings = Settings.model_validate(before["settings"])
    check_settings(folder, settings, Settings.model_validate(identity["settings"]))
    if before != identity:
        raise UsageError(
            f"{folder}: holds a simulation that started from another structure; choose "
            "another folder, or remove this one"
        )
    return state


@contextmanager
def readable(folder: Path) -> Iterator[None]:
    """Say of what is wrong with a checkpoint that it cannot go on, and how to begin anew."""
    try:
        yield
    except UNREADABLE as error:
        raise DataError(
            f"{folder / CHECKPOINT_FILE}: not a checkpoint of a simulation ({error}), so it cannot "
            "go on. What was written of its trajectory is still there; to begin anew: "
            f"rm -r {shlex.quote(str(folder))}"
        ) from None


def check_settings(folder: Path, before: Settings, now: Settings) -> None:
    """Refuse a folder whose simulation has other settings.

    Raises
    ------
    UsageError
        If they differ, naming each.
    """
    if changed := before.changed(now):
        raise UsageError(
            f"{folder}: holds a simulation with other settings: {changed}; choose another "
            "folder, or remove this one"
        )


def run_time(folder: Path) -> float:
    """Read how many seconds a simulation took until its last checkpoint; 0 without one."""
    try:
        with np.load(folder / CHECKPOINT_FILE, allow_pickle=False) as archive:
            return float(archive["spent"])
    except UNREADABLE:
        return 0.0
