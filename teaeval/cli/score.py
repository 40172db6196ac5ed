"""The commands ``teaeval score``, ``check``, ``verify`` and ``compare``."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from teadata import console
from teadata.errors import UsageError
from teadata.loading import loading
from teadata.output.options import AsJson
from teadata.output.text import visible
from teaeval.cli.options import (
    FORMATS,
    PER_FILE,
    AllowFailed,
    Bootstrap,
    Declared,
    File,
    Form,
    PredictionFile,
    Scheduler,
    SchedulerTimeout,
    SignPatterns,
    SimulationFiles,
)
from teaeval.cli.reference import Referenced
from teaeval.defaults import WAIT

if TYPE_CHECKING:
    from teaeval.md.record import Simulations
    from teaeval.scores.record import Score


@dataclass(frozen=True)
class Examination:
    """How a prediction is examined."""

    fix: Annotated[
        list[str] | None,
        typer.Option(
            help="Correct what a check finds: units, per-atom, sign or atoms; repeatable."
        ),
    ] = None
    details: Annotated[
        bool,
        typer.Option(
            "--details",
            help="Details: errors shifted, per atom, by direction, tail, residue, |F|, novelty.",
        ),
    ] = False
    allow_failed: AllowFailed = False


def score_file(
    file: PredictionFile,
    declared: Declared,
    referenced: Referenced,
    examination: Examination,
    draws: Bootstrap,
    *,
    scheduler: Scheduler = None,
    scheduler_timeout: SchedulerTimeout = WAIT,
    md: SimulationFiles = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Output: .json, the score; .csv or .md, a table."),
    ] = None,
    printed: Form,
) -> None:
    """Score a prediction file as Tables SI 7 and SI 8 of the TEA Challenge do.

    Ends with status 1, and every problem named, if the file cannot be scored.
    """
    with loading():
        from teadata.files import write_text
        from teaeval.engines import connected
        from teaeval.scores.scoring import score
        from teaeval.tables import single as table

    shown = printed.asked() or "terminal"
    read = referenced.reader(declared, [file])
    form = None if output is None else _form(output)
    simulations = _simulations(md or [])
    reference = referenced.read(declared, [file])
    with connected(scheduler, scheduler_timeout) as engine:
        result = score(
            read(file),
            replicates=draws.bootstrap,
            seed=draws.seed,
            fixes=examination.fix or (),
            with_details=examination.details,
            allow_failed=examination.allow_failed,
            engine=engine,
            reference=reference,
        ).with_simulations(simulations)
    if output is not None and form is not None:
        write_text(output, form(result))
    if shown == "terminal":
        table.print_score(result)
        if onwards := _next(examination.details, output):
            console.say(f"\nnext: {onwards}")
    else:
        console.say(WRITERS[shown](result), nl=False)


def _simulations(paths: Sequence[Path]) -> list[Simulations]:
    """Read the records of simulations."""
    if not paths:
        return []
    from teaeval.md import record

    return [record.read(path) for path in paths]


def _next(detailed: bool, output: Path | None) -> str:
    """The commands that lead on from a score on the terminal, each with what it does."""
    from teaeval.cli import remedies

    given = shlex.join(remedies.given())
    lines = [] if detailed else [(f"{given} --details", "where the errors are")]
    if output is None:
        lines.append((f"{given} -o score.json", "keeps all of it; teaeval table shows it"))
    elif output.suffix.lower() == ".json":
        lines.append((f"teaeval table {shlex.quote(str(output))}", "as the paper's tables are"))
    return "\n      ".join(f"{command}  # {said}" for command, said in lines)


WRITERS: dict[str, Callable[[Score], str]] = {
    "json": lambda score: visible(score.model_dump_json(indent=2)) + "\n",
    "csv": lambda score: _tables().to_csv(score),
    "markdown": lambda score: _tables().markdown(score) + "\n",
}
"""How a score is written in each format."""


def _tables() -> Any:
    from teaeval.tables import single

    return single


def _form(output: Path) -> Callable[[Score], str]:
    """How a score is written under this name, or an error."""
    suffix = output.suffix.lower()
    if (name := FORMATS.get(suffix)) not in WRITERS:
        written = [known for known, form in FORMATS.items() if form in WRITERS]
        raise UsageError(
            f"{output}: a score is written as {', '.join(written)}, "
            + (f"not as {suffix!r}" if suffix else f"e.g. {output.name or 'score'}.json")
        )
    return WRITERS[name]


def check_file(
    file: PredictionFile,
    declared: Declared,
    referenced: Referenced,
    as_json: AsJson = False,
) -> None:
    """Check a prediction file without scoring it: everything that is wrong, and how to mend it.

    Ends with status 1 if it could not be scored; a warning is no reason.
    """
    with loading():
        from teaeval.cli import remedies
        from teaeval.predictions import findings
        from teaeval.scores.against import check_reference
        from teaeval.scores.checking import check

    read = referenced.reader(declared, [file])
    reference = referenced.read(declared, [file])
    try:
        if reference is None:
            problems = check(declared.read(file))[1]
        else:
            problems = check_reference(read(file), reference)
    except findings.PredictionError as error:
        problems = error.findings
    if as_json:
        console.print_json(findings.as_json(problems))
    elif problems:
        console.print_table(findings.COLUMNS, findings.rows(problems))
        console.say(f"{file.path}: {findings.counted(problems)}")
        if advice := remedies.of_findings(str(file.path), problems, remedies.given()):
            console.say(advice)
    else:
        console.say(f"{file.path}: nothing is wrong")
    if any(item.severity == "error" for item in problems):
        raise typer.Exit(1)


def verify_score(
    score: Annotated[
        Path, typer.Argument(metavar="SCORE", help="Score, as `teaeval score -o` writes.")
    ],
    prediction: Annotated[
        Path, typer.Option(help="Prediction file: the one that the score was made from.")
    ],
    reference: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Reference: the one that the score was made with, if there was one.",
        ),
    ] = None,
) -> None:
    """Recompute a score from its prediction file, and compare every number.

    Ends with status 1 if something differs.
    """
    from teaeval.scores.reading import read_score
    from teaeval.scores.verification import verify

    stated = read_score(score, claimed=True)
    differences = verify(stated, prediction, reference)
    for line in differences:
        console.say(line)
    if differences:
        raise typer.Exit(1)
    rows = len(stated.rows) + sum(len(system.rows) for system in stated.systems)
    console.say(f"{score}: {rows} rows, all as {prediction} scores")


def compare_files(
    first: Annotated[
        File,
        typer.Argument(parser=File.parse, metavar="A", help=f"First prediction; {PER_FILE}"),
    ],
    second: Annotated[
        File,
        typer.Argument(
            parser=File.parse,
            metavar="B",
            help="Second prediction, of the same test set.",
        ),
    ],
    declared: Declared,
    referenced: Referenced,
    draws: SignPatterns,
    as_json: AsJson = False,
) -> None:
    """Compare two predictions of one test set: which is better, and how sure that is.

    Over frames, or over trajectories where frames are correlated.
    """
    from teaeval.scores.comparison import compare
    from teaeval.tables.comparison import print_comparison

    both = [first, second]
    read = referenced.reader(declared, both)
    reference = referenced.read(declared, both)
    result = compare(
        read(first),
        read(second),
        replicates=draws.patterns,
        seed=draws.seed,
        reference=reference,
    )
    if as_json:
        console.say(result.model_dump_json(indent=2))
    else:
        print_comparison(result)


def register(app: console.App) -> None:
    """Add these commands to ``teaeval``."""
    app.command("score", epilog="Example: teaeval score my_predictions.npz --energy-unit eV")(
        console.grouped(score_file)
    )
    app.command("check", epilog="Example: teaeval check my_predictions.npz")(
        console.grouped(check_file)
    )
    app.command("verify", epilog="Example: teaeval verify score.json --prediction mine.npz")(
        verify_score
    )
    app.command(
        "compare",
        epilog="Example: teaeval compare mace.npz sgdml.npz",
        renamed={"--bootstrap": "--patterns"},
    )(console.grouped(compare_files))
