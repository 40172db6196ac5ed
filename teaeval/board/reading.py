"""Read a board: its title, and the entries that it keeps."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from teadata.errors import DataError, PathError, TeaError, unknown_name
from teaeval.board import folder as files
from teaeval.board import submission as words
from teaeval.board.checking import Scored
from teaeval.board.filed import SHORT, Board, Entry, Filed, Status, Withdrawal, identity
from teaeval.board.submission import SUBMISSION_FILE
from teaeval.board.text import MOST_TEXT
from teaeval.board.units import Units
from teaeval.hydrogen.record import read_record
from teaeval.md.record import read as read_simulations
from teaeval.scores.reading import read_score

BOARD_FILE = "board.json"


def open_board(board: Path) -> Board:
    """Read what a board is called.

    Raises
    ------
    PathError
        If there is no such folder.
    DataError
        If the folder is no board.
    """
    if not board.is_dir():
        raise PathError(f"{board}: no such folder, expected a board, as `teaeval submit add` makes")
    return Board.from_json(board / BOARD_FILE, "a board", "`teaeval submit add` makes one")


def find(known: Iterable[Filed], start: str) -> Filed:
    """The entry whose id begins so.

    Raises
    ------
    UsageError
        If there is none, or more than one.
    """
    entries = list(known)
    matching = [item for item in entries if len(start) >= 4 and item.entry.id.startswith(start)]
    if len(matching) != 1:
        names = [f"{item.short} ({item.submission.name})" for item in entries]
        raise unknown_name("entry", start, names)
    return matching[0]


def read_entries(board: Path, damaged: Callable[[str], None] | None = None) -> Iterator[Filed]:
    """Read all entries of a board, by the name of their model, then by id.

    Parameters
    ----------
    board
        Its folder.
    damaged
        Told of each entry whose files cannot be read, in a sentence; without it, the first is an
        error.

    Raises
    ------
    DataError
        If one is not as it was filed.
    """
    open_board(board)
    home = board / "entries"
    entries: dict[Path, Entry] = {}
    for folder in sorted(home.iterdir()) if home.is_dir() else []:
        if not folder.name.startswith("."):
            with _telling(folder, damaged):
                entries[folder] = _entry(folder)
    taken = {entry.supersedes: entry.id for entry in entries.values() if entry.supersedes}
    made = []
    for folder, entry in entries.items():
        with _telling(folder, damaged):
            made.append(filed(folder, entry, *_status(board, entry, taken)))
    yield from sorted(made, key=lambda item: (item.submission.name.casefold(), item.entry.id))


@contextmanager
def _telling(folder: Path, damaged: Callable[[str], None] | None) -> Iterator[None]:
    """Say of an error that it is of this entry; to ``damaged``, if there is one, and go on."""
    try:
        yield
    except TeaError as error:
        kind = "file" if folder.is_file() else "folder"
        said = (
            f"{folder}: is not as it was filed ({error}); put its files back from a copy of "
            f"the board, or remove this {kind}"
        )
        if damaged is None:
            raise DataError(said) from None
        damaged(said)


def _entry(folder: Path) -> Entry:
    """What a folder of a board says of its entry."""
    if folder.is_file() and not folder.is_symlink():
        raise DataError("is a file, expected the folder of an entry")
    path = files.regular(folder.parent, f"{folder.name}/entry.json", files.MOST_RECORD)
    entry = Entry.from_json(path, "an entry of a board", "`teaeval submit add` makes one")
    if identity(entry.files) != entry.id or folder.name != entry.id[:SHORT]:
        raise DataError("is not the entry that its name says")
    return entry


def _status(board: Path, entry: Entry, taken: Mapping[str, str]) -> tuple[Status, str]:
    """Whether an entry counts, and why not; ``taken`` are entries and what supersedes them."""
    mark = board / "withdrawn" / f"{entry.id[:SHORT]}.json"
    if mark.is_file():
        return "withdrawn", Withdrawal.from_json(mark, "a mark", "remove it").reason
    if entry.id in taken:
        return "superseded", taken[entry.id][:SHORT]
    return "active", ""


def filed(folder: Path, entry: Entry, status: Status = "active", reason: str = "") -> Filed:
    """Read an entry that is in a folder.

    Raises
    ------
    DataError
        If one of its files is not as it was filed.
    """
    content = files.read_bytes(folder, f"submission/{SUBMISSION_FILE}", MOST_TEXT)
    said, problems = words.read(content)
    if said is None or problems:
        raise DataError(f"{folder}: {'; '.join(problems)}")

    def file(name: str) -> Path:
        return files.regular(folder, name, files.MOST_RECORD)

    scored = [
        Scored(item, read_score(file(f"scores/{n}.json")), Units.read(file(f"units/{n}.npz")))
        for n, item in enumerate(said.predictions)
    ]
    for n, one in enumerate(scored):
        try:
            one.units.check(one.score)
        except DataError as error:
            raise DataError(f"units/{n}.npz and scores/{n}.json: {error}") from None
    if said.card is not None:
        file(f"submission/{said.card}")
    return Filed(
        folder=folder,
        entry=entry,
        submission=said,
        status=status,
        reason=reason,
        scored=scored,
        simulations=[read_simulations(file(f"submission/{name}")) for name in said.simulations],
        hydrogen=[read_record(file(f"submission/{name}")) for name in said.hydrogen],
    )
