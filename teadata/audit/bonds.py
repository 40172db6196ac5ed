"""Whether forces pull stretched bonds together: gradients in their place push them apart."""

from __future__ import annotations

import numpy as np

from teadata.audit.finding import Finding, Outcome, Sample
from teadata.frames import Frames
from teadata.structure.bonds import bond_reach, bonded
from teadata.structure.neighbours import periodic_vectors
from teadata.typing import Floats

FRAMES = 200
"""Frames that are looked at, evenly spread."""

FEWEST = 10
"""Of fewer frames nothing is said."""

SURE = 0.5
"""A correlation beyond this is of one sign or the other (``docs/audit.md``)."""


def check_sign(sample: Sample) -> Finding:
    """Check that forces pull bonds together that are longer than their mean.

    For each bond of the first frame, its length is correlated with the force along it over all
    frames; the median over the bonds is judged.
    """
    name, count = "sign of forces", len(sample.frames)
    rows = np.unique(np.linspace(0, count - 1, FRAMES).astype(np.int64))
    correlations = _correlations(sample.frames[rows])
    if count < FEWEST or len(correlations) == 0:
        why = f"fewer than {FEWEST} frames" if count < FEWEST else "no bonds that last"
        return Finding(name, "pass", f"not judged: {why}", {"bonds": len(correlations)})
    median = float(np.median(correlations))
    outcome: Outcome = "fail" if median > SURE else "pass"
    text = f"length of a bond and force along it: median correlation {median:.2f}"
    if median > SURE:
        text += (
            ": stretched bonds are pushed apart, as by gradients of the energy in place of forces; "
            "turn the sign of the forces"
        )
    elif median > -SURE:
        text += ", which says nothing about the sign"
    return Finding(name, outcome, text, {"median": median, "bonds": len(correlations)})


def _correlations(frames: Frames) -> Floats:
    """Correlation of length and outward force of each bond of the first frame, (B,).

    Frames in which two atoms are no longer bonded do not count for them.
    """
    first, second = np.nonzero(np.triu(bonded(frames[0]), 1))
    arms = frames.positions[:, second] - frames.positions[:, first]
    vectors = periodic_vectors(frames)
    arms -= np.round(arms @ np.linalg.pinv(vectors)) @ vectors
    lengths = np.linalg.norm(arms, axis=2)
    outward = ((frames.forces[:, second] - frames.forces[:, first]) * arms).sum(axis=2)
    outward = outward / np.maximum(lengths, 1e-9)
    there = lengths < bond_reach(frames.numbers)[first, second]
    present = np.maximum(there.sum(axis=0), 1)
    x, y = (
        np.where(there, values - np.where(there, values, 0.0).sum(axis=0) / present, 0.0)
        for values in (lengths, outward)
    )
    spread = np.sqrt((x**2).sum(axis=0) * (y**2).sum(axis=0))
    judged = (there.sum(axis=0) >= min(FEWEST, len(frames))) & (spread > 1e-9)
    found: Floats = (x * y).sum(axis=0)[judged] / spread[judged]
    return found
