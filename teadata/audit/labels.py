"""Checks of labels: outliers, and net forces and torques that should be zero."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from teadata.audit.finding import Finding, Outcome, Sample, listed, name_ids, quantiles
from teadata.typing import Floats

OUTLIER = 6.0
"""Outliers are this many robust standard deviations or more away from their subset's median."""

MAD = 1.4826
"""Standard deviation of a normal distribution over its median absolute deviation."""

CONVERGED = 1e-3
"""Largest error of an atom's force in a converged calculation, in kcal/mol/Å."""

STORED = 2.0**-23
"""Largest relative error of a number in single precision (twice the rounding error)."""

GROSS = 100.0
"""A sum above its tolerance is a warning; above this many times the tolerance, a failure."""


def robust_scores(values: Floats) -> Floats:
    """Deviations from the median (n,), in standard deviations estimated from the MAD."""
    gap = values - np.median(values)
    scale = MAD * np.median(np.abs(gap))
    # If over half of the values are equal, the MAD is zero and any other value stands out.
    scores: Floats = gap / max(float(scale), 1e-9)
    return scores


def check_outliers(sample: Sample) -> Iterator[Finding]:
    """Look for energies and forces far from the rest of their subset.

    The largest force on an atom is judged by its logarithm: extremes are skewed.
    """
    largest = np.linalg.norm(sample.frames.forces, axis=2).max(axis=1, initial=0.0)
    quantities = {
        "energy outliers": sample.frames.energies,
        "force outliers": np.log(np.maximum(largest, 1e-9)),
    }
    for name, values in quantities.items():
        outlying = np.zeros(len(sample.frames), dtype=np.bool_)
        evidence: dict[str, Any] = {"threshold": OUTLIER}
        parts = []
        for subset in sample.card.subsets:
            rows = sample.subset(subset)
            if len(rows) == 0:
                continue
            scores = robust_scores(values[rows])
            outlying[rows[np.abs(scores) > OUTLIER]] = True
            evidence[subset] = {"lowest": float(scores.min()), "highest": float(scores.max())}
            parts.append(f"{subset} {scores.min():.1f} to {scores.max():.1f}")
        ids = listed(sample.frames, outlying)
        evidence["frames"] = ids
        text = f"deviations in robust σ: {', '.join(parts)}"
        if ids:
            text = f"beyond {OUTLIER:g} σ: {name_ids(ids)}; {text}"
        yield Finding(name, "warning" if ids else "pass", text, evidence)


def check_net_force(sample: Sample) -> Finding:
    """Check the net force of each frame; it is zero if energy does not depend on translation."""
    forces = sample.frames.forces
    total = np.linalg.norm(forces.sum(axis=1), axis=1)
    scale = np.linalg.norm(forces, axis=2).sum(axis=1)
    tolerance = CONVERGED * np.sqrt(sample.frames.n_atoms) + STORED * scale
    return _judge_sum("net force", "kcal/mol/Å", sample, total, tolerance)


def check_net_torque(sample: Sample) -> Finding:
    """Check the net torque of each frame; it is zero if energy does not depend on rotation."""
    frames = sample.frames
    arms = frames.positions - frames.positions.mean(axis=1, keepdims=True)
    total = np.linalg.norm(np.cross(arms, frames.forces).sum(axis=1), axis=1)
    lengths = np.linalg.norm(arms, axis=2)
    scale = (lengths * np.linalg.norm(frames.forces, axis=2)).sum(axis=1)
    tolerance = CONVERGED * np.sqrt((lengths**2).sum(axis=1)) + STORED * scale
    return _judge_sum("net torque", "kcal/mol", sample, total, tolerance)


def _judge_sum(name: str, unit: str, sample: Sample, total: Floats, tolerance: Floats) -> Finding:
    over: NDArray[np.bool_] = total > tolerance
    outcome: Outcome = "pass"
    text = f"at most {total.max():.2g} {unit}, tolerance {tolerance.min():.2g}"
    if over.any():
        outcome = "fail" if (total > GROSS * tolerance).any() else "warning"
        text += f"; above it {name_ids(listed(sample.frames, over))}"
    evidence = {
        "unit": unit,
        "quantiles": quantiles(total),
        "tolerance": float(tolerance.min()),
        "frames": listed(sample.frames, over),
    }
    return Finding(name, outcome, text, evidence)
