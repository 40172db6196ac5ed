"""Calculators by name: any ASE calculator, or the trained model of a run folder."""

from __future__ import annotations

from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from teadata.errors import TeaError, UsageError
from teaeval.predictions import predicting as running

GROUP = "tea.calculators"
"""Entry points that make a calculator of a run folder.

Each names a function ``f(folder: Path, device: str | None)`` that gives an ASE calculator, or
None if the folder is not of its kind.
"""


def find_calculator(
    reference: str | None = None, model: Path | str | None = None, device: str | None = None
) -> Any:
    """An ASE calculator.

    Parameters
    ----------
    reference
        ``module:factory``, as for ``teaeval predict``.
    model
        Run folder of a trained model, instead.
    device
        Where such a model is to run; by default where it was trained.

    Raises
    ------
    UsageError
        If neither or both are given, there is no such thing, or it is no ASE calculator.
    """
    if (reference is None) == (model is None):
        raise UsageError("expected one of --calculator module:factory and --model RUN_FOLDER")
    if model is not None:
        return _of_folder(Path(model), device)
    if device is not None:
        raise UsageError("--device is for --model; a calculator's factory chooses its own")
    assert reference is not None
    found = running.find_calculator(reference)
    if not hasattr(found, "get_forces"):
        raise UsageError(
            f"--calculator {reference}: made a {type(found).__name__}, expected an ASE calculator"
        )
    return found


def _of_folder(folder: Path, device: str | None) -> Any:
    if not folder.is_dir():
        raise UsageError(f"--model {folder}: there is no such folder; expected a run folder")
    known = []
    for point in entry_points(group=GROUP):
        try:
            make = point.load()
        except (ImportError, AttributeError) as error:
            raise TeaError(f"the entry point {GROUP}:{point.name} is broken: {error}") from None
        found = make(folder, device)
        if found is not None:
            return found
        known.append(point.name)
    if not known:
        raise UsageError(
            f"--model {folder}: no installed package has an entry point {GROUP}, so nothing here "
            "knows run folders; install tea-benchmark again"
        )
    raise UsageError(
        f"--model {folder}: is not a run folder that {' or '.join(known)} knows; expected the "
        "folder of a finished training"
    )
