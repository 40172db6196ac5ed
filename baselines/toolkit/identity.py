"""What a training must have in common with what it takes up: settings, seed and frames."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from teadata import Frames
from teadata.errors import DataError
from teadata.files import write_text

FRAMES = {"train": "training", "valid": "validation"}
"""Checksums of frames in an identity, and what these frames are."""


class Settings(Protocol):
    """Settings that can be written."""

    def model_dump(self, *, mode: str) -> dict[str, Any]: ...  # noqa: D102


def identity_of(config: Settings, seed: int, train: Frames, valid: Frames) -> dict[str, Any]:
    """Describe a training: settings, seed, and the checksums of its frames."""
    return {
        "config": config.model_dump(mode="json"),
        "seed": seed,
        "train": checksum(train),
        "valid": checksum(valid),
    }


def checksum(frames: Frames) -> str:
    """Compute the sha256 of all that a model learns of frames: structures and labels in order."""
    digest = hashlib.sha256()
    for name in ("numbers", "pbc", "positions", "energies", "forces", "cell", "stress"):
        array = getattr(frames, name)
        digest.update(f"{name} {None if array is None else array.shape}\n".encode())
        if array is not None:
            digest.update(array.tobytes())
    return digest.hexdigest()


def check_identity(where: Path, expected: Mapping[str, Any], found: Mapping[str, Any]) -> None:
    """Refuse what another training left.

    Parameters
    ----------
    where
        The checkpoint, or the results of a search.
    expected, found
        From :func:`identity_of`: of this training, and of what is there.  A part that is not
        there is not compared: earlier versions had no checksums, and some nothing at all.

    Raises
    ------
    DataError
        If they differ.
    """
    for name, value in expected.items():
        if name not in found or found[name] == value:
            continue
        if name in FRAMES:
            differs = f"other {FRAMES[name]} frames"
        elif isinstance(value, Mapping) and isinstance(found[name], Mapping):
            differs = f"another {name} ({_differences(value, found[name])})"
        else:
            differs = f"another {name} (expected {value}, found {found[name]})"
        raise DataError(
            f"{where}: is of a training with {differs}; remove it, or train in another folder"
        )


def _differences(expected: Mapping[str, Any], found: Mapping[str, Any]) -> str:
    return "; ".join(
        f"{name}: expected {expected.get(name)}, found {found.get(name)}"
        for name in dict.fromkeys([*expected, *found])
        if expected.get(name) != found.get(name)
    )


class SearchFile:
    """The results of a search so far, with the identity of its training: JSON in a workdir.

    Parameters
    ----------
    path
        The file.
    identity
        From :func:`identity_of`.
    kind
        What it is in errors, e.g. ``"the search of an FCHL19* training"``.
    results
        Names of the lists of results, the first of which must be there.  Where there is but one,
        earlier versions wrote it alone.
    """

    def __init__(
        self, path: Path, identity: dict[str, Any], kind: str, results: tuple[str, ...]
    ) -> None:
        self.path, self.identity, self.kind, self.results = path, identity, kind, results

    def read(self) -> dict[str, list[dict[str, Any]]]:
        """Read the lists of results; empty ones if there is no file.

        Raises
        ------
        DataError
            If it cannot be read, or is another training's.
        """
        if not self.path.is_file():
            return {name: [] for name in self.results}
        try:
            stored = json.loads(self.path.read_text(encoding="utf-8"))
            if isinstance(stored, list) and len(self.results) == 1:
                stored = {self.results[0]: stored}
            if self.results[0] not in stored:
                raise KeyError(self.results[0])
            found = {name: [dict(item) for item in stored.get(name, [])] for name in self.results}
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise DataError(
                f"{self.path}: expected {self.kind} ({error}); remove it to start from the "
                "beginning"
            ) from None
        check_identity(self.path, self.identity, stored)
        return found

    def write(self, **results: list[dict[str, Any]]) -> None:
        """Write the identity and the lists of results."""
        write_text(self.path, json.dumps(self.identity | results, indent=1))
