"""Detect energies under another convention: per atom, or scaled to a standard deviation of 1.

Both look like a unit, since both multiply every difference of energies by one number.  For A
atoms that number is 1/A, which the mean of total energies proves to one part in a thousand.
Where a constant was subtracted as well, the forces tell: nobody divides those by the number of
atoms, while a unit multiplies energies and forces alike, and so does a model that is off.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, log

from teadata import units
from teaeval.checks.quantity import (
    ALIKE,
    LIKELY_R2,
    MEAN,
    NARROW,
    SURE_R2,
    WEAK_R2,
    WIDE,
    Quantity,
    close,
)
from teaeval.checks.sample import Sample
from teaeval.predictions.findings import Evidence, Finding

OTHER_UNIT, OTHER_LENGTH = 0.25, 0.05
"""What it counts against an energy unit, as a relative distance, that the forces are in none
with it, or only with another length unit than the declared one."""

DEVIATION, ROUGHLY, CENTRE = 0.1, 0.5, 1.0
"""Standardised energies have a standard deviation of 1 within the first relative distance, or
within the second where the slope is no unit's, and a mean of 0 within so many deviations: both are
1 and 0 over the training set."""


@dataclass(frozen=True)
class Slopes:
    """Regressions of energies and forces, and what else tells energies per atom.

    Parameters
    ----------
    energy, forces
        The regressions, and the units behind them.
    mean
        Mean predicted over mean reference energy; None if the zero of energy is arbitrary.
    length
        The declared length unit.
    atoms
        Number of atoms of every frame, A.
    """

    energy: Quantity
    forces: Quantity
    mean: float | None
    length: str
    atoms: int


def per_atom(slopes: Slopes) -> Finding | None:
    """Error if energies are those per atom, in any unit, with or without a constant."""
    if slopes.atoms < 2:
        return None
    others = _by_slope(slopes) if _offset(slopes) else _by_mean(slopes)
    if others is None:
        return None
    energy, mean, atoms = slopes.energy, slopes.mean, slopes.atoms
    told = "" if mean is None else f" and a mean that is {mean:.5g} times its"
    evidence: dict[str, Evidence] = {"atoms": atoms, "alternatives": ", ".join(others)}
    evidence |= {"slope": energy.fit.slope, "r2": energy.fit.r2}
    if mean is not None:
        evidence["mean_ratio"] = mean
    either = "".join(f", or total energies in {unit}" for unit in others)
    remedy = f"multiply the energies by {atoms}"
    if others:
        remedy += f" if they are per atom, or declare {' or '.join(others)} if that is their unit"
    else:
        remedy += "; teaeval score --fix per-atom does so"
    return Finding.error(
        "energy-per-atom",
        expected=f"total energies, of all {atoms} atoms together",
        found=f"{energy.fit}{told}, as energies per atom have "
        f"(1/{atoms} = {1 / atoms:.4g}){either}",
        remedy=remedy,
        evidence=evidence,
    )


def _offset(slopes: Slopes) -> bool:
    """Whether the mean is that of no unit, neither of total energies nor of those per atom."""
    mean = slopes.mean
    return mean is None or not any(
        abs(mean * count / factor - 1) < MEAN
        for factor in slopes.energy.factors.values()
        for count in (1, slopes.atoms)
    )


def _by_mean(slopes: Slopes) -> list[str] | None:
    """Whether the mean is that of energies per atom, and units in which they may be total ones.

    Energies that explain nothing are per atom by their mean alone, if in the declared unit.
    """
    energy, mean = slopes.energy, slopes.mean
    if mean is None:
        return None
    weak = energy.fit.r2 < WEAK_R2
    total = [unit for unit, factor in energy.factors.items() if abs(mean / factor - 1) < MEAN]
    if energy.declared in total:
        return None
    shared = [
        unit
        for unit, factor in energy.factors.items()
        if abs(mean * slopes.atoms / factor - 1) < MEAN
        and (unit == energy.declared if weak else _distance(slopes, unit, shared=True) < log(3))
    ]
    return total if shared else None


def _distance(slopes: Slopes, unit: str, *, shared: bool) -> float:
    """Logarithm of the slope of energies over that in a unit, total or `shared` by the atoms."""
    slope = slopes.energy.fit.slope
    factor = slopes.energy.factors[unit] / (slopes.atoms if shared else 1)
    return abs(log(slope / factor)) if slope > 0 else inf


def _by_slope(slopes: Slopes) -> list[str] | None:
    """Whether the slope is rather that of energies per atom than of any unit or of a model.

    Returns
    -------
    alternatives
        Units in which total energies would have nearly the same slope; None if energies are not
        per atom.
    """
    energy, fit, forces = slopes.energy, slopes.energy.fit, slopes.forces.fit
    if fit.slope <= 0 or fit.r2 < (LIKELY_R2 if energy.extreme else SURE_R2):
        return None
    told = forces.r2 >= LIKELY_R2 and forces.slope > 0
    if told and abs(log(fit.slope / forces.slope)) < log(ALIKE):
        return None  # a unit of both, or a model that is off
    if not energy.extreme and not (forces.r2 >= SURE_R2 and _in_a_unit(slopes)):
        return None
    against = {unit: _against(slopes, unit) if told else 0.0 for unit in energy.factors}
    ranked = sorted(
        (_distance(slopes, unit, shared=shared) + penalty, not shared, unit)
        for unit, penalty in against.items()
        for shared in (True, False)
    )
    _, total, unit = ranked[0]
    nearest = _distance(slopes, unit, shared=not total)
    if total or nearest >= log(1 + (WIDE if energy.extreme else NARROW)):
        return None
    others = [
        other
        for other in energy.factors
        if _distance(slopes, other, shared=False) < nearest + log(1 + NARROW)
    ]
    return None if energy.declared in others else others


def _in_a_unit(slopes: Slopes) -> bool:
    """Whether the slope of the forces is 1, or another unit's."""
    return any(close(slopes.forces.fit.slope, factor) for factor in slopes.forces.factors.values())


def _against(slopes: Slopes, unit: str) -> float:
    """What it counts against an energy unit that the forces are in another one."""
    distances = {
        length: abs(log(slopes.forces.fit.slope / slopes.forces.factors[f"{unit}/{length}"]))
        for length in units.LENGTH_UNITS
    }
    fitting = [length for length, distance in distances.items() if distance < log(1 + WIDE)]
    if not fitting:
        return OTHER_UNIT
    return 0.0 if slopes.length in fitting else OTHER_LENGTH


def standardised(sample: Sample, energy: Quantity) -> Finding | None:
    """Error if energies have a mean of 0 and a standard deviation of 1, and the reference not.

    Parameters
    ----------
    sample
        Its energies are in kcal/mol, converted from the declared unit.
    energy
        Their regression.
    """
    if not energy.extreme or energy.fit.slope <= 0 or energy.fit.r2 < LIKELY_R2:
        return None
    factor = units.energy_factor(energy.declared)
    mean, deviation = sample.energies.mean() / factor, sample.energies.std() / factor
    of_a_unit = any(close(energy.fit.slope, factor) for factor in energy.factors.values())
    near = log(1 + (DEVIATION if of_a_unit else ROUGHLY))
    if abs(log(deviation)) > near or abs(mean) > CENTRE * deviation:
        return None
    others = energy.candidates()
    either = "".join(f", or relative energies in {unit}" for unit in others)
    return Finding.error(
        "standardised-energy",
        expected=f"energies in {energy.declared}, as declared",
        found=f"{energy.fit}, a mean of {mean:.3g} and a standard deviation of {deviation:.3g}, as "
        f"energies that were standardised for training have{either}",
        remedy="multiply energies and forces by the standard deviation of the training set's "
        "energies, and add their mean to the energies"
        + (f"; or declare {' or '.join(others)}, if that is their unit" if others else ""),
        evidence={
            "mean": float(mean),
            "deviation": float(deviation),
            "alternatives": ", ".join(others),
            "slope": energy.fit.slope,
            "r2": energy.fit.r2,
        },
    )
