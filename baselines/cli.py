"""The command ``baselines``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from teadata import console
from teaeval.defaults import REPLICATES

if TYPE_CHECKING:
    from baselines.record import TrainingRecord

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
            "backend": model.backend,
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
                model.backend
                if model.installed
                else f"{model.backend}: pip install 'tea-benchmark[{model.extra}]'",
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
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Run folder; default below runs/.")
    ] = None,
) -> None:
    """Train a model; an interrupted training is resumed by the same command, or by `resume`."""
    from baselines import runs
    from teadata import catalog

    data = catalog.load(dataset)
    plan = runs.make_plan(model, data, subset, size, config, seed, device, dtype)
    folder = output or runs.default_folder(plan)
    with console.progress_bar() as progress:
        record = runs.train(plan, folder, progress)
    _say(folder, record)


@app.command(epilog="Example: baselines resume runs/mace-mini-i-folded-200-quick-seed0")
def resume(run: Run) -> None:
    """Go on with an interrupted training."""
    from baselines import runs

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
    from baselines import runs
    from teaeval.writing import write_prediction

    with console.progress_bar() as progress:
        prediction = runs.predict(run, subset, progress, device)
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
    as_json: AsJson = False,
) -> None:
    """Predict a test set and score it, as `teaeval score` does; both files stay in the folder."""
    from baselines import runs
    from teaeval import table

    with console.progress_bar() as progress:
        scored = runs.score(run, subset, progress, device, bootstrap)
    if as_json:
        typer.echo(scored.model_dump_json(indent=2))
    else:
        table.print_score(scored)


def main() -> None:
    """Entry point of ``baselines``."""
    console.run(app)
