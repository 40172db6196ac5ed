"""The command ``teaeval declare``."""

from __future__ import annotations

import dataclasses
import shlex
from pathlib import Path

from teadata import console
from teadata.destinations import check_new
from teadata.errors import UsageError
from teadata.output.options import Replace
from teaeval.cli.options import Declared, PredictionFile, PredictionOutput


def declare_file(
    file: PredictionFile,
    output: PredictionOutput,
    declared: Declared,
    replace: Replace = False,
) -> None:
    """Write a prediction file that says everything, from one that does not.

    Units become kcal/mol and Å, frames get their ids. Nothing is mended: `teaeval check` says
    what is wrong. With -o FILE.yaml, that is FILE's name and .yaml, what FILE does not say is
    written beside it.
    """
    from teadata import catalog
    from teaeval.predictions import sidecar
    from teaeval.predictions.writing import check_suffix, write_prediction
    from teaeval.scores.checking import check

    place = sidecar.path_of(file.path) if isinstance(file.path, Path) else None
    beside = place is not None and output.absolute() == place.absolute()
    if not beside:
        if place is not None and output.suffix == ".yaml":
            raise UsageError(
                f"{output}: what is said of {file.path} stands beside it, under its name and "
                f".yaml: -o {shlex.quote(str(place))}"
            )
        check_suffix(output)
        check_new(output, replace)
    declared.check()
    prediction = declared.read(file)
    dataset = catalog.load(prediction.dataset)
    rows = check(prediction, dataset)[0]
    test = dataset.test_set(prediction.subset)
    if beside and isinstance(file.path, Path):
        sidecar.write(file.path, prediction.options)
        console.say(
            f"{output}: says of {file.path} what every command takes from it\n"
            f"next: teaeval score {shlex.quote(str(file.path))}"
        )
        return
    prediction = dataclasses.replace(prediction, dataset=dataset.card.full_id)
    if prediction.frame_ids is None and (rows >= 0).all():
        prediction = dataclasses.replace(prediction, frame_ids=test.ids[rows])
    write_prediction(output, prediction)
    for finding in prediction.findings:  # the new file does not tell what was taken for what
        console.say(f"warning: {finding}", err=True)
    count, whole = len(prediction.energies), len(test)
    console.say(
        f"{output}: {count}{'' if count == whole else f' of the {whole}'} frames of "
        f"{prediction.dataset} "
        f"{prediction.subset}/test; model: {prediction.model or 'not said'}, trained on: "
        f"{prediction.train or 'not said'}\nnext: teaeval score {shlex.quote(str(output))}"
    )


def register(app: console.App) -> None:
    """Add this command to ``teaeval``."""
    app.command(
        "declare",
        epilog="Example: teaeval declare own.xyz -o mine.npz --dataset mini-i --subset folded "
        "--energy-unit eV --length-unit Å --model mine",
    )(console.grouped(declare_file))
