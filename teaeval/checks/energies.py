"""Check total energies for a constant offset, for rounding, and for the order of the forces."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from teadata import units
from teadata.typing import Floats
from teaeval.checks.sample import Sample, regress
from teaeval.predictions.findings import Finding

OFFSET_DEVIATIONS = 3.0
"""A mean error counts as an offset if it is larger than this many standard deviations …"""

OFFSET = 1e-3
"""… and larger than this, in kcal/mol."""

STEP, STEP_SHARE = 1e-3, 0.01
"""A step matters if it is larger than this, in kcal/mol, or than this share of the MAE."""

DISTINCT = 5
"""Number of different energies that are needed to tell a step, …"""

FRAMES_EACH = 10
"""… unless there are fewer, at least two, each of this many frames on average: energies that a
step as large as their spread has left."""

ROUNDING = 8
"""An energy is a multiple of a step if it is nearer to one than this many float64 spacings."""

FORCES_R2, ENERGY_R2 = 0.9, 0.1
"""Energies are apart from the forces if these explain more than the first share of the
reference's variance, and those less than the second."""

Kind = Literal["binary", "decimal"]


def diagnose(sample: Sample) -> list[Finding]:
    """Warnings about predicted energies."""
    found = (_offset(sample), _quantised(sample), _apart(sample))
    return [item for item in found if item is not None]


def _apart(sample: Sample) -> Finding | None:
    """Warn if energies have nothing to do with the reference's, although the forces have."""
    energy = regress(sample.energies, sample.reference_energies)
    forces = regress(sample.forces, sample.reference_forces)
    if forces.r2 < FORCES_R2 or energy.r2 > ENERGY_R2:
        return None
    return Finding.warning(
        "energies-apart",
        expected="energies of the frames that the forces are of",
        found=f"energies that explain {energy.r2:.3f} of the reference's variance (r²), beside "
        f"forces that explain {forces.r2:.3f}",
        remedy="save energies and forces in the same order; nothing is to be done if the model "
        "was trained on forces alone",
        evidence={"energy_r2": energy.r2, "forces_r2": forces.r2},
    )


def _offset(sample: Sample) -> Finding | None:
    """Warn if the error is mostly a constant, as it is without the atomic energies."""
    error = sample.energies - sample.reference_energies
    offset, spread = float(error.mean()), float(error.std())
    if abs(offset) < max(OFFSET, OFFSET_DEVIATIONS * spread):
        return None
    mae, rest = float(np.abs(error).mean()), float(np.abs(error - offset).mean())
    return Finding.warning(
        "energy-offset",
        expected="total energies with the reference's zero; they are compared as they are",
        found=f"a constant offset of {offset:.6g} kcal/mol, about which errors scatter by "
        f"{spread:.4g} kcal/mol: the MAE is {mae:.6g} kcal/mol, and {rest:.4g} without it",
        remedy="add the isolated-atom or mean energy that the model was trained without; nothing "
        "is to be done if the model is like that",
        evidence={"offset": offset, "spread": spread, "mae": mae, "mae_without": rest},
    )


def _largest_step(values: Floats) -> tuple[float, Kind] | None:
    """Find the largest step of which all differences between values are multiples.

    Differences are used because a constant may have been added after the rounding.  The steps
    tried are powers of two (floating-point numbers of low precision) and of ten (decimals).
    """
    rounding = ROUNDING * float(np.spacing(np.abs(values).max()))
    differences = np.unique(values - values.min())
    few = 2 <= len(differences) <= len(values) // FRAMES_EACH
    needed = min(DISTINCT, len(differences)) if few else DISTINCT
    kinds: list[tuple[float, Kind]] = [(10.0**-n, "decimal") for n in range(7)]
    kinds += [(2.0**n, "binary") for n in range(8, -21, -1)]
    for step, kind in sorted(kinds, reverse=True):
        if step < 1e3 * rounding:
            break
        multiples = np.round(differences / step)
        if (
            np.abs(differences - multiples * step).max() <= rounding
            and len(np.unique(multiples)) >= needed
        ):
            return step, kind
    return None


def _quantised(sample: Sample) -> Finding | None:
    """Warn if energies are rounded, in any energy unit, to a step that matters."""
    steps = []
    for unit, factor in units.ENERGY_UNITS.items():
        values = sample.energies / factor
        largest = _largest_step(values)
        if largest is not None:
            steps.append((largest[0] * factor, largest[0], largest[1], unit, values))
    if not steps:
        return None
    in_kcal, step, kind, unit, values = max(steps, key=lambda item: item[0])
    mae = float(np.abs(sample.energies - sample.reference_energies).mean())
    if in_kcal <= STEP and in_kcal <= STEP_SHARE * mae:
        return None
    what = f"rounded to {-round(np.log10(step))} decimals"
    if kind == "binary":
        what = f"as {_float_of(step, float(np.abs(values).max()), unit)}"
    return Finding.warning(
        "quantised-energy",
        expected="energies in double precision",
        found=f"multiples of {step:.4g} {unit}, {what}: a step of {in_kcal:.3g} kcal/mol, where "
        f"the MAE is {mae:.4g} kcal/mol",
        remedy="compute and save energies in float64, or at least add the constant part of the "
        "energy in float64",
        evidence={"step": in_kcal, "step_in_unit": step, "unit": unit, "kind": kind, "mae": mae},
    )


def _float_of(step: float, largest: float, unit: str) -> str:
    """Say which floating-point numbers are a step apart, and where."""
    types: tuple[type[np.floating[Any]], ...] = (np.float32, np.float16)
    for kind in types:
        if largest <= np.finfo(kind).max and step == np.spacing(kind(largest)):
            return f"{kind.__name__} has at {largest:.6g} {unit}"
    return f"float32 has above {step * 2**23:.6g} {unit}"
