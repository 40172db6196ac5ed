"""Recognise the reference among predictions: labels that nobody replaced."""

from __future__ import annotations

import numpy as np

from teaeval.checks.sample import Sample
from teaeval.predictions.findings import Finding

SAME = 1e-6
"""Largest difference, in kcal/mol and kcal/mol/Å, that writing eight decimals leaves."""

BY_CHANCE = 0.1
"""Share of frames whose energies may be the reference's by chance, rounded ones too."""


def diagnose(sample: Sample) -> list[Finding]:
    """Warn if energies, or forces of any frame, are the reference's own: a model has errors.

    Frames in which the reference has no forces, as single atoms, say nothing about forces.
    """
    energies = np.abs(sample.energies - sample.reference_energies) <= SAME
    told = (np.abs(sample.reference_forces) > SAME).any(axis=(1, 2))
    forces = told & (np.abs(sample.forces - sample.reference_forces) <= SAME).all(axis=(1, 2))
    counts = {"energies": int(energies.sum()), "forces": int(forces.sum())}
    if energies.mean() < BY_CHANCE and not forces.any():
        return []
    return [
        Finding.warning(
            "reference-itself",
            expected="energies and forces of a model, which differ from the reference",
            found=f"those of the reference in {counts['energies']} energies and in the forces of "
            f"{counts['forces']} of {len(sample)} frames: the file has the labels that were "
            "exported, or a model has seen them",
            remedy="write the predictions into the file, or name their arrays with --energy-key "
            "and --forces-key",
            evidence=counts,
        )
    ]
