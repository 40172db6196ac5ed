"""The command ``baselines``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from teadata import console
from teaeval.defaults import REPLICATES

if TYPE_CHECKING:
    from baselines.runs.record import TrainingRecord

app = console.new_app("Reference trainings of the TEA Challenge's models.")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
AsMarkdown = Annotated[bool, typer.Option("--markdown", help="Print the table as Markdown.")]
Run = Annotated[Path, typer.Argument(metavar="RUN", help="Run folder of a training.")]
TestSubset = Annotated[
    str | None, typer.Option(help="Subset of the test set; default: the one trained on.")
]
Device = Annotated[
    str | None, typer.Option(help="cpu or cuda; default: where the model was trained.")
]
ModelName = Annotated[str, typer.Argument(metavar="MODEL", help="See `baselines list`.")]
DatasetName = Annotated[str, typer.Argument(metavar="DATASET", help="See `teadata list`.")]
Records = Annotated[
    Path | None, typer.Option(help="Folder of the records; default: the shipped ones.")
]
RunFolders = Annotated[Path, typer.Option(help="Where the run folders are.")]
ConfigName = Annotated[str, typer.Option(help="Shipped configuration, or path of a YAML file.")]


@app.command("list", epilog="Example: baselines list")
def list_models(as_json: AsJson = False) -> None:
    """List the models, their configurations, and whether their backends are installed."""
    from baselines.config import names
    from baselines.registry import MODELS

    rows = [
        {
            "model": name,
            "title": model.title,
            "configurations": names(name),
            "datasets": list(model.datasets),
            "devices": list(model.devices),
            "backend": model.package,
            "extra": model.extra,
            "installed": model.installed,
            "doi": model.reference,
        }
        for name, model in MODELS.items()
    ]
    if as_json:
        console.print_json(rows)
        return
    console.print_table(
        ["model", "title", "configurations", "devices", "backend", "doi"],
        [
            (
                name,
                model.title,
                ", ".join(names(name)),
                ", ".join(model.devices),
                model.package
                if model.installed
                else f"{model.package}: pip install 'tea-benchmark[{model.extra}]'",
                model.reference,
            )
            for name, model in MODELS.items()
        ],
    )


@app.command("show-config", epilog="Example: baselines show-config mace paper-i > mine.yaml")
def show_config(
    model: ModelName,
    name: Annotated[str, typer.Argument(help="Shipped configuration, or path.")] = "quick",
) -> None:
    """Print a configuration with every setting stated, as YAML that `train --config` reads."""
    from baselines import config
    from baselines.registry import entry

    _, kind = entry(model).classes()
    typer.echo(config.to_yaml(config.read(kind, model, name)), nl=False)


@app.command(epilog="Example: baselines train mace mini-i --subset folded --size 200")
def train(
    model: ModelName,
    dataset: DatasetName,
    subset: Annotated[str, typer.Option(help="Subset to train and validate on.")] = "complete",
    size: Annotated[
        int | None, typer.Option(help="Frames to train on, and as many to validate.")
    ] = None,
    config: ConfigName = "quick",
    seed: Annotated[int, typer.Option(min=0, help="Seed of everything random.")] = 0,
    device: Annotated[str, typer.Option(help="cpu, or cuda where the model can.")] = "cpu",
    dtype: Annotated[
        str | None, typer.Option(help="float32 or float64; default: the configuration's.")
    ] = None,
    allow_tf32: Annotated[
        bool, typer.Option("--allow-tf32", help="Let a GPU round matrix products (so3krates).")
    ] = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Run folder; default below runs/.")
    ] = None,
) -> None:
    """Train a model; an interrupted training is resumed by the same command, or by `resume`."""
    from baselines.runs import folder as runs
    from teadata import catalog

    data = catalog.load(dataset)
    plan = runs.make_plan(
        model, data, subset, size, config, seed, device, dtype, allow_tf32 or None
    )
    folder = output or runs.default_folder(plan)
    with console.progress_bar() as progress:
        record = runs.train(plan, folder, progress)
    _say(folder, record)


@app.command(epilog="Example: baselines resume runs/mace-mini-i-folded-200-quick-seed0")
def resume(run: Run) -> None:
    """Go on with an interrupted training."""
    from baselines.runs import folder as runs

    with console.progress_bar() as progress:
        record = runs.resume(run, progress)
    _say(run, record)


def _say(folder: Path, record: TrainingRecord) -> None:
    plan = record.plan
    selected = ", ".join(f"{key} {value}" for key, value in record.selected.items())
    typer.echo(
        f"{folder}: {plan.model} trained on {plan.dataset} {plan.train} in "
        f"{record.wall_seconds:.0f} s, {record.peak_memory_mib:.0f} MiB; {selected}"
    )
    typer.echo(
        f"validation on {plan.valid}: energy MAE {record.valid['energy_mae']:.3g} kcal/mol, "
        f"force MAE {record.valid['force_mae']:.3g} kcal/mol/Å"
    )


@app.command(epilog="Example: baselines predict runs/mace-… -o predictions.npz")
def predict(
    run: Run,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Prediction file; the suffix sets the format.")
    ],
    subset: TestSubset = None,
    device: Device = None,
) -> None:
    """Predict a test set and write a prediction file for `teaeval score`."""
    from baselines.runs import predictions
    from teaeval.predictions.writing import write_prediction

    with console.progress_bar() as progress:
        prediction = predictions.predict(run, subset, progress, device)
    write_prediction(output, prediction)
    typer.echo(
        f"{output}: {len(prediction.energies)} frames of {prediction.dataset} "
        f"{prediction.subset}/test"
    )


@app.command(epilog="Example: baselines score runs/mace-… --subset unfolded")
def score(
    run: Run,
    subset: TestSubset = None,
    device: Device = None,
    bootstrap: Annotated[
        int, typer.Option(min=0, help="Bootstrap resamples behind the intervals; 0: none.")
    ] = REPLICATES,
    frames: Annotated[
        int | None, typer.Option(min=1, help="Only so many, spread over the test set.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Predict a test set and score it, as `teaeval score` does; both files stay in the folder."""
    from baselines.runs import predictions
    from teaeval.tables import single as table

    with console.progress_bar() as progress:
        scored = predictions.score(run, subset, progress, device, bootstrap, frames)
    if as_json:
        typer.echo(scored.model_dump_json(indent=2))
    else:
        table.print_score(scored)


@app.command(epilog="Example: baselines record mace mini-iii --size 100 --seeds 3")
def record(
    model: ModelName,
    dataset: DatasetName,
    subset: Annotated[
        list[str] | None, typer.Option(help="Subset to train on; default: all with a task.")
    ] = None,
    size: Annotated[int | None, typer.Option(help="Frames to train on.")] = None,
    config: ConfigName = "quick",
    seeds: Annotated[int, typer.Option(min=1, help="Trainings, each with a seed of its own.")] = 3,
    folder: RunFolders = Path("runs"),
    records: Records = None,
) -> None:
    """Train with several seeds, and record what they reach for `check` to compare with."""
    from baselines.accuracy import record as accuracy
    from baselines.accuracy import retraining
    from baselines.accuracy import table as accuracy_table
    from baselines.runs import folder as runs
    from teadata import catalog

    data = catalog.load(dataset)
    for name in subset or accuracy.trained_subsets(data):
        plan = runs.make_plan(model, data, name, size, config)
        made = retraining.make_record(plan, seeds, folder, records or accuracy.RECORDS)
        accuracy_table.print_records([made])


@app.command(epilog="Example: baselines check sgdml mini-i")
def check(
    model: Annotated[str | None, typer.Argument(metavar="[MODEL]", help="Default: all.")] = None,
    dataset: Annotated[
        str | None, typer.Argument(metavar="[DATASET]", help="Default: all.")
    ] = None,
    subset: Annotated[str | None, typer.Option(help="Subset trained on; default: all.")] = None,
    config: Annotated[
        str | None, typer.Option(help="Configuration that was recorded; default: the quick ones.")
    ] = None,
    fast: Annotated[
        bool, typer.Option("--fast", help="Only the quickest of each model's recorded trainings.")
    ] = False,
    folder: Annotated[
        Path | None, typer.Option(help="Keep the run folders here, and use finished ones.")
    ] = None,
    jobs: Annotated[
        int | None, typer.Option(min=1, help="Trainings at once; default: one on each core.")
    ] = None,
    records: Records = None,
    as_json: AsJson = False,
) -> None:
    """Retrain the recorded baselines and compare: the regression test of their accuracy.

    Ends with status 1 if an error is larger than another seed could explain.
    """
    from baselines.accuracy import record as accuracy
    from baselines.accuracy import regression, retraining
    from baselines.accuracy import table as accuracy_table

    directory = records or accuracy.RECORDS
    chosen = regression.select(
        accuracy.read_records(directory), model, dataset, subset, config, fast
    )
    names = {record.model for record, _ in chosen}
    spreads = {
        name: regression.pooled_spreads(accuracy.read_records(directory, name)) for name in names
    }
    checked = []
    with accuracy_table.kept_or_temporary(folder) as place:
        for retrained in retraining.check(chosen, spreads, place, jobs or os.cpu_count() or 1):
            accuracy_table.print_costs(retrained)
            checked += retrained.lines
    if as_json:
        console.print_json([line.model_dump() | {"regressed": line.regressed} for line in checked])
    else:
        accuracy_table.print_checked(checked)
    if any(line.regressed for line in checked):
        raise typer.Exit(1)


@app.command(epilog="Example: baselines table --markdown")
def table(
    model: Annotated[str | None, typer.Argument(metavar="[MODEL]", help="Default: all.")] = None,
    records: Records = None,
    as_json: AsJson = False,
    as_markdown: AsMarkdown = False,
) -> None:
    """Print the recorded accuracy, time and memory of the baselines."""
    from baselines.accuracy import record as accuracy
    from baselines.accuracy import table as accuracy_table

    found = accuracy.read_records(records or accuracy.RECORDS, model)
    if as_json:
        console.print_json([item.model_dump() for item in found])
    elif as_markdown:
        typer.echo(accuracy_table.markdown(found), nl=False)
    else:
        accuracy_table.print_records(found)


@app.command("learning-curve", epilog="Example: baselines learning-curve physnet mini-i -o lc.png")
def learning_curve(
    model: ModelName,
    dataset: DatasetName,
    subset: Annotated[str, typer.Option(help="Subset to train and test on.")] = "complete",
    size: Annotated[
        list[int] | None,
        typer.Option(help="Frames to train on; repeatable; default: 200, 400, … 1000."),
    ] = None,
    config: ConfigName = "quick",
    seed: Annotated[int, typer.Option(min=0, help="Seed of everything random.")] = 0,
    frames: Annotated[
        int | None, typer.Option(min=1, help="Test only so many, spread over the test set.")
    ] = None,
    folder: RunFolders = Path("runs"),
    output: Annotated[
        list[Path] | None,
        typer.Option(
            "--output", "-o", help="Figure, .png, .svg or .pdf, its data beside it as .csv."
        ),
    ] = None,
    as_markdown: AsMarkdown = False,
) -> None:
    """Train on more and more frames, twice each on different splits (as Table SI 6).

    The table has the better of the two by its validation; the figure has both.
    """
    from baselines.accuracy import learning_curve as curve
    from teadata import catalog
    from teaeval.plots.plot import check_suffix

    for path in output or []:
        check_suffix(path)
    data = catalog.load(dataset)
    plans = curve.plans(model, data, subset, size or curve.SIZES, config, seed)
    with console.progress_bar() as progress:
        found = list(curve.carry_out(plans, folder, frames, progress))
    made = curve.tables(found)
    if as_markdown:
        typer.echo(curve.markdown(made), nl=False)
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
            typer.echo(f"{path}: written", err=as_markdown)


@app.command(epilog="Example: baselines bench runs/mace-mini-i-folded-200-quick-seed0")
def bench(run: Run, device: Device = None, as_json: AsJson = False) -> None:
    """Time the predictions of a trained model, one frame and many at a time."""
    from baselines.runs.speed import bench as measure

    speed = measure(run, device)
    if as_json:
        console.print_json(speed.model_dump())
        return
    console.print_fields(
        {
            "model": f"{speed.model}, {speed.dataset}, {speed.device}",
            "hardware": ", ".join(speed.hardware.values()),
            "training": f"{speed.train_seconds:.0f} s, {speed.train_frames} frames, "
            f"{speed.train_frames / max(speed.train_seconds, 1e-9):.3g} frames/s",
            "one frame": f"{speed.one_us_per_atom:.0f} µs/atom",
            f"{speed.many_frames} frames": f"{speed.many_us_per_atom:.0f} µs/atom",
            "ASE calculator": f"{speed.calculator_us_per_atom:.0f} µs/atom",
        }
    )


def main() -> None:
    """Entry point of ``baselines``."""
    console.run(app)
