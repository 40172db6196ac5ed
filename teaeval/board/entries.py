"""A board: a folder of entries, each immutable, under the SHA-256 of what was submitted."""

from __future__ import annotations

import math
import os
import shlex
import shutil
from collections.abc import Collection
from pathlib import Path

from pydantic import ValidationError

from teadata.errors import DataError, UsageError, unknown_name
from teadata.files import atomic_write, contents, reserved, staging, write_text
from teadata.provenance import DISTRIBUTION, package_version, sha256
from teaeval.board import folder as files
from teaeval.board import submission as words
from teaeval.board.checking import Checked, check
from teaeval.board.filed import SHORT, Board, Entry, Filed, KeptFile, Withdrawal, identity
from teaeval.board.reading import BOARD_FILE, find, open_board, read_entries
from teaeval.board.reading import filed as read_filed
from teaeval.board.submission import SUBMISSION_FILE, Submission
from teaeval.board.text import MOST_TEXT


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
    write_text(board / BOARD_FILE, _titled(board.resolve().name).model_dump_json(indent=1) + "\n")


def _titled(name: str) -> Board:
    """A board that is called as its folder, where that can be a title."""
    try:
        return Board(title=name)
    except ValidationError:
        return Board()


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
    new = not board.exists() or (board.is_dir() and not contents(board))
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
            there = next(item for item in known if item.entry.id == identifier)
            if supersedes is not None:
                _check_superseded(there, find(known, supersedes), board)
            return there, False
        previous = None if supersedes is None else _replaced(known, supersedes, result.submission)
        _check_alone(result.submission, known, previous)
        for name in _not_kept(result.submission, kept, largest, leave_out):
            kept = [_left_out(file, name) for file in kept]
            (said / name).unlink()
        software = f"{DISTRIBUTION} {package_version()}"
        entry = Entry(id=identifier, supersedes=previous, software=software, files=kept)
        _write(new, entry, result)
        read_filed(new, entry)  # raises if it could not be read again
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
    if item.status == "superseded":
        raise UsageError(
            f"{item.short} is superseded already, by {item.reason}; to take the place of that one: "
            f"--supersedes {item.reason}"
        )
    return item.entry.id


def _check_superseded(filed: Filed, previous: Filed, board: Path) -> None:
    """Refuse to let an entry that is filed already take the place of another one from now on."""
    if filed.entry.supersedes == previous.entry.id:
        return
    command = ["teaeval", "submit", "withdraw", previous.short, "--board", str(board)]
    command += ["--reason", f"superseded by {filed.short}"]
    raise UsageError(
        f"{filed.submission.name} is on the board, as {filed.short}, and what is filed never "
        f"changes: it cannot take the place of {previous.short} any more; to mark that one: "
        f"{shlex.join(command)}"
    )


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
