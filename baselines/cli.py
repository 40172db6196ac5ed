"""The command ``baselines``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from teadata import console

app = console.new_app("Reference trainings of the TEA Challenge's models.")


@app.command("list", epilog="Example: baselines list")
def list_models(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """List the models, their configurations, and whether their backends are installed."""
    from baselines.config import names
    from baselines.registry import MODELS

    rows = [
        {
            "model": name,
            "title": model.title,
            "configurations": names(name),
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
        ["model", "title", "configurations", "backend", "doi"],
        [
            (
                str(row["model"]),
                str(row["title"]),
                ", ".join(names(str(row["model"]))),
                str(row["backend"])
                if row["installed"]
                else f"{row['backend']}: pip install 'tea-benchmark[{row['extra']}]'",
                str(row["doi"]),
            )
            for row in rows
        ],
    )


@app.command(epilog="Example: baselines train sgdml mini-i --subset folded --size 200")
def train(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="See `baselines list`.")],
    dataset: Annotated[str, typer.Argument(metavar="DATASET", help="See `teadata list`.")],
    subset: Annotated[str, typer.Option(help="Subset to train and validate on.")],
    size: Annotated[
        int | None, typer.Option(help="Frames to train on, and as many to validate.")
    ] = None,
    config: Annotated[
        str, typer.Option(help="Shipped configuration, or path of a YAML file.")
    ] = "quick",
    seed: Annotated[int, typer.Option(help="Seed of everything random.")] = 0,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Run folder; default below runs/.")
    ] = None,
) -> None:
    """Train a model; an interrupted training is resumed by the same command."""
    from baselines import runs
    from teadata import catalog

    plan = runs.make_plan(model, catalog.load(dataset), subset, size, config, seed)
    folder = output or runs.default_folder(plan)
    with console.progress_bar() as progress:
        record = runs.train(plan, folder, progress)
    selected = ", ".join(f"{key} {value}" for key, value in record.selected.items())
    typer.echo(
        f"{folder}: {plan.model} trained on {plan.dataset} {plan.train} in "
        f"{record.wall_seconds:.0f} s, {record.peak_memory_mib:.0f} MiB; {selected}"
    )
    typer.echo(
        f"validation on {plan.valid}: energy MAE {record.valid['energy_mae']:.3g} kcal/mol, "
        f"force MAE {record.valid['force_mae']:.3g} kcal/mol/Å"
    )


@app.command(epilog="Example: baselines predict runs/sgdml-… -o predictions.npz")
def predict(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Run folder of a finished training.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Prediction file (npz).")],
    subset: Annotated[
        str | None, typer.Option(help="Subset of the test set; default: the one trained on.")
    ] = None,
) -> None:
    """Predict a test set and write a prediction file for `teaeval score`."""
    from baselines import runs
    from teaeval.writing import write_prediction

    with console.progress_bar() as progress:
        prediction = runs.predict(run, subset, progress)
    write_prediction(output, prediction)
    typer.echo(
        f"{output}: {len(prediction.energies)} frames of {prediction.dataset} "
        f"{prediction.subset}/test"
    )


def main() -> None:
    """Entry point of ``baselines``."""
    console.run(app)
