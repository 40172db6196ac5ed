"""The commands ``teaeval submit …`` and ``teaeval board …``."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from teadata import console
from teadata.output.options import AsJson
from teaeval.cli.options import SimulationFiles

submit = console.App("Submissions to a board: begin, check, add, withdraw.")
boards = console.App("Boards: a static site of submissions, and whether it holds.")

SubmissionFolder = Annotated[
    Path, typer.Argument(metavar="SUBMISSION", help="Submission, a folder with submission.yaml.")
]
BoardFolder = Annotated[
    Path, typer.Argument(metavar="BOARD", help="Board, a folder, of `teaeval submit add`.")
]
OnBoard = Annotated[Path, typer.Option("--board", metavar="BOARD", help="Board, a folder.")]
Repeated = list[str] | None


def register(app: console.App) -> None:
    """Add these commands to ``teaeval``."""
    app.add_typer(submit, name="submit")
    app.add_typer(boards, name="board")


@submit.command(
    "init",
    epilog="Example: teaeval submit init mine --prediction own.npz --author 'A. Name'",
)
def init(
    folder: Annotated[
        Path, typer.Argument(metavar="SUBMISSION", help="Submission: the folder to make.")
    ],
    prediction: Annotated[
        list[Path] | None,
        typer.Option(help="Prediction file: copied into the submission; repeatable."),
    ] = None,
    record: Annotated[
        list[Path] | None,
        typer.Option(
            "--training-record", help="Record of its training, record.json of the run; repeatable."
        ),
    ] = None,
    speed: Annotated[
        list[Path] | None,
        typer.Option(help="Timing of its predictions, of `baselines bench --json`; repeatable."),
    ] = None,
    float32: Annotated[
        bool, typer.Option("--float32", help="Copy forces in single precision, half the bytes.")
    ] = False,
    model: Annotated[
        str | None, typer.Option(metavar="NAME", help="The model's name; default: the file's.")
    ] = None,
    model_version: Annotated[str, typer.Option(help="The model's version.")] = "1",
    author: Annotated[Repeated, typer.Option(help="Author; repeatable.")] = None,
    licence: Annotated[str | None, typer.Option(help="Licence, e.g. MIT.")] = None,
    md: SimulationFiles = None,
) -> None:
    """Begin a submission: copies of prediction files, and submission.yaml to be completed."""
    from teaeval.board.beginning import begin

    said = {"model": model, "version": model_version, "authors": author, "licence": licence}
    begin(folder, prediction or [], record or [], said, speed or [], float32, md or [])
    named = shlex.quote(str(folder))
    console.say(f"{folder / 'submission.yaml'}: written; complete it, then")
    console.say(f"next: teaeval submit check {named}")


@submit.command("check", epilog="Example: teaeval submit check mine")
def check(folder: SubmissionFolder, as_json: AsJson = False) -> None:
    """Check a submission: everything that is wrong at once, and its scores from the bytes.

    Ends with status 1 if it could not be added.
    """
    from teaeval.board.checking import check as check_submission
    from teaeval.tables.numbers import significant

    found = check_submission(folder)
    if as_json:
        console.print_json(
            {
                "problems": found.problems,
                "notes": found.notes,
                "scores": [item.score.model_dump(mode="json") for item in found.scored],
            }
        )
    else:
        rows = [
            [
                item.submitted.file,
                item.score.data.name,
                item.score.task,
                item.score.prediction.train or "not said",
                f"{item.score.coverage.scored} of {item.score.coverage.frames}",
                significant(item.score.row("E").mae),
                significant(item.score.row("F").mae),
            ]
            for item in found.scored
        ]
        heads = ("file", "dataset", "task", "trained on", "frames", "E MAE", "F MAE")
        if rows:
            console.print_table(heads, rows, right=("E MAE", "F MAE"))
        for text in found.notes:
            console.say(f"note: {text}")
        for text in found.problems:
            console.say(f"problem: {text}")
        if not found.problems:
            named = shlex.quote(str(folder))
            console.say(f"{folder}: nothing is wrong")
            console.say(f"next: teaeval submit add {named} --board BOARD")
    if found.problems:
        raise typer.Exit(1)


@submit.command("add", epilog="Example: teaeval submit add mine --board results")
def add(
    folder: SubmissionFolder,
    board: OnBoard,
    supersedes: Annotated[
        str | None, typer.Option(metavar="ID", help="Entry that this one replaces.")
    ] = None,
    largest: Annotated[
        float | None,
        typer.Option(
            min=0, help="Largest prediction to keep, MB; of larger ones only the checksum."
        ),
    ] = None,
    leave_out: Annotated[
        list[str] | None,
        typer.Option(metavar="FILE", help="Prediction that is not kept either; repeatable."),
    ] = None,
) -> None:
    """Check a submission, and file it on a board under its checksum; the board is made if need be.

    What is filed never changes.  Ends with status 1, and every problem named, if it is not added.
    """
    from teaeval.board.entries import add as add_entry

    filed, new = add_entry(
        folder, board, supersedes=supersedes, largest=largest, leave_out=leave_out or ()
    )
    done = "added" if new else "was there, with the same files"
    console.say(f"{filed.submission.name}: {done}, as {filed.short}")
    if filed.status != "active":
        by = "by " if filed.status == "superseded" else ""
        console.say(
            f"note: it is {filed.status} ({by}{filed.reason}), and stays so; give it another "
            "version to add it anew"
        )
    console.say(f"next: teaeval board build {shlex.quote(str(board))} -o site")


@submit.command(
    "withdraw",
    epilog="Example: teaeval submit withdraw 3f2a91c04b7d5e68 --board results --reason 'a bug'",
)
def withdraw(
    entry: Annotated[str, typer.Argument(metavar="ID", help="Entry, the beginning of its id.")],
    board: OnBoard,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Reason, shown on the board.")],
) -> None:
    """Mark an entry as withdrawn: it stays on the board, and counts no longer."""
    from teaeval.board.entries import withdraw as withdraw_entry

    filed = withdraw_entry(board, entry, reason)
    console.say(f"{filed.submission.name}, {filed.short}: withdrawn")


@boards.command("build", epilog="Example: teaeval board build results -o site")
def build(
    board: BoardFolder,
    output: Annotated[
        Path,
        typer.Option("--output", "-o", file_okay=False, help="Output: folder of the site."),
    ],
    title: Annotated[
        str | None, typer.Option(help="Title, of the site; default: the board's.")
    ] = None,
) -> None:
    """Build the site of a board: static pages that need no server and no network."""
    from teaeval.board.building import build as build_site

    pages = build_site(board, output, title)
    console.say(f"{output / 'index.html'}: written, and {len(pages) - 1} more pages")


@boards.command("verify", epilog="Example: teaeval board verify results")
def verify(board: BoardFolder) -> None:
    """Rescore every entry of a board from its bytes, and compare every number.

    Ends with status 1 if something differs.
    """
    from teaeval.board.verification import verify as verify_board

    with console.progress_bar() as progress:
        outcome = verify_board(board, progress)
    for line in outcome.left_out:
        console.say(f"not verified: {line}")
    for line in outcome.differences:
        console.say(f"differs: {line}")
    if outcome.differences:
        raise typer.Exit(1)
    done = f"{board}: {outcome.verified} predictions of {outcome.entries} entries"
    if not outcome.left_out:
        console.say(f"{done}, all as filed")
    else:
        console.say(
            f"{done} are as filed; not verified, each named above with its reason: "
            f"{len(outcome.left_out)}"
        )
