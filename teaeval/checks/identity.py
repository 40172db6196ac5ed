"""Recognise the reference among predictions: labels that nobody replaced."""

from __future__ import annotations

import numpy as np

from teaeval.checks.sample import Sample
from teaeval.predictions.findings import Finding

SAME = 1e-6
"""Largest difference, in kcal/mol and kcal/mol/Å, that writing eight decimals leaves."""


def diagnose(sample: Sample) -> list[Finding]:
    """Warn if energies and forces are the reference's own: a model has errors."""
    differences = (
        sample.energies - sample.reference_energies,
        sample.forces - sample.reference_forces,
    )
    largest = max(float(np.abs(values).max()) for values in differences)
    if largest > SAME:
        return []
    return [
        Finding.warning(
            "reference-itself",
            expected="energies and forces of a model, which differ from the reference",
            found="those of the reference: the file has the labels that were exported, or a "
            "model has seen them",
            remedy="write the predictions into the file, or name their arrays with --energy-key "
            "and --forces-key",
            evidence={"largest": largest},
        )
    ]
