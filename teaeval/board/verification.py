"""Rescore a board: whether each of its numbers follows from the bytes beside it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from teadata import catalog
from teadata.errors import TeaError
from teadata.provenance import sha256
from teadata.typing import Progress, no_progress
from teaeval.board.checking import check
from teaeval.board.filed import Filed
from teaeval.board.reading import read_entries
from teaeval.scores.verification import differences


@dataclass
class Outcome:
    """What a verification finds: counts, what could not be verified, and what differs."""

    entries: int = 0
    verified: int = 0
    left_out: list[str] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)


def verify(board: Path, progress: Progress = no_progress) -> Outcome:
    """Rescore every entry of a board, the withdrawn ones too.

    Raises
    ------
    DataError
        If there is no board, or an entry is not the one that its name says.
    """
    outcome = Outcome()
    entries = list(read_entries(board, outcome.differences.append))
    outcome.entries = len(entries)
    for n, item in enumerate(entries):
        progress("entries rescored", n, len(entries))
        where = f"{item.submission.name} ({item.short})"
        try:
            for line in _of_entry(item, outcome):
                outcome.differences.append(f"{where}: {line}")
        except TeaError as error:
            outcome.differences.append(f"{where}: {error}")
    progress("entries rescored", len(entries), len(entries))
    return outcome


def _of_entry(item: Filed, outcome: Outcome) -> Iterator[str]:
    for file in item.entry.files:
        if not file.kept:
            outcome.left_out.append(
                f"{item.submission.name}: {file.name} is left out for its size (SHA-256 "
                f"{file.sha256})"
            )
            continue
        try:
            same = sha256(item.path(file.name)) == file.sha256
        except TeaError as error:
            yield str(error)
            continue
        if not same:
            yield f"{file.name}: is not the file that was added"
    stored = {one.submitted.file: one for one in item.scored}
    datasets: dict[str, str | None] = {}
    for name, one in stored.items():
        datasets[name] = data = one.score.of_dataset("boards").name
        if (why := _missing(data)) is not None:
            datasets[name] = None
            outcome.left_out.append(f"{item.submission.name}: {name} is of {data}: {why}")
    found = check(item.folder / "submission", datasets)
    gone = {file.name for file in item.entry.files if not file.kept}
    yield from (text for text in found.problems if text.partition(":")[0] not in gone)
    for computed in found.scored:
        stated = stored[computed.submitted.file]
        outcome.verified += 1
        name = computed.submitted.file
        for line in differences("", stated.score.model_dump(), computed.score.model_dump()):
            yield f"{name}: {line}"
        for line in stated.units.differs(computed.units):
            yield f"{name}: {line}"


def _missing(data: str) -> str | None:
    """Why a dataset at its version cannot be scored with on this machine; None if it can."""
    try:
        catalog.load(data)
    except TeaError as error:
        return str(error)
    return None
