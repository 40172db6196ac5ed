"""The commands of ``teaeval`` that lay results out: published, table, report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from teadata import console
from teadata.errors import UsageError, unknown_name

Format = Annotated[
    str | None,
    typer.Option("--format", help="terminal, markdown, latex, csv, html or json; default: by -o."),
]
Output = Annotated[
    Path | None,
    typer.Option("--output", "-o", help="File to write; its suffix says the format."),
]
FORMATS = {".md": "markdown", ".tex": "latex", ".csv": "csv", ".html": "html", ".json": "json"}
"""The format that a suffix stands for."""


def _format(asked: str | None, output: Path | None, offered: list[str]) -> str:
    """The format asked for, or the one of the file's suffix; the terminal's without either."""
    if asked is not None:
        if asked not in offered:
            raise unknown_name("format", asked, offered)
        return asked
    if output is None:
        return "terminal"
    found = FORMATS.get(output.suffix)
    if found not in offered:
        known = [suffix for suffix, name in FORMATS.items() if name in offered]
        raise UsageError(
            f"{output}: no format has the suffix {output.suffix!r}; expected one of "
            f"{', '.join(known)}, or --format"
        )
    return found


def _put(text: str, output: Path | None) -> None:
    from teadata.files import write_text

    if output is None:
        typer.echo(text, nl=False)
    else:
        write_text(output, text)
        typer.echo(f"{output}: written")


def _check_terminal(form: str, output: Path | None) -> None:
    if form == "terminal" and output is not None:
        raise UsageError("the format terminal is printed; leave --output out")


def _json(value: Any) -> str:
    import json

    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def register(app: typer.Typer) -> None:
    """Add these commands to ``teaeval``."""
    app.command("published", epilog="Example: teaeval published si7 --challenge I --quantity F")(
        show_published
    )
    app.command("table", epilog="Example: teaeval table results/*.json -o table.tex")(lay_out)
    app.command("report", epilog="Example: teaeval report predictions/*.h5 -o report.html")(report)


def show_published(
    table: Annotated[
        str, typer.Argument(metavar="[TABLE]", help="si6, si7, si8, settings or costs.")
    ] = "si7",
    model: Annotated[str | None, typer.Option(help="Only this model.")] = None,
    challenge: Annotated[str | None, typer.Option(help="Only this: I, II, III or IV.")] = None,
    task: Annotated[str | None, typer.Option(help="Only this task, e.g. folded->unfolded.")] = None,
    quantity: Annotated[str | None, typer.Option(help="Only this quantity, e.g. F(H).")] = None,
    measure: Annotated[str | None, typer.Option(help="Only MAE, RMSE or MAX.")] = None,
    form: Format = None,
    output: Output = None,
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
) -> None:
    """What the papers published: errors, hyperparameters, times. Print, filter, export.

    Of the official edition; not comparable with scores of the mini edition.
    """
    from teaeval.published.select import select
    from teaeval.tables import published, render
    from teaeval.tables.scores import to_csv

    name: Any = table
    if name not in published.TITLES:
        raise unknown_name("table", table, published.TITLES)
    form = "json" if as_json else form
    chosen = _format(form, output, ["terminal", "markdown", "latex", "csv", "html", "json"])
    _check_terminal(chosen, output)
    found = select(
        name, model=model, challenge=challenge, task=task, quantity=quantity, measure=measure
    )
    if chosen == "json":
        _put(_json(found), output)
    elif chosen == "csv":
        _put(to_csv(published.flat(found)), output)
    elif chosen == "terminal":
        render.terminal([published.grid(name, found)])
    else:
        _put(render.FORMATS[chosen]([published.grid(name, found)]), output)


def lay_out(
    files: Annotated[
        list[Path], typer.Argument(metavar="SCORE...", help="Scores, as teaeval score -o writes.")
    ],
    kind: Annotated[
        str, typer.Option(help="mean (as Table SI 7), std (as Table SI 8) or absolute.")
    ] = "mean",
    intervals: Annotated[
        bool, typer.Option("--intervals", help="With the bootstrap's intervals.")
    ] = False,
    against: Annotated[
        str | None,
        typer.Option(help="published: with the ratio to the paper, where the data are official."),
    ] = None,
    form: Format = None,
    output: Output = None,
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
) -> None:
    """Lay scores out as Tables SI 7 and SI 8: tasks down, models across, the best in bold.

    A dataset has a table of its own. CSV and JSON have a number per line, with full precision.
    """
    from teaeval import tables
    from teaeval.scores.record import read_score
    from teaeval.tables import render
    from teaeval.tables.scores import to_csv

    name: Any = kind
    if name not in tables.KINDS:
        raise unknown_name("kind", kind, tables.KINDS)
    if against not in (None, "published"):
        raise unknown_name("reference to compare with", str(against), ["published"])
    form = "json" if as_json else form
    chosen = _format(form, output, ["terminal", "markdown", "latex", "csv", "html", "json"])
    _check_terminal(chosen, output)
    scores = [read_score(file) for file in files]
    beside = against is not None
    grids = tables.grids(scores, name, intervals=intervals, against=beside)
    if chosen == "terminal":
        render.terminal(grids)
    elif chosen in render.FORMATS:
        _put(render.FORMATS[chosen](grids), output)
    else:
        found = tables.records(scores, name, against=beside)
        _put(_json(found) if chosen == "json" else to_csv(found), output)


def report(
    files: Annotated[list[Path], typer.Argument(metavar="PREDICTION...", help="Prediction files.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="HTML file to write.")],
    title: Annotated[str, typer.Option(help="Heading of the page.")] = "Force-field report",
    frames: Annotated[
        int, typer.Option(min=1, help="Structures of each prediction to look at, the worst.")
    ] = 10,
    allow_failed: Annotated[
        bool, typer.Option("--allow-failed", help="Count missing and not finite frames as failed.")
    ] = False,
    bootstrap: Annotated[
        int | None, typer.Option(min=0, help="Bootstrap resamples behind the intervals; 0: none.")
    ] = None,
    md: Annotated[
        list[Path] | None,
        typer.Option("--md", help="Simulations, md.json of teaeval md analyse; repeatable."),
    ] = None,
) -> None:
    """Write one self-contained HTML page: tables, figures, structures coloured by error.

    It needs no network, only a browser.
    """
    from teaeval.defaults import REPLICATES
    from teaeval.report import write

    count = REPLICATES if bootstrap is None else bootstrap
    with console.progress_bar() as progress:
        write(
            files,
            output,
            title=title,
            frames=frames,
            allow_failed=allow_failed,
            replicates=count,
            simulations=md or (),
            progress=progress,
        )
    typer.echo(f"{output}: {output.stat().st_size / 1e6:.1f} MB")
