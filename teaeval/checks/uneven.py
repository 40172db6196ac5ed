"""Detect forces of some frames in another unit, or with another sign, than those of the rest."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from teadata.typing import Ints
from teaeval.checks.quantity import POSSIBLE, SURE_R2, WIDE
from teaeval.checks.sample import Sample
from teaeval.predictions.findings import Evidence, Finding

FEWEST_ATOMS = 6
"""With fewer atoms the forces of a frame may be proportional to the reference's by chance."""


def uneven_forces(sample: Sample) -> tuple[Finding | None, Sample]:
    """Error if some frames' forces are the reference's times another factor than those of the rest.

    A model is off by another factor in each frame, if at all.  Frames that are off by one factor
    that no model has, and whose forces are proportional to the reference's, come from another
    file, unit or sign convention.
    """
    if sample.forces.shape[1] < FEWEST_ATOMS:
        return None, sample
    predicted, reference = (
        values.reshape(len(sample), -1) for values in (sample.forces, sample.reference_forces)
    )
    pr = np.einsum("ij,ij->i", predicted, reference)
    pp, rr = (np.einsum("ij,ij->i", values, values) for values in (predicted, reference))
    with np.errstate(divide="ignore", invalid="ignore"):
        slopes, r2 = pr / rr, pr**2 / (pp * rr)
    sure = np.flatnonzero(r2 >= SURE_R2)  # False for NaN
    if len(sure) < 2:
        return None, sample
    usual = float(np.sort(slopes[sure])[len(sure) // 2])
    ratio = slopes[sure] / usual
    apart = (ratio < POSSIBLE[0]) | (ratio > POSSIBLE[1])
    strays, ratio = sure[apart], ratio[apart]
    if len(strays) < 2:
        return None, sample
    factor = float(np.sort(ratio)[len(ratio) // 2])
    alike = (ratio / factor > 1 / (1 + WIDE)) & (ratio / factor < 1 + WIDE)
    if alike.sum() < max(2, len(strays) / 2):
        return None, sample
    strays = strays[alike]
    forces = sample.forces.copy()
    forces[strays] /= factor
    return _uneven(sample, strays, usual * factor, usual), replace(sample, forces=forces)


def _uneven(sample: Sample, strays: Ints, slope: float, usual: float) -> Finding:
    """Make the finding that the forces of some frames are off by a factor."""
    first = "" if sample.rows is None else f", the first in row {sample.rows[strays[0]]}"
    evidence: dict[str, Evidence] = {
        "share": len(strays) / len(sample),
        "slope": slope,
        "slope_of_others": usual,
    }
    return Finding.error(
        "uneven-forces",
        expected="the forces of all frames in one unit, with one sign",
        found=f"{len(strays)} of {len(sample)} frames that were looked at ({evidence['share']:.1%})"
        f" with a slope of {slope:.4g} against the reference, where the others have {usual:.4g}"
        f"{first}",
        remedy="give all frames the forces of one unit and sign: parts of the file are of two "
        "sources",
        evidence=evidence,
    )
