"""The commands ``baselines record``, ``check``, ``table`` and ``learning-curve``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from baselines.cli.options import (
    ConfigName,
    ModelName,
    Records,
    RunFolders,
    TestFrames,
    TrainSubset,
    trained_subset,
)
from teadata import console
from teadata.errors import UsageError
from teadata.output.options import AsJson, AsMarkdown, DatasetId, FigureFilesIfAny, Seed

AnyModel = Annotated[
    str | None,
    typer.Argument(metavar="[MODEL]", help="The model's name, see `baselines list`; default: all."),
]


def record(
    model: ModelName,
    dataset: DatasetId,
    subset: Annotated[
        list[str] | None,
        typer.Option(help="Subset: one to train on; repeatable; default: all with a task."),
    ] = None,
    size: Annotated[int | None, typer.Option(help="Frames to train on.")] = None,
    config: ConfigName = "quick",
    seeds: Annotated[
        int, typer.Option(min=1, help="Number of trainings, each with its own seed.")
    ] = 3,
    runs: RunFolders = Path("runs"),
    records: Records = None,
    replace: Annotated[
        bool,
        typer.Option(
            "--replace",
            help="Replace what is there already, with other data, settings or size, or more seeds.",
        ),
    ] = False,
) -> None:
    """Train with several seeds, and record what they reach for `check` to compare with.

    Nothing that is recorded is lost without --replace.
    """
    from baselines.accuracy import record as accuracy
    from baselines.accuracy import retraining
    from baselines.accuracy import table as accuracy_table
    from baselines.runs.folder import make_plan
    from teadata import catalog

    data = catalog.load(dataset)
    folder = records or accuracy.records_folder(data)
    accuracy.check_place(folder)
    chosen = subset or accuracy.trained_subsets(data.card)
    plans = [make_plan(model, data, name, size, config) for name in chosen]
    for plan in plans:
        accuracy.check_name(plan)
        if lost := accuracy.losses(accuracy.record_file(plan, folder), plan, seeds):
            if not replace:
                raise UsageError(f"{lost}; give another folder with --records, or --replace")
            console.say(f"as --replace says: {lost}", err=True)
    for plan in plans:
        accuracy_table.print_records([retraining.make_record(plan, seeds, runs, folder)])


def check(
    model: AnyModel = None,
    dataset: Annotated[
        str | None,
        typer.Argument(metavar="[DATASET]", help="Dataset id, see `teadata list`; default: all."),
    ] = None,
    subset: Annotated[
        str | None, typer.Option(help="Subset: the one that was trained on; default: all.")
    ] = None,
    config: Annotated[
        str | None, typer.Option(help="Configuration: one with a record; default: the quick ones.")
    ] = None,
    reference: Annotated[
        bool,
        typer.Option(
            "--reference", help="The reference trainings: repeat these, not the quick ones."
        ),
    ] = False,
    fast: Annotated[
        bool, typer.Option("--fast", help="Only the quickest recorded training of each model.")
    ] = False,
    runs: Annotated[
        Path | None,
        typer.Option(help="Folder of the run folders, kept and used again; default: none is kept."),
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option(
            min=1, help="Processes at a time, one for each training; default: one per core."
        ),
    ] = None,
    records: Records = None,
    as_json: AsJson = False,
) -> None:
    """Retrain the recorded baselines and compare: the regression test of their accuracy.

    Ends with status 1 if an error is larger than another seed could explain.
    """
    if reference and config is not None:
        raise UsageError(
            f"expected --reference or --config, found both (--config {config}); leave one out"
        )
    from baselines.accuracy import record as accuracy
    from baselines.accuracy import regression, retraining
    from baselines.accuracy import table as accuracy_table
    from teadata import catalog

    data = None if dataset is None else catalog.load(dataset)
    directory = records or accuracy.records_folder(data)
    chosen = regression.select(
        accuracy.read_records(directory),
        model,
        dataset and dataset.partition("@")[0],
        subset,
        config,
        fast,
        "reference" if reference else "quick",
    )
    spreads = {
        name: regression.pooled_spreads(accuracy.read_records(directory, name))
        for name in {record.model for record, _ in chosen}
    }
    checked = []
    with accuracy_table.kept_or_temporary(runs) as place:
        for retrained in retraining.check(chosen, spreads, place, jobs or os.cpu_count() or 1):
            accuracy_table.print_costs(retrained)
            checked += retrained.lines
    if as_json:
        console.print_json([line.model_dump() | {"regressed": line.regressed} for line in checked])
    else:
        accuracy_table.print_checked(checked)
    if any(line.regressed for line in checked):
        raise typer.Exit(1)


def table(
    model: AnyModel = None,
    records: Records = None,
    as_json: AsJson = False,
    as_markdown: AsMarkdown = False,
) -> None:
    """Print the recorded accuracy, time and memory of the baselines."""
    if as_json and as_markdown:
        raise UsageError("expected one format, found json, markdown")
    from baselines.accuracy import record as accuracy
    from baselines.accuracy import table as accuracy_table

    found = accuracy.read_records(records or accuracy.RECORDS, model)
    if as_json:
        console.print_json([item.model_dump() for item in found])
    elif as_markdown:
        console.say(accuracy_table.markdown(found), nl=False)
    else:
        accuracy_table.print_records(found)


def learning_curve(
    model: ModelName,
    dataset: DatasetId,
    subset: TrainSubset = None,
    size: Annotated[
        list[int] | None,
        typer.Option(
            help="Frames to train on; repeatable; default: 200, 400, … 1000, or the dataset's."
        ),
    ] = None,
    config: ConfigName = "quick",
    seed: Seed = 0,
    frames: TestFrames = None,
    runs: RunFolders = Path("runs"),
    output: FigureFilesIfAny = None,
    as_markdown: AsMarkdown = False,
) -> None:
    """Train on more and more frames, twice each on different splits (as Table SI 6).

    The table has the better of the two by its validation; the figure has both.  Where there are
    fewer validation frames than a size, it is trained once.
    """
    from baselines.accuracy import learning_curve as curve
    from teadata import catalog
    from teaeval.plots.plot import check_path

    for path in output or []:
        check_path(path)
    data = catalog.load(dataset)
    subset = trained_subset(data, subset)
    plans = curve.plans(model, data, subset, size or curve.sizes_of(data, subset), config, seed)
    if note := curve.note_of(plans):
        console.say(f"note: {note}", err=True)
    with console.progress_bar() as progress:
        found = list(curve.carry_out(plans, runs, frames, progress))
    made = curve.tables(found)
    if as_markdown:
        console.say(curve.markdown(made), nl=False)
    else:
        for caption, table in made.items():
            sizes = list(table[curve.ROWS[0]])
            columns = [caption, *(f"{n} {kind}" for n in sizes for kind in ("valid", "test"))]
            rows = [
                [row, *(f"{error:.2f}" for n in sizes for error in table[row][n])]
                for row in curve.ROWS
            ]
            console.print_table(columns, rows, right=columns[1:])
    if output:
        for path in curve.figure(found).save(*output):
            console.say(f"{path}: written", err=as_markdown)


def register(app: console.App) -> None:
    """Add these commands to ``baselines``."""
    for name, command, example in (
        ("record", record, "baselines record mace mini-iii --size 100 --seeds 3"),
        ("check", check, "baselines check sgdml mini-i"),
        ("table", table, "baselines table --markdown"),
        ("learning-curve", learning_curve, "baselines learning-curve physnet mini-i -o lc.png"),
    ):
        old = {} if command is table else {"--folder": "--runs"}
        app.command(name, epilog=f"Example: {example}", renamed=old)(command)
