"""What a board keeps of an entry: the files with their checksums, and what is read of them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from teadata.schema import StrictModel
from teaeval.board import folder as files
from teaeval.board.checking import Scored
from teaeval.board.submission import FileName, Line, Submission
from teaeval.hydrogen.record import Record as Hydrogen
from teaeval.md.record import Simulations

Status = Literal["active", "superseded", "withdrawn"]
"""Whether an entry counts."""

SHORT = 16
"""Digits of an entry's id that name its folder."""

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Board(StrictModel):
    """What a board is called."""

    layout: Literal["tea-board-1"] = "tea-board-1"
    title: Line = "Board"


class KeptFile(StrictModel):
    """A file of an entry; where it was left out for its size, only what it was is known."""

    name: FileName
    sha256: Sha256
    bytes: Annotated[int, Field(ge=0)]
    kept: bool = True


class Entry(StrictModel):
    """An entry: the submission's files with their checksums, of which ``id`` is one.

    ``id`` is the SHA-256 of lines of checksum, two spaces and name, one for each file by name.
    """

    layout: Literal["tea-board-entry-1"] = "tea-board-entry-1"
    id: Sha256
    supersedes: Sha256 | None = None
    software: str
    files: list[KeptFile]


class Withdrawal(StrictModel):
    """Why an entry counts no longer."""

    id: Sha256
    reason: Line


@dataclass(frozen=True)
class Filed:
    """An entry as it is read from a board.

    Parameters
    ----------
    folder, entry, submission
        Where it is, its files, and what it says of itself.
    status
        ``active``, ``superseded`` or ``withdrawn``, and why.
    reason
        Of the status; empty if active.
    scored
        Its scores.
    simulations, hydrogen
        Its records.
    """

    folder: Path
    entry: Entry
    submission: Submission
    status: Status
    reason: str
    scored: list[Scored]
    simulations: list[Simulations]
    hydrogen: list[Hydrogen]

    @property
    def short(self) -> str:
        """The first digits of its id, which name its folder."""
        return self.entry.id[:SHORT]

    def file(self, name: str) -> KeptFile:
        """A file of the submission."""
        return next(file for file in self.entry.files if file.name == name)

    def path(self, name: str) -> Path:
        """Where a file of the submission is.

        Raises
        ------
        DataError
            If it is not there, or no file of the entry's folder.
        """
        return files.regular(self.folder, f"submission/{name}", files.MOST_BYTES)


def identity(entries: Iterable[KeptFile]) -> str:
    """The id of a submission of these files."""
    lines = sorted(f"{file.name}\0{file.sha256}" for file in entries)
    text = "".join("{1}  {0}\n".format(*line.split("\0")) for line in lines)
    return hashlib.sha256(text.encode()).hexdigest()
