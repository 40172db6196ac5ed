"""Detect wrong units and signs from the slope of predictions against the reference.

A slope alone proves little: a model that has learned half of every energy difference has a
slope near 0.53, as forces per bohr instead of per ångström have.  Four things tell them apart:

* total energies are known to one part in thousands from their mean alone, and a wrong unit
  changes that mean, a poor model does not;
* forces are the gradient of the energy, so that a model's two slopes are alike, while a wrong
  length unit changes that of the forces alone;
* a wrong unit scales the forces of every element alike;
* no model has learned a twentieth of everything and yet explains nearly all of the variance.

A crude model in a wrong unit explains little and has a slope that is its own error times the
unit's factor.  Where its mean does not prove the unit, energies and forces that are off alike,
by more than any model is, raise a warning.

Where both stay possible the finding is a warning that says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import product
from math import exp, log

import numpy as np

from teadata import units
from teadata.elements import SYMBOLS
from teadata.typing import Ints
from teadata.units import UnitSystem
from teaeval.checks.conventions import Slopes, per_atom, standardised
from teaeval.checks.quantity import (
    ALIKE,
    CRUDE_R2,
    LIKELY_R2,
    MEAN,
    NARROW,
    SURE_R2,
    WEAK_R2,
    Quantity,
    close,
    shown,
)
from teaeval.checks.sample import FEWEST_COMPONENTS, Regression, Sample, regress
from teaeval.checks.signs import flipped
from teaeval.predictions.findings import Evidence, Finding

DEVIATIONS = 100
"""The ratio of mean energies is used if the mean is larger than this many standard deviations."""

UNIFORM = 0.1
"""Relative distance from the slope of all forces within which each element's lies, if it is a
unit that scales them."""


def diagnose(
    sample: Sample, source: Mapping[str, str], numbers: Ints
) -> tuple[list[Finding], Sample]:
    """Find wrong units and signs; also return the sample with them corrected.

    Parameters
    ----------
    sample
        Predicted and reference values.
    source
        ``energy_unit``, ``length_unit`` and ``force_unit`` as they were declared.
    numbers
        (A,) atomic numbers.
    """
    stated = UnitSystem.stated(source)
    per_energy, per_length = stated.force.rsplit("/", 1)  # those of the forces
    findings, sample = flipped(sample)
    energy, forces = _quantities(sample, stated)
    scaled = standardised(sample, energy)
    if scaled is not None:
        return _beside_standardised([*findings, scaled], sample, energy, forces)
    mean = _mean_ratio(sample)
    shared = per_atom(Slopes(energy, forces, mean, per_length, sample.forces.shape[1]))
    if shared is not None:
        findings.append(shared)
        sample, energy, mean = _multiplied(sample, energy, mean)
    energy, forces = energy.with_mistaken(), forces.with_mistaken(per_length)
    suspected = [_energy_unit(energy, forces.fit, mean)]
    if suspected[0] is None:
        suspected[0] = _crude_energy(energy, forces, per_length, mean)
    unit = _unit(suspected[0])
    factor = energy.factors[unit] if unit else 1.0
    sample = replace(sample, energies=sample.energies / factor)
    alone = suspected[0] is None and "path" in source and "force_unit" not in source
    forces = replace(forces, free=alone)
    rest = Regression(energy.fit.slope / factor, energy.fit.r2)
    by_element = _by_element(sample, numbers)
    suspected.append(_off_alike(forces, energy, suspected[0], per_length))
    if suspected[1] is None:
        likely = unit or per_energy, per_length
        suspected[1] = _force_unit(forces, by_element, rest, unit, likely, mean)
    if suspected[1] is None:
        suspected[1] = _crude_forces(forces, rest, unit, per_length, mean)
    if suspected == [None, None]:
        findings += _of_no_unit(forces)
    unit = _unit(suspected[1])
    if unit:
        sample = replace(sample, forces=sample.forces / forces.factors[unit])
    return findings + [item for item in suspected if item is not None], sample


def of_few(sample: Sample, source: Mapping[str, str]) -> list[Finding]:
    """Find wrong units and signs of the forces of frames that are too few for all else.

    Even few frames have many force components.  Their unit is an error only where the energies
    show that no model is behind the slope: theirs is near 1, or their mean is in the same unit.

    Parameters
    ----------
    sample
        Predicted and reference values.
    source
        ``energy_unit``, ``length_unit`` and ``force_unit`` as they were declared.
    """
    if sample.forces.size < FEWEST_COMPONENTS:
        return []
    stated = UnitSystem.stated(source)
    per_energy, per_length = stated.force.rsplit("/", 1)
    found, sample = flipped(sample, ("forces",))
    energy, forces = _quantities(sample, stated)
    forces = forces.with_mistaken(per_length)
    candidates = forces.candidates(per_energy, per_length)
    if not candidates:
        return found + _of_no_unit(forces)
    fit, told = energy.fit, f"a slope of {energy.fit.slope:.4g} (r² = {energy.fit.r2:.3f})"
    slopes: dict[str, Evidence] = {"energy_slope": fit.slope, "energy_r2": fit.r2}
    mean, factor = _mean_ratio(sample), energy.factors.get(candidates[0].rpartition("/")[0])
    alike = mean is not None and factor is not None and abs(mean / factor - 1) < MEAN
    usual = fit.r2 >= LIKELY_R2 and 1 / 3 < fit.slope < 3
    if forces.extreme and (usual or alike):
        return [*found, forces.error(candidates, f", while the energies have {told}", **slopes)]
    why = f"the energies have {told}, of {len(sample)} frames only"
    return [*found, forces.warning(candidates, why, **slopes)]


def _quantities(sample: Sample, stated: UnitSystem) -> tuple[Quantity, Quantity]:
    """The regressions of energies and forces, with these units declared."""
    energy, force = stated.factors["energies"], stated.factors["forces"]
    return Quantity(
        "energy",
        stated.energy,
        regress(sample.energies, sample.reference_energies),
        {e: energy / units.energy_factor(e) for e in units.ENERGY_UNITS},
    ), Quantity(
        "forces",
        stated.force,
        regress(sample.forces, sample.reference_forces),
        {
            f"{e}/{x}": force / units.force_factor(e, x)
            for e, x in product(units.ENERGY_UNITS, units.LENGTH_UNITS)
        },
    )


def _multiplied(
    sample: Sample, energy: Quantity, mean: float | None
) -> tuple[Sample, Quantity, float | None]:
    """Energies per atom, their regression and ratio of means, multiplied by the atoms."""
    atoms = sample.forces.shape[1]
    fit = Regression(energy.fit.slope * atoms, energy.fit.r2)
    return (
        replace(sample, energies=sample.energies * atoms),
        replace(energy, fit=fit, mended=f" once multiplied by {atoms}"),
        None if mean is None else mean * atoms,
    )


def _beside_standardised(
    findings: list[Finding], sample: Sample, energy: Quantity, forces: Quantity
) -> tuple[list[Finding], Sample]:
    """The sample with standardised energies, and forces if they are too, mended by their slopes."""
    values = sample.energies - sample.energies.mean()
    energies = sample.reference_energies.mean() + values / energy.fit.slope
    slope = forces.fit.slope
    alike = forces.fit.r2 >= LIKELY_R2 and abs(log(slope / energy.fit.slope)) < log(ALIKE)
    mended = sample.forces / slope if alike else sample.forces
    return findings, replace(sample, energies=energies, forces=mended)


def _unit(finding: Finding | None) -> str:
    """The unit that an error names, or an empty string."""
    return str(finding.evidence["unit"]) if finding and finding.severity == "error" else ""


def _mean_ratio(sample: Sample) -> float | None:
    """Mean predicted over mean reference energy; None if the zero of energy is arbitrary."""
    mean, deviation = sample.reference_energies.mean(), sample.reference_energies.std()
    if abs(mean) <= DEVIATIONS * deviation:
        return None
    return float(sample.energies.mean() / mean)


def _by_element(sample: Sample, numbers: Ints) -> dict[str, float]:
    """Slope of the forces on the atoms of each element."""
    return {
        SYMBOLS[number]: regress(
            sample.forces[:, numbers == number], sample.reference_forces[:, numbers == number]
        ).slope
        for number in np.unique(numbers)
    }


def _energy_unit(energy: Quantity, forces: Regression, mean: float | None) -> Finding | None:
    """Whether energies are another unit's than the one declared."""
    further = "" if mean is None else f" and a mean that is {mean:.5g} times its"
    evidence: dict[str, Evidence] = {} if mean is None else {"mean_ratio": mean}
    if mean is not None and energy.fit.r2 >= WEAK_R2:
        by_mean = [
            unit
            for unit, factor in energy.factors.items()
            if abs(mean / factor - 1) < MEAN
            and factor != 1
            and abs(log(max(energy.fit.slope, 1e-300) / factor)) < log(3)
        ]
        if by_mean:
            return energy.error(by_mean, further, **evidence)
    candidates = energy.candidates()
    if not candidates:
        return None
    if mean is not None and abs(mean - 1) < MEAN:
        return energy.warning(
            candidates, f"the mean is {mean:.5g} times the reference's", **evidence
        )
    if energy.extreme or (forces.r2 >= SURE_R2 and close(forces.slope, 1)):
        return energy.error(candidates, further, **evidence)
    return energy.warning(candidates, "the forces do not decide it", **evidence)


def _crude_energy(
    energy: Quantity, forces: Quantity, length: str, mean: float | None
) -> Finding | None:
    """Whether the energies of a crude model are another unit's: its forces must be so too."""
    if mean is not None and abs(mean - 1) < MEAN:
        return None
    alike = {unit.rpartition("/")[0] for unit in forces.crude_candidates(length)}
    by_mean = [
        unit
        for unit, factor in energy.factors.items()
        if mean is not None and factor != 1 and abs(mean / factor - 1) < MEAN and unit in alike
    ]
    if by_mean and mean is not None:
        return energy.error(by_mean, f" and a mean that is {mean:.5g} times its", mean_ratio=mean)
    candidates = [unit for unit in energy.crude_candidates() if unit in alike]
    if not candidates:
        return None
    return energy.warning(candidates, f"the forces have a slope of {forces.fit.slope:.4g}")


def _off_alike(
    forces: Quantity, energy: Quantity, suspected: Finding | None, length: str
) -> Finding | None:
    """Whether forces are off as the energies are, unit and model's own error together.

    Then no unit of length is behind the model's error.
    """
    if suspected is None or not forces.extreme or forces.fit.slope <= 0:
        return None
    candidate = f"{suspected.evidence['unit']}/{length}"
    if (factor := forces.factors.get(candidate)) is None:  # the forces' unit was another
        return None
    ratio = forces.fit.slope / energy.fit.slope if energy.fit.slope > 0 else 0.0
    crude = not 1 - NARROW < forces.fit.slope / factor < 1 + NARROW
    if not (crude and 1 / ALIKE < ratio < ALIKE) or forces.fit.r2 < CRUDE_R2:
        return None
    if suspected.severity == "error":
        return forces.error([candidate], ", as the energies have")
    return forces.warning([candidate], "the energies are off alike")


def _crude_forces(
    forces: Quantity, energy: Regression, energy_unit: str, length: str, mean: float | None
) -> Finding | None:
    """Whether the forces of a crude model are another unit's.

    With the right mean energy, forces and energies that are off alike are the model's.
    """
    candidates = forces.crude_candidates(length, energy_unit)
    if not candidates:
        return None
    told = f"the energies have a slope of {energy.slope:.4g} (r² = {energy.r2:.3f})"
    if energy_unit:
        return forces.error(candidates, f", while the energies are in {shown(energy_unit)}")
    if mean is not None and abs(mean - 1) < MEAN:
        ratio = energy.slope / forces.fit.slope
        if ratio > 0 and abs(log(ratio)) < log(2):
            return None
    return forces.warning(candidates, told, energy_slope=energy.slope, energy_r2=energy.r2)


def _of_no_unit(forces: Quantity) -> list[Finding]:
    """Whether the forces have a slope that neither a unit nor a model has."""
    if not forces.extreme or forces.fit.r2 < LIKELY_R2:
        return []
    return [
        Finding.warning(
            "slope-of-forces",
            expected=f"forces in {forces.declared}, as declared, with a slope near 1",
            found=f"{forces.fit}, which neither a model nor another unit has",
            remedy="make sure of the units of both, prediction and reference: two that are wrong, "
            "or labels in another unit than they say, look like this",
            evidence={"slope": forces.fit.slope, "r2": forces.fit.r2},
        )
    ]


def _force_unit(
    forces: Quantity,
    by_element: Mapping[str, float],
    energy: Regression,
    energy_unit: str,
    likely: tuple[str, str],
    mean: float | None,
) -> Finding | None:
    """Whether forces are another unit's than the one declared.

    Parameters
    ----------
    forces
        Those predicted.
    by_element
        Their slope for each element.
    energy
        Regression of the energies, in the unit they were found in.
    energy_unit
        The unit they were found in, empty if it is the one declared.
    likely
        Energy and length unit of the likeliest unit of forces.
    mean
        Ratio of mean energies, or None.
    """
    candidates = forces.candidates(*likely, proven=bool(energy_unit))
    if candidates and candidates[0].rpartition("/")[0] == energy_unit:
        candidates = [unit for unit in candidates if unit.rpartition("/")[0] == energy_unit]
    if not candidates:
        return _relative_to_energy(forces, energy, likely)
    slopes: dict[str, Evidence] = {"energy_slope": energy.slope, "energy_r2": energy.r2}
    told = f"the energies have a slope of {energy.slope:.4g} (r² = {energy.r2:.3f})"
    right_mean = mean is not None and not energy_unit and abs(mean - 1) < MEAN
    if forces.extreme:
        alike = energy.slope > 0 and exp(abs(log(energy.slope / forces.fit.slope))) < ALIKE
        if right_mean and alike and energy.r2 >= 0.5:
            return forces.warning(candidates, f"{told} too, but the right mean", **slopes)
        return forces.error(candidates, "")
    uneven = [
        f"{symbol} {slope:.3g}"
        for symbol, slope in by_element.items()
        if abs(slope / forces.fit.slope - 1) > UNIFORM
    ]
    if uneven:
        why = f"elements have other slopes than all together ({', '.join(uneven)})"
        return forces.warning(candidates, why, **slopes)
    calibrated = energy.r2 >= SURE_R2 and close(energy.slope, 1)
    if calibrated or (energy_unit and candidates[0].rpartition("/")[0] == energy_unit):
        return forces.error(candidates, f", while {told}", **slopes)
    return forces.warning(candidates, told, **slopes)


def _relative_to_energy(
    forces: Quantity, energy: Regression, likely: tuple[str, str]
) -> Finding | None:
    """Whether forces are off by a length unit's factor more than the energies are.

    A model's own error and a wrong length unit together: no proof, since its energies and
    forces need not be off alike.
    """
    if energy.r2 < SURE_R2 or forces.fit.slope <= 0:
        return None
    if abs(log(forces.fit.slope)) < abs(log(energy.slope)):
        return None
    slope = forces.fit.slope / energy.slope
    relative = replace(forces, fit=Regression(slope, forces.fit.r2))
    candidates = [
        unit for unit in relative.candidates(*likely) if unit.rpartition("/")[0] == likely[0]
    ]
    if not candidates:
        return None
    why = f"relative to the energies' slope of {energy.slope:.4g} it is {slope:.4g}"
    return forces.warning(candidates, why, energy_slope=energy.slope, energy_r2=energy.r2)
