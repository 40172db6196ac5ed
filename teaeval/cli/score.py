"""The command ``teaeval``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from teadata import console
from teadata.errors import UsageError
from teaeval.cli import hydrogen as cli_hydrogen
from teaeval.cli import md as cli_md
from teaeval.cli import plot as cli_plots
from teaeval.cli import tables as cli_results
from teaeval.defaults import REPLICATES

app = console.new_app("Scores of force-field predictions, as the TEA Challenge's tables do.")


Replicates = Annotated[
    int, typer.Option(min=0, help="Bootstrap resamples behind the intervals; 0: none.")
]
Seed = Annotated[int, typer.Option(min=0, help="Seed of the bootstrap.")]
DatasetSaid = Annotated[
    str | None, typer.Option("--dataset", help="Dataset id, if the file does not state it.")
]
SubsetSaid = Annotated[
    str | None,
    typer.Option("--subset", help="Subset of the test set, if the file does not state it."),
]
EnergyUnit = Annotated[str | None, typer.Option(help="Energy unit, if the file does not state it.")]
LengthUnit = Annotated[str | None, typer.Option(help="Length unit, if the file does not state it.")]
EnergyKey = Annotated[
    str | None, typer.Option(help="The file's name of the energies, e.g. MACE_energy.")
]
ForcesKey = Annotated[str | None, typer.Option(help="The file's name of the forces.")]


Scheduler = Annotated[
    str | None,
    typer.Option(help="Address of a Dask scheduler, tcp://host:port, whose workers see the files."),
]


@app.command("score", epilog="Example: teaeval score my_predictions.npz --energy-unit eV")
def score_file(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Prediction file.")],
    dataset: DatasetSaid = None,
    subset: SubsetSaid = None,
    energy_unit: EnergyUnit = None,
    length_unit: LengthUnit = None,
    energy_key: EnergyKey = None,
    forces_key: ForcesKey = None,
    fix: Annotated[
        list[str] | None,
        typer.Option(help="Mend what a check finds: units, sign or atoms; may be repeated."),
    ] = None,
    details: Annotated[
        bool,
        typer.Option(
            "--details",
            help="Also: errors shifted, per atom, by direction, tail, residue, |F|, novelty.",
        ),
    ] = False,
    allow_failed: Annotated[
        bool,
        typer.Option(
            "--allow-failed", help="Count missing and not finite frames as failed; score the rest."
        ),
    ] = False,
    bootstrap: Replicates = REPLICATES,
    seed: Seed = 0,
    scheduler: Scheduler = None,
    md: Annotated[
        list[Path] | None,
        typer.Option("--md", help="Simulations with the model, md.json, to join; repeatable."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write the score to, as JSON.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the score as JSON.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print the table as CSV.")] = False,
    as_markdown: Annotated[
        bool, typer.Option("--markdown", help="Print the table as Markdown.")
    ] = False,
) -> None:
    """Score a prediction file as Tables SI 7 and SI 8 of the TEA Challenge do.

    Ends with status 1, and every problem named, if the file cannot be scored.
    """
    if as_json + as_csv + as_markdown > 1:
        raise UsageError("expected at most one of --json, --csv and --markdown")
    from teadata.provenance import write_text
    from teaeval.engines import connected
    from teaeval.md import record
    from teaeval.predictions.reading import read_prediction
    from teaeval.scores.scoring import score
    from teaeval.tables import single as table

    _check_options(dataset, subset, energy_unit, length_unit)
    simulations = [record.read(path) for path in md or []]
    with connected(scheduler) as engine:
        result = score(
            read_prediction(
                file,
                dataset=dataset,
                subset=subset,
                energy_unit=energy_unit,
                length_unit=length_unit,
                energy_key=energy_key,
                forces_key=forces_key,
            ),
            replicates=bootstrap,
            seed=seed,
            fixes=fix or (),
            with_details=details,
            allow_failed=allow_failed,
            engine=engine,
        ).with_simulations(simulations)
    if output is not None:
        write_text(output, result.model_dump_json(indent=2) + "\n")
    if as_json:
        typer.echo(result.model_dump_json(indent=2))
    elif as_csv:
        typer.echo(table.to_csv(result), nl=False)
    elif as_markdown:
        typer.echo(table.markdown(result))
    else:
        table.print_score(result)


@app.command("check", epilog="Example: teaeval check my_predictions.npz")
def check_file(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Prediction file.")],
    dataset: DatasetSaid = None,
    subset: SubsetSaid = None,
    energy_unit: EnergyUnit = None,
    length_unit: LengthUnit = None,
    energy_key: EnergyKey = None,
    forces_key: ForcesKey = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, with the evidence.")] = False,
) -> None:
    """Check a prediction file without scoring it: everything that is wrong, and how to mend it.

    Ends with status 1 if it could not be scored; a warning is no reason.
    """
    from teadata import catalog
    from teaeval.checks import check
    from teaeval.predictions import findings
    from teaeval.predictions.reading import read_prediction

    _check_options(dataset, subset, energy_unit, length_unit)
    try:
        made = read_prediction(
            file,
            dataset=dataset,
            subset=subset,
            energy_unit=energy_unit,
            length_unit=length_unit,
            energy_key=energy_key,
            forces_key=forces_key,
        )
        found = check(made, catalog.load(made.dataset))[1]
    except findings.PredictionError as error:
        found = error.findings
    if as_json:
        console.print_json(findings.as_json(found))
    elif found:
        console.print_table(findings.COLUMNS, findings.rows(found))
    else:
        typer.echo(f"{file}: nothing is wrong")
    if any(item.severity == "error" for item in found):
        raise typer.Exit(1)


@app.command("verify", epilog="Example: teaeval verify score.json --prediction mine.npz")
def verify_score(
    score: Annotated[Path, typer.Argument(metavar="SCORE", help="Score, as JSON.")],
    prediction: Annotated[Path, typer.Option(help="The prediction file it is of.")],
) -> None:
    """Recompute a score from its prediction file, and compare every number.

    Ends with status 1 if something differs.
    """
    from teaeval.scores.verification import read_score, verify

    stated = read_score(score)
    differences = verify(stated, prediction)
    for line in differences:
        typer.echo(line)
    if differences:
        raise typer.Exit(1)
    typer.echo(f"{score}: {len(stated.rows)} rows, all as {prediction} scores")


@app.command(
    "predict",
    epilog="Example: teaeval predict mini-i --subset folded --calculator my_model:make -o mine.npz",
)
def predict_test_set(
    dataset: Annotated[str, typer.Argument(metavar="DATASET", help="See `teadata list`.")],
    subset: Annotated[str, typer.Option(help="Subset of the test set.")],
    calculator: Annotated[
        str, typer.Option(help="module:factory of an ASE calculator, found here or installed.")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="Prediction file to write.")],
) -> None:
    """Run any ASE calculator over a test set, and write a prediction file.

    An interrupted run goes on where it stopped. A factory may also make an object with
    predict(frames), which is given many frames at a time (kcal/mol, kcal/mol/Å).
    """
    from teaeval.predictions.predicting import predict
    from teaeval.predictions.writing import check_suffix, write_prediction

    check_suffix(output)
    checkpoint = output.with_name(f".{output.name}.checkpoint.npz")
    with console.progress_bar() as progress:
        made = predict(calculator, dataset, subset, checkpoint, progress)
    write_prediction(output, made)
    checkpoint.unlink()
    typer.echo(f"{output}: {len(made.energies)} frames of {made.dataset} {subset}/test")


@app.command("template", epilog="Example: teaeval template mini-i --subset folded -o mine.npz")
def write_template(
    dataset: Annotated[str, typer.Argument(metavar="DATASET", help="See `teadata list`.")],
    subset: Annotated[str, typer.Option(help="Subset of the test set.")],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", help="File to write: npz, h5, zarr, parquet or xyz."),
    ],
) -> None:
    """Write a prediction file to be filled in: frames and atoms, energies and forces NaN."""
    from teaeval.predictions.writing import template, write_prediction

    blank = template(dataset, subset)
    write_prediction(output, blank)
    typer.echo(
        f"{output}: {len(blank.energies)} frames of {blank.dataset} {subset}/test, to be "
        "filled in; units kcal/mol and Å, or change what it says"
    )


@app.command("compare", epilog="Example: teaeval compare mace.npz sgdml.npz")
def compare_files(
    first: Annotated[Path, typer.Argument(metavar="A", help="Prediction file.")],
    second: Annotated[Path, typer.Argument(metavar="B", help="Prediction of the same test set.")],
    bootstrap: Replicates = REPLICATES,
    seed: Seed = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the comparison as JSON.")] = False,
) -> None:
    """Compare two predictions of one test set: which is better, and how sure that is.

    Paired bootstrap over frames, or over trajectories where frames are correlated.
    """
    if bootstrap == 0:
        raise UsageError("a comparison needs bootstrap resamples: --bootstrap 1 or more")
    from teaeval.predictions.reading import read_prediction
    from teaeval.scores.comparison import compare
    from teaeval.tables import single as table

    result = compare(
        read_prediction(first), read_prediction(second), replicates=bootstrap, seed=seed
    )
    if as_json:
        typer.echo(result.model_dump_json(indent=2))
    else:
        table.print_comparison(result)


def _check_options(
    dataset: str | None, subset: str | None, energy_unit: str | None, length_unit: str | None
) -> None:
    """Refuse options that stand for nothing, before any file is read."""
    from teadata import catalog, units

    if energy_unit is not None:
        units.energy_unit(energy_unit)
    if length_unit is not None:
        units.length_unit(length_unit)
    if dataset is not None:
        card = catalog.card(dataset)
        if subset is not None:
            card.check_subset(subset)


cli_results.register(app)
cli_plots.register(app)
cli_md.register(app)
cli_hydrogen.register(app)


def main() -> None:
    """Entry point of ``teaeval``."""
    console.run(app)
