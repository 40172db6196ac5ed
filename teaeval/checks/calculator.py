"""Check a calculator on a few frames before it is run for long: units and signs."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import numpy as np

from teadata import Dataset, Frames
from teadata.errors import TeaError
from teadata.typing import Floats
from teadata.units import EV
from teaeval.calculators import evaluate
from teaeval.checks.quantity import CRUDE_R2, LIKELY_R2, MISTAKEN, Quantity, mistaken
from teaeval.checks.sample import Regression, evenly, regress
from teaeval.checks.signs import OPPOSED_R2

FRAMES = 8
"""Number of test frames that a calculator is tried on."""

NONE = 1e-6
"""Forces are none at all if they are smaller than the reference's by this factor or more: no unit
of energy and length is that small a part of another."""

UNRELATED_R2 = 0.01
"""Forces that explain less of the reference's have nothing to do with these."""

UNBALANCED = 0.01
"""Forces add up to zero if their sum is no larger than this part of that of random ones: sums of
float32 are more exact by far."""

FORESEEN = "A simulation with them says nothing about this system"


class UnitError(TeaError):
    """A calculator's forces are those of another unit or sign."""


def check_units(
    calculator: Any,
    dataset: Dataset,
    subset: str,
    said: tuple[str, str] | None = None,
    *,
    batched: bool = True,
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
    batched
        Whether its ``predict(frames)`` is asked, where it has one.

    Returns
    -------
    str or None
        A warning: the forces are zero, not finite, or unrelated to the reference's; they may be in
        another unit, or the model be off by its factor; or they do not add up to zero.

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
    _, forces = evaluate(calculator, frames, batched=batched)
    test_set = f"{dataset.card.id} {subset}"
    if warning := _empty(forces, frames, test_set):
        return warning
    fit = regress(forces, frames.forces)
    where = f"on {len(frames)} test frames of {test_set}, forces have {fit}"
    if fit.slope < 0 and fit.r2 >= OPPOSED_R2:
        raise UnitError(
            f"{where}: the sign is flipped; expected forces, the negative gradient of the energy. "
            "Nothing was simulated. Have the calculator give forces, not gradients"
        )
    if fit.r2 < UNRELATED_R2 and np.ptp(frames.forces) > 0:
        return (
            f"{where}: they have nothing to do with the reference's. {FORESEEN}; are the order of "
            "atoms, the elements and the model those of this dataset?"
        )
    unit, taken, sure = _unit(fit)
    if not unit:
        return _alone(forces, frames, test_set) or _pushed(forces, frames, test_set)
    found = f"{where}, as values in {unit}/Å have that were taken for {taken}/Å"
    advice = _advice(unit, said)
    if sure:
        raise UnitError(f"{found}. Nothing was simulated. {advice}")
    return f"{found}, or a model that is off by this factor. If it is the unit: {advice}"


def _empty(forces: Floats, frames: Frames, test_set: str) -> str | None:
    """A warning of frames whose forces are not finite, or zero; None if there are none."""
    where = f"of {len(frames)} test frames of {test_set}"
    if wrong := int((~np.isfinite(forces)).any(axis=(1, 2)).sum()):
        return (
            f"forces on {wrong} {where} are not finite; a simulation that starts from such a frame "
            "fails at its start"
        )
    largest = float(np.abs(frames.forces).max())
    zero = np.abs(forces).max(axis=(1, 2)) <= NONE * largest
    if not largest or not zero.any():
        return None
    return (
        f"all forces on {int(zero.sum())} {where} are zero, where the reference's are up to "
        f"{largest:.3g} kcal/mol/Å. {FORESEEN}: does the calculator compute forces, in eV/Å?"
    )


def _alone(forces: Floats, frames: Frames, test_set: str) -> str | None:
    """A warning of atoms on which no force acts; None if there are none."""
    size, expected = np.abs(forces).max(axis=(0, 2)), np.abs(frames.forces).max(axis=(0, 2))
    none = NONE * expected.max()
    alone = np.flatnonzero((size <= none) & (expected > none))
    if not len(alone):
        return None
    some = ", ".join(map(str, alone[:5].tolist())) + (" …" if len(alone) > 5 else "")
    return (
        f"no force acts on {len(alone)} of {frames.n_atoms} atoms (number {some}) on "
        f"{len(frames)} test frames of {test_set}, where the reference's are up to "
        f"{expected[alone].max():.3g} kcal/mol/Å. {FORESEEN}: are all atoms given to the model?"
    )


def _pushed(forces: Floats, frames: Frames, test_set: str) -> str | None:
    """A warning of forces that do not add up to zero; None if they do, as the reference's."""
    scale = float(np.sqrt((forces**2).sum(axis=2).mean() * frames.n_atoms))  # of random forces
    net, expected = (
        float(np.linalg.norm(values.sum(axis=1), axis=1).mean())
        for values in (forces, frames.forces)
    )
    if net <= UNBALANCED * scale or net <= 2 * expected:
        return None
    return (
        f"the forces of all atoms add up to {net:.3g} kcal/mol/Å on average on {len(frames)} test "
        f"frames of {test_set} ({100 * net / scale:.2g} % of what forces in random directions do), "
        "where those of a potential add up to zero. Momentum is then not conserved: --thermostat "
        "bussi, nose-hoover and none, and their temperatures, count on that; langevin does not"
    )


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
