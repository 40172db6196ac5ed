"""The commands of ``teaeval`` that lay results out: published, table, report."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from teadata import console
from teadata.errors import unknown_name
from teadata.output.command_line import Renamed
from teadata.output.text import inline, to_csv, visible
from teaeval.cli.options import (
    AllowFailed,
    Declared,
    KindOfNumber,
    Layout,
    PredictionFiles,
    Published,
    Replicates,
    ScoreFiles,
    SimulationFiles,
)
from teaeval.cli.reference import Referenced
from teaeval.defaults import REPLICATES


@dataclass(frozen=True)
class Filters:
    """Which of the published numbers are wanted."""

    model: Annotated[str | None, typer.Option(help="The model's name; only of this one.")] = None
    challenge: Annotated[
        str | None, typer.Option(help="Challenge, I, II, III or IV; only this one.")
    ] = None
    task: Annotated[
        str | None, typer.Option(help="Task, e.g. 'folded->unfolded'; only this one.")
    ] = None
    quantity: Annotated[str | None, typer.Option(help="Quantity, e.g. 'F(H)'; only this one.")] = (
        None
    )
    measure: Annotated[
        str | None, typer.Option(help="Measure, MAE, RMSE or MAX; only this one.")
    ] = None


def _json(value: Any) -> str:
    return visible(json.dumps(value, indent=2, ensure_ascii=False)) + "\n"


def register(app: console.App) -> None:
    """Add these commands to ``teaeval``."""
    app.command("published", epilog="Example: teaeval published si7 --challenge I --quantity F")(
        console.grouped(show_published)
    )
    app.command(
        "table",
        epilog="Example: teaeval table results/*.json -o table.tex",
        renamed={"--against": Renamed("--published", "published")},
    )(console.grouped(lay_out))
    app.command(
        "report",
        epilog="Example: teaeval report predictions/*.h5 -o report.html",
        renamed={"--frames": "--worst"},
    )(console.grouped(report))


def show_published(
    table: Annotated[
        str, typer.Argument(metavar="[TABLE]", help="Table: si6, si7, si8, settings or costs.")
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
    kind: KindOfNumber = "mean",
    intervals: Annotated[bool, typer.Option("--intervals", help="With intervals.")] = False,
    published: Published = False,
    layout: Layout,
) -> None:
    """Lay scores out as Tables SI 7 and SI 8: tasks down, models across, the best in bold.

    A dataset has a table of its own, and simulations that scores hold (`score --md`) have one: how
    many replicas, and how long. CSV and JSON have a number per line, with full precision.
    """
    from teaeval import tables
    from teaeval.scores.builds import unknown_data
    from teaeval.scores.reading import read_score
    from teaeval.tables import render, simulations

    name: Any = kind
    if name not in tables.KINDS:
        raise unknown_name("kind", kind, tables.KINDS)
    form = layout.format
    scores = [read_score(file) for file in files]
    for line in unknown_data(scores, files):
        console.say(inline(f"warning: {line}"), err=True)
    grids = tables.grids(scores, name, intervals=intervals, against=published)
    runs = [run for score in scores for run in score.simulations]
    if runs:
        grids.append(simulations.survival(simulations.distinct(runs)))
    if form == "terminal":
        render.terminal(grids)
    elif form in render.FORMATS:
        layout.put(render.FORMATS[form](grids))
    else:
        records = tables.records(scores, name, against=published)
        layout.put(_json(records) if form == "json" else to_csv(records))


def report(
    files: PredictionFiles,
    output: Annotated[Path, typer.Option("--output", "-o", help="Output: .html.")],
    declared: Declared,
    referenced: Referenced,
    title: Annotated[str, typer.Option(help="Title, of the page.")] = "Force-field report",
    worst: Annotated[
        int, typer.Option(min=1, help="Number of worst frames to show for each prediction.")
    ] = 10,
    allow_failed: AllowFailed = False,
    bootstrap: Replicates = REPLICATES,
    md: SimulationFiles = None,
) -> None:
    """Write one self-contained HTML page: tables, figures, structures coloured by error.

    It needs no network, only a browser.
    """
    from teaeval.report import write

    read = referenced.reader(declared, files)
    reference = referenced.read(declared, files)
    with console.progress_bar() as progress:
        write(
            [read(file) for file in files],
            output,
            title=title,
            frames=worst,
            allow_failed=allow_failed,
            replicates=bootstrap,
            simulations=md or (),
            reference=reference,
            progress=progress,
        )
    console.say(f"{output}: {output.stat().st_size / 1e6:.1f} MB")
