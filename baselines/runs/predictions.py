"""Predictions of test sets with the models of run folders, and their scores."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from baselines.registry import entry
from baselines.runs.folder import RECORD_FILE, load, same_data
from baselines.runs.record import TrainingRecord
from teadata.errors import TeaError, expect_path
from teadata.files import write_text
from teadata.provenance import sha256
from teadata.typing import Progress, no_progress
from teaeval.defaults import REPLICATES
from teaeval.predictions.prediction import Prediction
from teaeval.predictions.reading import read_prediction

if TYPE_CHECKING:
    from teaeval.scores.record import Score


def predict(
    folder: Path | str,
    subset: str | None = None,
    progress: Progress = no_progress,
    device: str | None = None,
    frames: int | None = None,
) -> Prediction:
    """Predict a test set with the model of a run folder.

    Parameters
    ----------
    folder
        A run folder whose training has finished.
    subset
        Subset whose test set is predicted; by default the one trained on.
    progress
        Called as the prediction advances.
    device
        Where to predict; by default where it was trained.
    frames
        How many frames to predict, spread over the test set; by default all.

    Raises
    ------
    DataError
        If the folder has no record, or its model is not the one the record is of.
    UsageError
        If there is no such subset or device.
    TeaError
        If the dataset here is not the one that was trained on.
    """
    folder = expect_path(folder, "a run folder")
    model = load(folder, device)
    plan = TrainingRecord.read(folder / RECORD_FILE).plan
    subset = subset or plan.train.split("/")[0]
    test = same_data(plan).split(f"{subset}/test")
    if frames is not None and frames < len(test):
        test = test[np.linspace(0, len(test) - 1, frames).astype(int)]
    predicted = model.predict(test, progress)
    return Prediction(
        dataset=plan.dataset,
        subset=subset,
        energies=predicted.energies,
        forces=predicted.forces,
        frame_ids=test.ids,
        numbers=test.numbers,
        model=entry(plan.model).title,
        train=plan.train,
        record=sha256(folder / RECORD_FILE),
    )


def written_before(folder: Path, subset: str | None, path: Path) -> Prediction | None:
    """The whole prediction of a test set by the model of a run folder, if a file holds it already.

    Parameters
    ----------
    folder, subset
        As for :func:`predict`.
    path
        The file.

    Raises
    ------
    TeaError
        If the folder has no record, or the dataset here is not the one that was trained on.
    """
    plan = TrainingRecord.read(folder / RECORD_FILE).plan
    dataset, subset = same_data(plan), subset or plan.train.split("/")[0]
    ids = dataset.splits.ids(f"{subset}/test")
    if (there := _read(path)) is None:
        return None
    same = (there.record, there.dataset, there.subset) == (
        sha256(folder / RECORD_FILE), plan.dataset, subset
    )  # fmt: skip
    if not same or there.frame_ids is None or not np.array_equal(there.frame_ids[:], ids):
        return None
    return there


def score(
    folder: Path,
    subset: str | None = None,
    progress: Progress = no_progress,
    device: str | None = None,
    replicates: int = REPLICATES,
    frames: int | None = None,
) -> Score:
    """Score the model of a run folder on a test set.

    The prediction is kept in ``predictions/<subset>.npz`` of the folder, and used again if it can
    be read, else made again; the score in ``scores/<subset>.json``.  Of a part of the frames the
    names are ``<subset>-<frames>``, and the score's coverage tells how many there are of how many.

    Parameters
    ----------
    folder, subset, progress, device, frames
        As for :func:`predict`.
    replicates
        Bootstrap resamples behind the intervals; 0: none.

    Raises
    ------
    TeaError
        As :func:`predict` does, and if the prediction cannot be scored.
    """
    from teaeval.predictions.writing import write_prediction
    from teaeval.scores.scoring import score as score_prediction

    plan = TrainingRecord.read(folder / RECORD_FILE).plan
    subset = subset or plan.train.split("/")[0]
    name = part_name(subset, frames)
    path = folder / "predictions" / f"{name}.npz"
    there = _read(path)
    if there is None or there.record != sha256(folder / RECORD_FILE):
        prediction = predict(folder, subset, progress, device, frames)
        path.parent.mkdir(exist_ok=True)
        write_prediction(path, prediction)
    scored = score_prediction(
        read_prediction(path), replicates=replicates, allow_failed=frames is not None
    )
    (folder / "scores").mkdir(exist_ok=True)
    write_text(folder / "scores" / f"{name}.json", scored.model_dump_json(indent=2) + "\n")
    return scored


def _read(path: Path) -> Prediction | None:
    """Read a prediction; None if there is none, or the file is damaged or no prediction."""
    if not path.exists():
        return None
    try:
        return read_prediction(path)
    except TeaError:
        return None


def part_name(subset: str, frames: int | None = None) -> str:
    """Name the files of the prediction and score of a test set, or of a part of it."""
    return subset if frames is None else f"{subset}-{frames}"
