"""The commands ``teaeval plot …``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from teadata import console, destinations
from teadata.errors import UsageError
from teadata.output.options import FigureFiles
from teadata.output.text import inline
from teaeval.cli.options import (
    AllowFailed,
    Declared,
    File,
    KindOfNumber,
    PredictionFiles,
    Published,
    ScoreFiles,
    SimulationRecords,
)
from teaeval.cli.reference import Referenced

if TYPE_CHECKING:
    from teaeval.plots.error_summary import ErrorSummary
    from teaeval.plots.plot import Plot
    from teaeval.scores.record import Score

plots = console.App("Figures, each with its data as CSV (extra: plot).")


def register(app: console.App) -> None:
    """Add these commands to ``teaeval``."""
    app.add_typer(plots, name="plot")


def check_outputs(output: list[Path], inputs: Sequence[Path] = ()) -> None:
    """Refuse what cannot be written before anything is read; the data go beside each figure."""
    from teaeval.plots.plot import check_path, styled

    for path in output:
        check_path(path)
    destinations.check_outputs([path.with_suffix(".csv") for path in output], inputs)
    with styled():  # Matplotlib is there
        pass


def read_beside(files: Sequence[Path]) -> list[Score]:
    """Read scores for one figure: of the same data, with a word if those are not known here."""
    from teaeval.scores.builds import Build, check_same, unknown_data
    from teaeval.scores.reading import read_score

    scores = [read_score(file) for file in files]
    check_same(map(Build.of_score, scores, files))
    for line in unknown_data(scores, files):
        console.say(inline(f"warning: {line}"), err=True)
    return scores


def _save(plot: Plot, output: list[Path]) -> None:
    for path in plot.save(*output):
        console.say(f"{path}: written")


def _summaries(
    files: list[File], declared: Declared, referenced: Referenced, allow_failed: bool
) -> list[ErrorSummary]:
    """Read predictions and summarise their errors, of each system of a reference."""
    from teaeval.plots.error_summary import summarise, summarise_against
    from teaeval.scores.against import examine_against
    from teaeval.scores.examine import examine

    read = referenced.reader(declared, files)
    reference = referenced.read(declared, files)
    summaries: list[ErrorSummary] = []
    with console.progress_bar() as progress:
        for n, file in enumerate(files):
            progress("predictions read", n, len(files))
            if reference is None:
                summaries.append(summarise(examine(read(file), allow_failed=allow_failed)))
                continue
            against = examine_against(read(file), reference, allow_failed=allow_failed)
            summaries += summarise_against(against)
    return summaries


@plots.command("learning-curve", epilog="Example: teaeval plot learning-curve s/*.json -o lc.png")
def learning_curve(
    output: FigureFiles,
    files: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[SCORE...]", help="Score, as `teaeval score -o` writes."),
    ] = None,
    measure: Annotated[str, typer.Option(help="Measure, MAE, RMSE or MAX.")] = "MAE",
    published: Published = False,
) -> None:
    """Energy and force error against the number of training frames (as Figs. SI 1 and 2)."""
    from teaeval.plots import curves
    from teaeval.tables.scores import where

    check_outputs(output)
    scores = read_beside(files or [])
    curve = curves.points(scores, measure)
    if published:
        if any(s.dataset is None or s.dataset.id != "tea2023-i" for s in scores):
            raise UsageError(
                "--published is of the official edition of Challenge I (tea2023-i); scores of "
                "other data do not belong on its axes"
            )
        curve = curves.published_points(measure) + [p.on(curves.PUBLISHED) for p in curve]
    if not curve:
        raise UsageError("nothing to draw; give scores, or --published")
    _save(curves.learning_curves(curve, where(scores) if scores else None), output)


@plots.command(epilog="Example: teaeval plot gyration --reference mini-i:folded -o rg.png")
def gyration(
    output: FigureFiles,
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[RADII...]",
            help="Radii in Å: csv (rg, label) or npz; or md.json of simulations, alone.",
        ),
    ] = None,
    reference: Annotated[
        list[str] | None,
        typer.Option(
            metavar="DATASET:SUBSET",
            help="Reference, a test set to draw too, e.g. mini-i:folded; repeatable.",
        ),
    ] = None,
) -> None:
    """Distributions of the radius of gyration without hydrogen atoms (as Fig. SI 3)."""
    from teadata import catalog
    from teaeval.observables import gyration as radii
    from teaeval.plots.gyration import gyration as draw
    from teaeval.plots.plot import names_of

    check_outputs(output, files or [])
    records = [file for file in files or [] if file.suffix == ".json" or file.is_dir()]
    if records:
        from teaeval.md import record
        from teaeval.plots.gyration import simulated

        if reference or len(records) < len(files or []):
            raise UsageError(
                "records of simulations have their reference with them, and bins of their own: "
                "give no other files and no --reference"
            )
        _save(simulated([record.read(file) for file in records]), output)
        return
    samples: dict[str, Any] = {}
    datasets = []
    for name in reference or []:
        dataset, _, said = name.partition(":")
        card = catalog.card(dataset)
        if not said and len(card.subsets) > 1:
            raise UsageError(
                f"--reference {name}: expected DATASET:SUBSET, e.g. {dataset}:{[*card.subsets][-1]}"
            )
        subset = card.the_subset(said or None)
        samples[f"{card.id} {subset}, reference"] = radii.of_reference(
            catalog.load(dataset), subset
        )
        datasets.append(card.full_id)
    for file in files or []:
        read = radii.read(file)
        if again := samples.keys() & read.keys():
            raise UsageError(f"{file}: the label {min(again)!r} is there already; rename it")
        samples |= read
    _save(draw(samples, names_of(datasets)), output)


@plots.command("atoms", epilog="Example: teaeval plot atoms mace.h5 sgdml.npz -o atoms.pdf")
@console.grouped
def atoms(
    files: PredictionFiles,
    output: FigureFiles,
    declared: Declared,
    referenced: Referenced,
    allow_failed: AllowFailed = False,
) -> None:
    """Per-atom force MAE on the structure, a panel per prediction (as Figs. SI 4 and 8)."""
    from teaeval.plots.structure import per_atom

    check_outputs(output)
    _save(per_atom(_summaries(files, declared, referenced, allow_failed)), output)


@plots.command("worst", epilog="Example: teaeval plot worst mace.h5 sgdml.npz -o worst.pdf")
@console.grouped
def worst(
    files: PredictionFiles,
    output: FigureFiles,
    declared: Declared,
    referenced: Referenced,
    allow_failed: AllowFailed = False,
) -> None:
    """The frame with the largest force error, coloured by error (as Figs. SI 5 to 7)."""
    from teaeval.plots.structure import worst_frame

    check_outputs(output)
    _save(worst_frame(_summaries(files, declared, referenced, allow_failed)), output)


@plots.command("parity", epilog="Example: teaeval plot parity mace.h5 -o parity.png")
@console.grouped
def parity(
    files: PredictionFiles,
    output: FigureFiles,
    declared: Declared,
    referenced: Referenced,
    allow_failed: AllowFailed = False,
) -> None:
    """Predicted against reference energies and force components."""
    from teaeval.plots import errors

    check_outputs(output)
    _save(errors.parity(_summaries(files, declared, referenced, allow_failed)), output)


@plots.command("errors", epilog="Example: teaeval plot errors mace.h5 sgdml.npz -o errors.svg")
@console.grouped
def distributions(
    files: PredictionFiles,
    output: FigureFiles,
    declared: Declared,
    referenced: Referenced,
    allow_failed: AllowFailed = False,
) -> None:
    """Distributions of the errors of energies and force components."""
    from teaeval.plots import errors

    check_outputs(output)
    _save(errors.distributions(_summaries(files, declared, referenced, allow_failed)), output)


@plots.command("elements", epilog="Example: teaeval plot elements mace.h5 sgdml.npz -o el.svg")
@console.grouped
def elements(
    files: PredictionFiles,
    output: FigureFiles,
    declared: Declared,
    referenced: Referenced,
    allow_failed: AllowFailed = False,
) -> None:
    """Absolute force errors by element."""
    from teaeval.plots import errors

    check_outputs(output)
    _save(errors.by_element(_summaries(files, declared, referenced, allow_failed)), output)


@plots.command("magnitude", epilog="Example: teaeval plot magnitude mace.h5 -o magnitude.svg")
@console.grouped
def magnitude(
    files: PredictionFiles,
    output: FigureFiles,
    declared: Declared,
    referenced: Referenced,
    allow_failed: AllowFailed = False,
) -> None:
    """Force error of an atom against the strength of its force."""
    from teaeval.plots import errors

    check_outputs(output)
    _save(errors.by_magnitude(_summaries(files, declared, referenced, allow_failed)), output)


@plots.command("matrix", epilog="Example: teaeval plot matrix results/*.json -o matrix.png")
def matrix(
    files: ScoreFiles,
    output: FigureFiles,
    quantity: Annotated[
        list[str] | None,
        typer.Option(help="Quantity, e.g. 'F(H)'; repeatable; default: E and F."),
    ] = None,
    kind: KindOfNumber = "mean",
) -> None:
    """The task matrix, train subset against test subset, as a heat map of MAE."""
    from teaeval.plots.matrix import task_matrix

    check_outputs(output)
    scores = read_beside(files)
    _save(task_matrix(scores, quantity or ("E", "F"), kind), output)


@plots.command("hydrogen", epilog="Example: teaeval plot hydrogen hydrogen/* -o hydrogen.png")
def hydrogen(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="RESULT...",
            help="Result of `teaeval hydrogen`: its folder, or the record in it.",
        ),
    ],
    output: FigureFiles,
    rdf: Annotated[
        bool, typer.Option("--rdf", help="Radial distribution functions instead.")
    ] = False,
) -> None:
    """Pressure, diffusion, stable molecules and first peak of g(r) against density."""
    from teaeval.hydrogen.record import read_record
    from teaeval.plots.hydrogen import against_density, radial

    check_outputs(output)
    records = [read_record(file) for file in files]
    _save(radial(records) if rdf else against_density(records), output)


@plots.command("survival", epilog="Example: teaeval plot survival md/mace md/sgdml -o survival.png")
def survival(
    files: SimulationRecords,
    output: FigureFiles,
) -> None:
    """Kaplan–Meier curves of simulations: the share of replicas that lasts, against time."""
    from teaeval.md.record import read_all
    from teaeval.plots.survival import survival as draw

    check_outputs(output)
    _save(draw(read_all(files, independent=True)), output)


@plots.command("observables", epilog="Example: teaeval plot observables md/mace md/sgdml -o o.png")
def observables(files: SimulationRecords, output: FigureFiles) -> None:
    """What simulations sampled, a panel for each quantity: models, and the reference in grey."""
    from teaeval.md.record import read_all
    from teaeval.plots.observables import observables as draw

    check_outputs(output)
    _save(draw(read_all(files)), output)
