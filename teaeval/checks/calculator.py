"""Check a calculator on a few frames before it is run for long: units and signs."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import numpy as np

from teadata import Dataset, Frames
from teadata.errors import TeaError
from teadata.units import EV
from teaeval.calculators import evaluate
from teaeval.checks.quantity import CRUDE_R2, LIKELY_R2, MISTAKEN, Quantity, mistaken
from teaeval.checks.sample import Regression, evenly, regress
from teaeval.checks.scale import OPPOSED_R2

FRAMES = 8
"""Number of test frames that a calculator is tried on."""


class UnitError(TeaError):
    """A calculator's forces are those of another unit or sign."""


def check_units(
    calculator: Any, dataset: Dataset, subset: str, said: tuple[str, str] | None = None
) -> str | None:
    """Compare a calculator's forces with the reference's on some test frames.

    Parameters
    ----------
    calculator
        What :func:`teaeval.calculators.find_calculator` makes.
    dataset, subset
        Whose test set.
    said
        The option that named the calculator, and its value, for the advice.

    Returns
    -------
    str or None
        A warning: the forces may be in another unit, or the model be off by its factor.

    Raises
    ------
    UnitError
        If no model has such forces: they are in another unit, or their sign is flipped.
    CalculationError
        If the calculator fails.
    """
    test = dataset.test_set(subset)
    frames = test[evenly(len(test), FRAMES)]
    if not isinstance(frames, Frames) or not np.isfinite(frames.forces).all():
        return None
    _, forces = evaluate(calculator, frames)
    if not np.isfinite(forces).all():
        return None
    fit = regress(forces, frames.forces)
    where = f"on {len(frames)} test frames of {dataset.card.id} {subset}, forces have {fit}"
    if fit.slope < 0 and fit.r2 >= OPPOSED_R2:
        raise UnitError(
            f"{where}: the sign is flipped; expected forces, the negative gradient of the energy. "
            "Nothing was simulated. Have the calculator give forces, not gradients"
        )
    unit, taken, sure = _unit(fit)
    if not unit:
        return None
    found = f"{where}, as values in {unit}/Å have that were taken for {taken}/Å"
    advice = _advice(unit, said)
    if sure:
        raise UnitError(f"{found}. Nothing was simulated. {advice}")
    return f"{found}, or a model that is off by this factor. If it is the unit: {advice}"


def _unit(fit: Regression) -> tuple[str, str, bool]:
    """The unit that was taken for another, that one, and whether no model is like that.

    ASE's calculators give eV, objects with predict(frames) kcal/mol.
    """
    taken = {name.partition(MISTAKEN)[0]: factor for name, factor in mistaken().items()}
    taken["eV"] = 1 / EV
    forces = Quantity("forces", "eV/Å", fit, {f"{unit}/Å": f for unit, f in taken.items()})
    sure = forces.candidates(length="Å") if fit.r2 >= LIKELY_R2 and forces.extreme else []
    found = sure or (forces.crude_candidates("Å") if fit.r2 >= CRUDE_R2 else [])
    unit = found[0].removesuffix("/Å") if found else ""
    return unit, "kcal/mol" if unit == "eV" else "eV", bool(sure)


def _advice(unit: str, said: tuple[str, str] | None) -> str:
    """Which lines convert what the calculator gives."""
    if unit == "eV":
        return (
            "A calculator with predict(frames) gives kcal/mol and kcal/mol/Å: multiply its eV by "
            f"{EV:.6g}; or the training data were in eV and taken for kcal/mol"
        )
    option, value = said or ("--calculator", "module:factory")
    made = (
        f"find_calculator(model={value!r})" if option == "--run" else f"find_calculator({value!r})"
    )
    return (
        "Write units.py with the two lines\n"
        "  from teaeval.calculators import find_calculator, in_units\n"
        f"  def make(): return in_units({made}, {unit!r})\n"
        f"and give --calculator units:make in place of {option} {shlex.quote(value)}"
    )


def said_of(calculator: str | None, run: Path | str | None) -> tuple[str, str]:
    """The option that names a calculator, and its value."""
    return ("--run", str(run)) if run is not None else ("--calculator", str(calculator))
