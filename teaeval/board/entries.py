"""A board: a folder of entries, each immutable, under the SHA-256 of what was submitted."""

from __future__ import annotations

import math
import os
import shutil
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path
from typing import Literal

from teadata.errors import DataError, PathError, TeaError, UsageError, unknown_name
from teadata.files import atomic_write, contents, reserved, staging, write_text
from teadata.provenance import DISTRIBUTION, package_version, sha256
from teaeval.board import folder as files
from teaeval.board import submission as words
from teaeval.board.checking import Checked, Scored, check
from teaeval.board.filed import SHORT, Board, Entry, Filed, KeptFile, Withdrawal, identity
from teaeval.board.submission import SUBMISSION_FILE, Submission
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


def _made(board: Path) -> None:
    """Make a board, unless it is there.

    Raises
    ------
    UsageError
        If the folder holds something else.
    """
    if (board / BOARD_FILE).exists():
        open_board(board)
        return
    if board.exists() and (not board.is_dir() or contents(board)):
        raise UsageError(f"{board}: is no board, and not empty; give a new or empty folder")
    board.mkdir(parents=True, exist_ok=True)
    write_text(
        board / BOARD_FILE, Board(title=board.resolve().name).model_dump_json(indent=1) + "\n"
    )


def add(
    folder: Path,
    board: Path,
    *,
    supersedes: str | None = None,
    largest: float | None = None,
    leave_out: Collection[str] = (),
) -> tuple[Filed, bool]:
    """Check a submission, and file it on a board; all of it or nothing.

    Parameters
    ----------
    folder
        The submission.
    board
        The board; it is made if it is not there.
    supersedes
        The beginning of the id of an entry that this one takes the place of.
    largest
        Prediction files of more MB are not kept, only their checksums and errors.
    leave_out
        Names of prediction files that are not kept either.

    Returns
    -------
    entry
        As it is filed.
    new
        Whether it was not there before.

    Raises
    ------
    DataError
        If a check finds a problem; it names all of them.
    UsageError
        If another entry is of the same model and version, and not superseded by this one, or a
        file to be left out is no prediction.
    """
    new = not board.exists() or not contents(board)
    _made(board)
    try:
        return _add(folder, board, supersedes, largest, leave_out)
    except BaseException:
        if new and not (board / "entries").exists():
            shutil.rmtree(board, ignore_errors=True)
        raise


def _add(
    folder: Path,
    board: Path,
    supersedes: str | None,
    largest: float | None,
    leave_out: Collection[str],
) -> tuple[Filed, bool]:
    with reserved(board / BOARD_FILE, "adding to"), staging(board) as place:
        new, said = place / "entry", place / "entry" / "submission"
        said.mkdir(parents=True)
        wrong = _copy(folder, said)
        result = check(said)
        problems = list(wrong.values())
        problems += [text for text in result.problems if text.partition(":")[0] not in wrong]
        if problems or result.submission is None:
            raise DataError(problems_of(folder, problems))
        kept = [
            KeptFile(name=name, sha256=sha256(said / name), bytes=(said / name).stat().st_size)
            for name in files.names(said)
        ]
        identifier = identity(kept)
        home = board / "entries" / identifier[:SHORT]
        known = list(read_entries(board))
        if home.exists():
            return next(item for item in known if item.entry.id == identifier), False
        previous = None if supersedes is None else _replaced(known, supersedes, result.submission)
        _check_alone(result.submission, known, previous)
        for name in _not_kept(result.submission, kept, largest, leave_out):
            kept = [_left_out(file, name) for file in kept]
            (said / name).unlink()
        software = f"{DISTRIBUTION} {package_version()}"
        entry = Entry(id=identifier, supersedes=previous, software=software, files=kept)
        _write(new, entry, result)
        _filed(new, entry, "active", "")  # raises if it could not be read again
        home.parent.mkdir(exist_ok=True)
        os.replace(new, home)
    filed = {item.entry.id: item for item in read_entries(board)}
    return filed[identifier], True


def _not_kept(
    said: Submission, kept: list[KeptFile], largest: float | None, leave_out: Collection[str]
) -> list[str]:
    """The prediction files whose bytes are left out."""
    predictions = [item.file for item in said.predictions]
    for name in leave_out:
        if name not in predictions:
            raise unknown_name("prediction file", name, predictions)
    most = math.inf if largest is None else largest * 1e6
    large = {file.name for file in kept if file.bytes > most}
    return [name for name in predictions if name in large or name in leave_out]


def _left_out(file: KeptFile, name: str) -> KeptFile:
    return file.model_copy(update={"kept": False}) if file.name == name else file


def problems_of(folder: Path, problems: list[str]) -> str:
    """All problems of a submission, as an error says them."""
    lines = "".join(f"\n  {text}" for text in problems)
    return f"{folder}: {len(problems)} problem{'s' * (len(problems) != 1)}, not added{lines}"


def _copy(folder: Path, to: Path) -> dict[str, str]:
    """Copy what a submission names; what is wrong with files that cannot be copied, by name."""
    present = set(files.names(folder))
    files.copy(folder, SUBMISSION_FILE, to, MOST_TEXT)
    said, problems = words.read((to / SUBMISSION_FILE).read_bytes())
    if said is None or problems:
        raise DataError(problems_of(folder, problems))
    predictions = {item.file for item in said.predictions}
    beside = {f"{name}.yaml" for name in predictions} & present  # the check refuses them
    wrong = {}
    for name in dict.fromkeys([*(name for name, _ in said.files()), *sorted(beside)]):
        try:
            most = files.MOST_BYTES if name in predictions else files.MOST_RECORD
            files.copy(folder, name, to, most)
        except (DataError, OSError) as error:
            wrong[name] = str(error)
    return wrong


def _replaced(known: list[Filed], start: str, said: Submission) -> str:
    """The id of the entry whose place is taken: one of the same model."""
    item = find(known, start)
    if item.submission.model != said.model:
        raise UsageError(
            f"{item.short} is of {item.submission.model}, and this one of {said.model}; an entry "
            "takes the place only of one of the same model"
        )
    return item.entry.id


def _check_alone(said: Submission, known: list[Filed], previous: str | None) -> None:
    """Refuse a second active entry of one model and version."""
    for item in known:
        same = (item.submission.model, item.submission.version) == (said.model, said.version)
        if same and item.status == "active" and item.entry.id != previous:
            raise UsageError(
                f"{said.name} is on the board, as {item.short}; give this one another version, or "
                f"say that it takes its place: --supersedes {item.short}"
            )


def _write(new: Path, entry: Entry, result: Checked) -> None:
    """Write what goes beside the submission's files."""
    for n, item in enumerate(result.scored):
        score = new / "scores" / f"{n}.json"
        score.parent.mkdir(exist_ok=True)
        score.write_text(item.score.model_dump_json(indent=1) + "\n", encoding="utf-8")
        (new / "units").mkdir(exist_ok=True)
        item.units.write(new / "units" / f"{n}.npz")
    (new / "entry.json").write_text(entry.model_dump_json(indent=1) + "\n", encoding="utf-8")


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
        raise unknown_name("entry", start, [item.short for item in entries])
    return matching[0]


def withdraw(board: Path, start: str, reason: str) -> Filed:
    """Mark an entry as withdrawn; it stays on the board.

    Raises
    ------
    UsageError
        If there is no such entry, or it is withdrawn already.
    """
    open_board(board)
    item = find(read_entries(board), start)
    if item.status == "withdrawn":
        raise UsageError(f"{item.short} is withdrawn already: {item.reason}")
    try:
        mark = Withdrawal(id=item.entry.id, reason=reason)
    except ValueError:
        raise UsageError(f"--reason {reason!r:.60}: expected one line of text") from None
    (board / "withdrawn").mkdir(exist_ok=True)
    path = board / "withdrawn" / f"{item.short}.json"
    with atomic_write(path) as partial:
        partial.write_text(mark.model_dump_json(indent=1) + "\n", encoding="utf-8")
    return item


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
    folders = sorted(home.iterdir()) if home.is_dir() else []
    entries = {}
    for folder in folders:
        if not folder.name.startswith("."):
            path = files.regular(home, f"{folder.name}/entry.json", files.MOST_RECORD)
            entries[folder] = Entry.from_json(path, "an entry of a board", "remove the folder")
    taken = {entry.supersedes: entry.id for entry in entries.values() if entry.supersedes}
    made = []
    for folder, entry in entries.items():
        if identity(entry.files) != entry.id or folder.name != entry.id[:SHORT]:
            raise DataError(f"{folder}: is not the entry that its name says; it was changed")
        status: Literal["active", "superseded", "withdrawn"] = "active"
        reason = ""
        mark = board / "withdrawn" / f"{folder.name}.json"
        if mark.is_file():
            status, reason = "withdrawn", Withdrawal.from_json(mark, "a mark", "remove it").reason
        elif entry.id in taken:
            status, reason = "superseded", taken[entry.id][:SHORT]
        try:
            made.append(_filed(folder, entry, status, reason))
        except TeaError as error:
            said = (
                f"{folder}: is not as it was filed ({error}); put its files back from a copy of "
                "the board, or remove this folder"
            )
            if damaged is None:
                raise DataError(said) from None
            damaged(said)
    yield from sorted(made, key=lambda item: (item.submission.name.casefold(), item.entry.id))


def _filed(
    folder: Path,
    entry: Entry,
    status: Literal["active", "superseded", "withdrawn"],
    reason: str,
) -> Filed:
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
