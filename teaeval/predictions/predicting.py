"""Predictions made here: any ASE calculator over a test set."""

from __future__ import annotations

import importlib
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np

from teadata import Frames, catalog, units
from teadata.errors import DataError, MissingExtraError, TeaError, UsageError
from teadata.provenance import replacing
from teaeval.predictions.prediction import Floats, Prediction

if TYPE_CHECKING:
    from ase.calculators.calculator import Calculator

Progress = Callable[[str, int, int], None]
"""Told what is being done, how many frames of it are done, and how many there are."""

SAVE_EVERY = 30.0
"""Seconds of work that a killed run may lose."""

BATCH = 32
"""Frames that a calculator with ``predict`` is given at a time."""


@runtime_checkable
class Batched(Protocol):
    """What evaluates many frames at once: energies (n,) kcal/mol, forces (n, A, 3) kcal/mol/Å."""

    def predict(self, frames: Frames) -> tuple[Floats, Floats]:
        """Energies and forces of some frames."""
        ...


class CalculationError(TeaError):
    """The calculator failed on a frame."""


def find_calculator(reference: str) -> Any:
    """What ``module:factory`` makes: an ASE calculator, or what evaluates frames in batches.

    Modules of the current folder are found too.

    Raises
    ------
    UsageError
        If there is no such module or factory, or it cannot be called without arguments.
    """
    module, colon, name = reference.partition(":")
    if not colon or not module or not name:
        raise UsageError(
            f"--calculator {reference}: expected module:factory, e.g. ase.calculators.emt:EMT, or "
            "my_model:make for a function make() in my_model.py"
        )
    if (here := str(Path.cwd())) not in sys.path:
        sys.path.insert(0, here)
    try:
        factory = getattr(importlib.import_module(module), name)
    except ImportError as error:
        raise UsageError(f"--calculator {reference}: {error}") from None
    except AttributeError:
        raise UsageError(f"--calculator {reference}: {module} has no {name}") from None
    try:
        return factory()
    except TypeError as error:
        raise UsageError(f"--calculator {reference}: {name}() failed: {error}") from None


def predict(
    reference: str,
    dataset: str,
    subset: str,
    checkpoint: Path,
    progress: Progress | None = None,
) -> Prediction:
    """Predict a test set; a killed run is taken up where its checkpoint is.

    Parameters
    ----------
    reference
        ``module:factory``.
    dataset, subset
        Whose test set.
    checkpoint
        File that what was computed is kept in; removed by the caller.
    progress
        Told of every step.

    Raises
    ------
    UsageError
        If there is no such test set or calculator.
    DataError
        If the checkpoint is of another run.
    CalculationError
        If the calculator fails on a frame; those before it are in the checkpoint.
    """
    data = catalog.load(dataset)
    test = data.split(f"{subset}/test")
    calculator = find_calculator(reference)
    plan = json.dumps(
        [data.card.full_id, data.card.file("frames").sha256, subset, reference], sort_keys=True
    )
    energies, forces, done = _resume(checkpoint, plan, test)
    step = BATCH if isinstance(calculator, Batched) else 1
    evaluate = _batch if isinstance(calculator, Batched) else _one
    saved = time.monotonic()
    try:
        for start in range(done, len(test), step):
            rows = slice(start, min(start + step, len(test)))
            energies[rows], forces[rows] = evaluate(calculator, test[rows])
            done = rows.stop
            if progress is not None:
                progress(f"{data.card.id} {subset}/test", done, len(test))
            if time.monotonic() - saved > SAVE_EVERY:
                _save(checkpoint, plan, energies, forces, done)
                saved = time.monotonic()
    except BaseException:
        _save(checkpoint, plan, energies, forces, done)
        raise
    _save(checkpoint, plan, energies, forces, done)
    return Prediction(
        dataset=data.card.full_id,
        subset=subset,
        energies=energies,
        forces=forces,
        frame_ids=test.ids,
        positions=test.positions,
        numbers=test.numbers,
        cell=test.cell,
        model=reference,
    )


def evaluate(calculator: Any, frames: Frames) -> tuple[Floats, Floats]:
    """Energies (N,) in kcal/mol and forces (N, A, 3) in kcal/mol/Å of frames by a calculator.

    Parameters
    ----------
    calculator
        What :func:`find_calculator` finds.
    frames
        One frame or more; their labels are not looked at.

    Raises
    ------
    CalculationError
        If the calculator fails on a frame.
    """
    step, work = (BATCH, _batch) if isinstance(calculator, Batched) else (1, _one)
    parts = [work(calculator, frames[n : n + step]) for n in range(0, len(frames), step)]
    energies, forces = zip(*parts, strict=True)
    return np.concatenate(energies), np.concatenate(forces)


def _batch(calculator: Batched, frames: Frames) -> tuple[Floats, Floats]:
    try:
        return calculator.predict(frames)
    except Exception as error:
        raise _failed(frames, error) from error


def _one(calculator: Calculator, frames: Frames) -> tuple[Floats, Floats]:
    """One frame by an ASE calculator, from eV and eV/Å."""
    (atoms,) = frames.to_ase()
    atoms.calc = calculator
    try:
        energy, forces = atoms.get_potential_energy(), atoms.get_forces()
    except MissingExtraError:
        raise
    except Exception as error:
        raise _failed(frames, error) from error
    return np.array([energy]) * units.EV, forces[None] * units.EV


def _failed(frames: Frames, error: Exception) -> CalculationError:
    ids = ", ".join(map(str, frames.ids[:3].tolist())) + (" …" if len(frames) > 3 else "")
    return CalculationError(
        f"the calculator failed on frame {ids}: {type(error).__name__}: {error}. What was computed "
        "before is kept: the same command goes on from there"
    )


def _save(path: Path, plan: str, energies: Floats, forces: Floats, done: int) -> None:
    with replacing(path) as partial, open(partial, "wb") as stream:
        np.savez(stream, plan=plan, energies=energies[:done], forces=forces[:done])


def _resume(path: Path, plan: str, test: Frames) -> tuple[Floats, Floats, int]:
    """Arrays of the whole test set, and how many frames of them are done."""
    from teadata.arrays import text
    from teadata.formats import npz

    energies, forces = np.full(len(test), np.nan), np.full(test.forces.shape, np.nan)
    if not path.exists():
        return energies, forces, 0
    found = npz.load_arrays(path, ["plan", "energies", "forces"])
    if text(found["plan"]) != plan:
        raise DataError(
            f"{path}: is the checkpoint of another run, {text(found['plan'])}; remove it, or "
            "write to another file"
        )
    done = len(found["energies"])
    energies[:done], forces[:done] = found["energies"], found["forces"]
    return energies, forces, done
