"""The checkpoint of a training: one file, replaced in one step."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from baselines.toolkit.identity import check_identity
from teadata.errors import DataError
from teadata.files import atomic_write

CHECKPOINT_FILE = "checkpoint.npz"


class Checkpoint:
    """The last checkpoint of a training; one of another is refused.

    Parameters
    ----------
    workdir
        Folder of the training.
    identity
        What a training must have in common with the checkpoint that it is taken up from.
    """

    def __init__(self, workdir: Path, identity: dict[str, Any]) -> None:
        self.path, self.identity = workdir / CHECKPOINT_FILE, identity

    def save(self, arrays: dict[str, Any], notes: dict[str, Any]) -> None:
        """Write arrays, and notes, which JSON can hold."""
        text = json.dumps({"identity": self.identity} | notes)
        with atomic_write(self.path) as partial, open(partial, "wb") as stream:
            np.savez(stream, notes=np.array(text), **arrays)

    def restore(self) -> tuple[dict[str, NDArray[Any]], dict[str, Any]] | None:
        """Read arrays and notes; None if there is no checkpoint.

        Raises
        ------
        DataError
            If it cannot be read, or is another training's.
        """
        if not self.path.exists():
            return None
        try:
            with open(self.path, "rb") as stream, np.load(stream, allow_pickle=False) as file:
                arrays = {name: file[name] for name in file.files}
            notes: dict[str, Any] = json.loads(str(arrays.pop("notes")))
            identity = notes.pop("identity")
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise DataError(
                f"{self.path}: expected the checkpoint of a PhysNet training ({error}); remove it "
                "to start from the beginning"
            ) from None
        check_identity(self.path, self.identity, identity)
        return arrays, notes
