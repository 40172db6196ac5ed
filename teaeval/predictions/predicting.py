"""Predict a test set with any ASE calculator."""

from __future__ import annotations

import json
import shlex
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from teadata import Frames, catalog
from teadata.errors import DataError, TeaError, expect
from teadata.files import atomic_write
from teadata.typing import Floats, Ints, Progress
from teaeval.calculators import BATCH, Batched, CalculationError, evaluate, from_factory, source_of
from teaeval.predictions.declaring import check_train
from teaeval.predictions.prediction import PREDICTION, Prediction
from teaeval.predictions.reading import read_prediction

SAVE_EVERY = 30.0
"""Seconds between checkpoints."""

SAME = 1e-5
"""Relative difference of what one model says of one frame twice: single precision has less."""


def predict(
    reference: str,
    dataset: str,
    subset: str,
    checkpoint: Path,
    progress: Progress | None = None,
    *,
    model: str | None = None,
    train: str | None = None,
) -> Prediction:
    """Predict a test set; a run that was killed continues from its checkpoint.

    Parameters
    ----------
    reference
        ``module:factory``.
    dataset, subset
        Whose test set.
    checkpoint
        File that keeps the frames computed so far; the caller removes it.
    progress
        Told of every step.
    model, train
        Who predicts: a name, by default `reference`, and the split it was trained on.

    Raises
    ------
    UsageError
        If there is no such test set, training set or calculator.
    DataError
        If the checkpoint is of another run, or of a model that has changed since.
    CalculationError
        If the calculator fails on a frame; those before it are in the checkpoint.
    """
    data = catalog.load(dataset)
    if train is not None:
        check_train(data.card, train)
    test = data.split(f"{subset}/test")
    calculator = from_factory(reference)
    plan = json.dumps(
        {
            "dataset": data.card.full_id,
            "frames_sha256": data.card.file("frames").sha256,
            "subset": subset,
            "calculator": reference,
            "source_sha256": source_of(reference),
        }
    )

    def tell(done: int) -> None:
        if progress is not None:
            progress(f"{data.card.id} {subset}/test", done, len(test))

    energies, forces = _evaluated(test, calculator, checkpoint, plan, tell)
    return Prediction(
        dataset=data.card.full_id,
        subset=subset,
        energies=energies,
        forces=forces,
        frame_ids=test.ids,
        positions=test.positions,
        numbers=test.numbers,
        cell=test.cell,
        model=model or reference,
        train=train,
    )


def _evaluated(
    test: Frames, calculator: Any, checkpoint: Path, plan: str, tell: Callable[[int], None]
) -> tuple[Floats, Floats]:
    """Energies (N,) and forces (N, A, 3) of frames; what the checkpoint has is not done again."""
    energies, forces, done = _resume(checkpoint, plan, test, calculator)
    step = BATCH if isinstance(calculator, Batched) else 1
    saved = time.monotonic()
    try:
        for start in range(done, len(test), step):
            rows = slice(start, min(start + step, len(test)))
            energies[rows], forces[rows] = evaluate(calculator, test[rows])
            done = rows.stop
            tell(done)
            if time.monotonic() - saved > SAVE_EVERY:
                _save(checkpoint, plan, energies, forces, done)
                saved = time.monotonic()
    except CalculationError as error:
        if not done:
            raise
        raise CalculationError(
            f"{error}. What was computed before is kept: the same command goes on from there"
        ) from error
    finally:
        if done:
            _save(checkpoint, plan, energies, forces, done)
    return energies, forces


def failed_frames(prediction: Prediction) -> Ints:
    """Ids of the frames whose energy or forces are not finite."""
    expect(prediction, Prediction, PREDICTION)
    assert prediction.frame_ids is not None
    forces = prediction.forces[:].reshape(len(prediction.energies), -1)
    finite = np.isfinite(prediction.energies[:]) & np.isfinite(forces).all(axis=1)
    ids: Ints = prediction.frame_ids[~finite]
    return ids


def of_this_run(
    path: Path,
    reference: str,
    dataset: str,
    subset: str,
    *,
    model: str | None = None,
    train: str | None = None,
) -> Prediction | None:
    """The prediction of a file, if it says what :func:`predict` would; None of any other file.

    Parameters
    ----------
    path
        The file.
    reference, dataset, subset, model, train
        As for :func:`predict`.

    Raises
    ------
    UsageError
        If there is no such dataset or test set.
    """
    if not path.exists():
        return None
    data = catalog.load(dataset)
    test = data.split(f"{subset}/test")
    try:
        there = read_prediction(path)
    except TeaError:
        return None
    said = (there.dataset, there.subset, there.model, there.train)
    if said != (data.card.full_id, subset, model or reference, train):
        return None
    if there.frame_ids is None or not np.array_equal(there.frame_ids[:], test.ids):
        return None
    return there


def unchanged(there: Prediction, reference: str) -> bool:
    """Whether a prediction :func:`of_this_run` is whole, and what the calculator gives now.

    The first frame is computed again: a model whose name is the same may have changed.

    Raises
    ------
    UsageError
        If there is no such calculator.
    CalculationError
        If the calculator fails on the frame.
    """
    if len(failed_frames(there)):  # they may be right this time
        return False
    test = catalog.load(there.dataset).split(f"{there.subset}/test")
    energies, forces = evaluate(from_factory(reference), test[:1])
    scale = 1 + np.abs(there.forces[:1]).max()
    return bool(
        np.allclose(energies, there.energies[:1], rtol=SAME, atol=SAME)
        and np.allclose(forces, there.forces[:1], rtol=0, atol=SAME * scale)
    )


def _save(path: Path, plan: str, energies: Floats, forces: Floats, done: int) -> None:
    with atomic_write(path) as partial, open(partial, "wb") as stream:
        np.savez(stream, plan=plan, energies=energies[:done], forces=forces[:done])


def _remedy(path: Path) -> str:
    return f"to predict anew, remove it: rm {shlex.quote(str(path))}; or write to another file"


def _resume(path: Path, plan: str, test: Frames, calculator: Any) -> tuple[Floats, Floats, int]:
    """Read the checkpoint: arrays of the whole test set, and how many frames are done."""
    from teadata.arrays import text
    from teadata.formats import npz

    energies, forces = np.full(len(test), np.nan), np.full(test.forces.shape, np.nan)
    if not path.exists():
        return energies, forces, 0
    stored = npz.load_arrays(path, ["plan", "energies", "forces"])
    if text(stored["plan"]) != plan:
        differences = _differences(text(stored["plan"]), plan)
        raise DataError(f"{path}: is the checkpoint of another run: {differences}; {_remedy(path)}")
    done = len(stored["energies"])
    if done > len(test) or stored["forces"].shape != (done, *test.forces.shape[1:]):
        raise DataError(f"{path}: holds no frames of this test set; {_remedy(path)}")
    energies[:done], forces[:done] = stored["energies"], stored["forces"]
    if done:
        _check_first(path, calculator, test[:1], energies[:1], forces[:1])
    return energies, forces, done


PLANNED = {
    "dataset": "the dataset",
    "frames_sha256": "the dataset's frames (SHA-256)",
    "subset": "the subset",
    "calculator": "the calculator",
    "source_sha256": "the calculator's file (SHA-256)",
}
"""What is the same for all frames of a run, in words."""


def _differences(stored: str, plan: str) -> str:
    """How the plan of a checkpoint differs from the present one."""
    try:
        before = dict(json.loads(stored))
    except (ValueError, TypeError):
        return "it does not say which"
    return ", and ".join(
        f"{PLANNED.get(name, name)} was {_short(before.get(name))} and is {_short(now)}"
        for name, now in json.loads(plan).items()
        if before.get(name) != now
    )


def _short(value: Any) -> str:
    """A value in a message; of a checksum, its beginning."""
    return f"{str(value)[:60]}" if len(str(value)) < 64 else f"{str(value)[:12]}…"


def _check_first(
    path: Path, calculator: Any, frame: Frames, energies: Floats, forces: Floats
) -> None:
    """Compute the first frame again: a model whose file is the same may have other parameters."""
    again, push = evaluate(calculator, frame)
    same = np.allclose(again, energies, rtol=SAME, atol=SAME, equal_nan=True)
    scale = np.abs(forces).max()
    if not (same and np.allclose(push, forces, rtol=0, atol=SAME * (1 + scale), equal_nan=True)):
        raise DataError(
            f"{path}: is the checkpoint of another model: its first frame has the energy "
            f"{energies[0]:.6f} kcal/mol, the calculator now gives {again[0]:.6f}, and forces are "
            f"{np.abs(push - forces).max():.2g} kcal/mol/Å apart; {_remedy(path)}"
        )
