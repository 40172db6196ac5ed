"""The commands of ``teaeval`` that lay results out: published, table, report."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from teadata import console
from teadata.errors import unknown_name
from teadata.output.text import to_csv
from teaeval.cli.options import Declared, Layout, PredictionFiles, Replicates, ScoreFiles
from teaeval.defaults import REPLICATES


@dataclass(frozen=True)
class Filters:
    """Which of the published numbers are wanted."""

    model: Annotated[str | None, typer.Option(help="Only this model.")] = None
    challenge: Annotated[str | None, typer.Option(help="Only this: I, II, III or IV.")] = None
    task: Annotated[str | None, typer.Option(help="Only this task, e.g. folded->unfolded.")] = None
    quantity: Annotated[str | None, typer.Option(help="Only this quantity, e.g. F(H).")] = None
    measure: Annotated[str | None, typer.Option(help="Only MAE, RMSE or MAX.")] = None


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def register(app: typer.Typer) -> None:
    """Add these commands to ``teaeval``."""
    app.command("published", epilog="Example: teaeval published si7 --challenge I --quantity F")(
        console.grouped(show_published)
    )
    app.command("table", epilog="Example: teaeval table results/*.json -o table.tex")(
        console.grouped(lay_out)
    )
    app.command("report", epilog="Example: teaeval report predictions/*.h5 -o report.html")(
        console.grouped(report)
    )


def show_published(
    table: Annotated[
        str, typer.Argument(metavar="[TABLE]", help="si6, si7, si8, settings or costs.")
    ] = "si7",
    *,
    filters: Filters,
    layout: Layout,
) -> None:
    """What the papers published: errors, hyperparameters, times. Print, filter, export.

    Of the official edition; not comparable with scores of the mini edition.
    """
    from teaeval.published.select import select
    from teaeval.tables import published, render

    name: Any = table
    if name not in published.TITLES:
        raise unknown_name("table", table, published.TITLES)
    form = layout.format
    records = select(name, **asdict(filters))
    if form == "json":
        layout.put(_json(records))
    elif form == "csv":
        layout.put(to_csv(published.flat(records)))
    elif form == "terminal":
        render.terminal([published.grid(name, records)])
    else:
        layout.put(render.FORMATS[form]([published.grid(name, records)]))


def lay_out(
    files: ScoreFiles,
    *,
    kind: Annotated[
        str, typer.Option(help="mean (as Table SI 7), std (as Table SI 8) or absolute.")
    ] = "mean",
    intervals: Annotated[bool, typer.Option("--intervals", help="With intervals.")] = False,
    against: Annotated[
        str | None,
        typer.Option(help="published: with the ratio to the paper, where the data are official."),
    ] = None,
    layout: Layout,
) -> None:
    """Lay scores out as Tables SI 7 and SI 8: tasks down, models across, the best in bold.

    A dataset has a table of its own. CSV and JSON have a number per line, with full precision.
    """
    from teaeval import tables
    from teaeval.scores.reading import read_score
    from teaeval.tables import render

    name: Any = kind
    if name not in tables.KINDS:
        raise unknown_name("kind", kind, tables.KINDS)
    if against not in (None, "published"):
        raise unknown_name("reference to compare with", str(against), ["published"])
    form = layout.format
    scores = [read_score(file) for file in files]
    beside = against is not None
    grids = tables.grids(scores, name, intervals=intervals, against=beside)
    if form == "terminal":
        render.terminal(grids)
    elif form in render.FORMATS:
        layout.put(render.FORMATS[form](grids))
    else:
        records = tables.records(scores, name, against=beside)
        layout.put(_json(records) if form == "json" else to_csv(records))


def report(
    files: PredictionFiles,
    output: Annotated[Path, typer.Option("--output", "-o", help="HTML file to write.")],
    declared: Declared,
    title: Annotated[str, typer.Option(help="Heading of the page.")] = "Force-field report",
    frames: Annotated[
        int, typer.Option(min=1, help="Structures of each prediction to look at, the worst.")
    ] = 10,
    allow_failed: Annotated[
        bool, typer.Option("--allow-failed", help="Count missing and not finite frames as failed.")
    ] = False,
    bootstrap: Replicates = REPLICATES,
    md: Annotated[
        list[Path] | None,
        typer.Option("--md", help="Simulations, md.json of teaeval md analyse; repeatable."),
    ] = None,
) -> None:
    """Write one self-contained HTML page: tables, figures, structures coloured by error.

    It needs no network, only a browser.
    """
    from teaeval.report import write

    with console.progress_bar() as progress:
        write(
            list(map(declared.read_one_of(files), files)),
            output,
            title=title,
            frames=frames,
            allow_failed=allow_failed,
            replicates=bootstrap,
            simulations=md or (),
            progress=progress,
        )
    console.say(f"{output}: {output.stat().st_size / 1e6:.1f} MB")
