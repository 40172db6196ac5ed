"""The commands ``teaeval predict`` and ``teaeval template``."""

from __future__ import annotations

import shlex
from typing import Annotated

import typer

from teadata import console
from teadata.destinations import check_new
from teadata.output.options import DatasetId, Replace
from teaeval.cli.options import ModelName, PredictionOutput, TestSubset, TrainedOn


def predict_test_set(
    dataset: DatasetId,
    calculator: Annotated[
        str, typer.Option(help="module:factory of an ASE calculator, here or installed.")
    ],
    output: PredictionOutput,
    subset: TestSubset = None,
    model: ModelName = None,
    train: TrainedOn = None,
    replace: Replace = False,
) -> None:
    """Run any ASE calculator over a test set, and write a prediction file.

    An interrupted run goes on where it stopped. A file that another run made is not replaced
    without --replace. A factory may also make an object with
    predict(frames), which is given many frames at a time (kcal/mol, kcal/mol/Å).
    """
    from teadata import catalog
    from teadata.files import reserved
    from teaeval.predictions.predicting import failed_frames, of_this_run, predict, unchanged
    from teaeval.predictions.writing import check_suffix, write_prediction

    check_suffix(output)
    subset = catalog.card(dataset).the_subset(subset)
    checkpoint = output.with_name(f".{output.name}.checkpoint.npz")
    with reserved(output, "predicting"):
        before = of_this_run(output, calculator, dataset, subset, model=model, train=train)
        if before is None:
            check_new(output, replace)
        elif not checkpoint.exists() and unchanged(before, calculator):
            console.say(f"{output}: this prediction was written before; nothing was done")
            return
        kept = f"{checkpoint} has the frames so far; the same command goes on"
        with console.keeping(kept), console.progress_bar() as progress:
            made = predict(
                calculator, dataset, subset, checkpoint, progress, model=model, train=train
            )
        write_prediction(output, made)
        checkpoint.unlink()
    console.say(f"{output}: {len(made.energies)} frames of {made.dataset} {subset}/test")
    failed = failed_frames(made)
    if len(failed):
        onwards = "no frame is left to score: mend the model, and predict again"
        if len(failed) < len(made.energies):
            score = f"teaeval score {shlex.quote(str(output))} --allow-failed"
            onwards = f"to score the others: {score}"
        console.say(
            f"warning: {len(failed)} of them have energies or forces that are not finite, the "
            f"first is frame_id {failed[0]}; {onwards}",
            err=True,
        )


def write_template(
    dataset: DatasetId,
    output: PredictionOutput,
    subset: TestSubset = None,
    model: ModelName = None,
    train: TrainedOn = None,
    replace: Replace = False,
) -> None:
    """Write a prediction file to be filled in: frames and atoms, energies and forces NaN."""
    from teadata import catalog
    from teadata.arrays import SUFFIXES, suffix_of
    from teaeval.predictions.writing import check_suffix, template, write_prediction

    check_suffix(output)
    check_new(output, replace)
    subset = catalog.card(dataset).the_subset(subset)
    blank = template(dataset, subset, model=model, train=train)
    write_prediction(output, blank)
    units = "units kcal/mol and Å, or change what it says"
    if SUFFIXES[suffix_of(output)] == "extxyz":  # which has no energies yet, and so no unit
        units = "say with --energy-unit what you fill in when it is scored"
    console.say(
        f"{output}: {len(blank.energies)} frames of {blank.dataset} {subset}/test, to be "
        f"filled in; {units}"
    )


def register(app: console.App) -> None:
    """Add these commands to ``teaeval``."""
    app.command(
        "predict",
        epilog="Example: teaeval predict mini-i --subset folded --calculator my_model:make "
        "-o mine.npz",
    )(predict_test_set)
    app.command("template", epilog="Example: teaeval template mini-i --subset folded -o mine.npz")(
        write_template
    )
