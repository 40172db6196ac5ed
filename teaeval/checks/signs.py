"""Detect flipped signs of energies and forces."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from teaeval.checks.quantity import LIKELY_R2
from teaeval.checks.sample import Sample, regress
from teaeval.predictions.findings import Finding

OPPOSED_R2 = 0.4
"""Share of the variance that forces of the wrong sign explain; those of no model do."""


def flipped(
    sample: Sample, of: Collection[str] = ("energy", "forces")
) -> tuple[list[Finding], Sample]:
    """Find flipped signs of these quantities; also return the sample with them corrected."""
    findings = []
    for name, field, least, expected, remedy in (
        (
            "energy",
            "energies",
            LIKELY_R2,
            "energies that rise where the reference's do",
            "save the energy, not its negative",
        ),
        (
            "forces",
            "forces",
            OPPOSED_R2,
            "forces, the negative gradient of the energy",
            "save forces, not gradients; teaeval score --fix sign flips them",
        ),
    ):
        values = getattr(sample, field)
        fit = regress(values, getattr(sample, f"reference_{field}"))
        if name in of and fit.slope < 0 and fit.r2 >= least:
            findings.append(
                Finding.error(
                    f"sign-of-{name}",
                    expected=expected,
                    found=f"{fit}: the sign is flipped",
                    remedy=remedy,
                    evidence={"slope": fit.slope, "r2": fit.r2},
                )
            )
            sample = replace(sample, **{field: -values})
    return findings, sample
