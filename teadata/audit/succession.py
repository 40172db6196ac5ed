"""Whether frames that follow each other are alike, as in a simulation, and lie in two roles."""

from __future__ import annotations

import numpy as np

from teadata.audit.finding import Finding, Sample
from teadata.structure.fingerprint import rms
from teadata.typing import Floats, Ints

NAME = "order of frames"

APART = 20
"""Frames so many places apart are compared with those that follow each other."""

FEWEST = 50
"""Pairs of fewer frames say nothing."""

ALIKE = 0.75
"""Of the distance of frames that are far apart in the file, those that follow each other have less
in a simulation."""

NEAR, SHARE = 5, 0.1
"""A share of test frames with a training frame at most so many places away is a warning."""


def check_succession(sample: Sample) -> Finding:
    """Check that splits do not separate frames that follow each other and are alike.

    Ids are places in the files that a dataset was made of.  It is for frames whose trajectories
    are not known: where they are, :func:`teadata.audit.similarity.check_roles` looks at them.
    """
    following, apart = _distances(sample, 1), _distances(sample, APART)
    if min(len(following), len(apart)) < FEWEST:
        text = f"fewer than {FEWEST} frames follow each other, or are {APART} places apart"
        return Finding(NAME, "not judged", text)
    near, far = float(np.median(following)), float(np.median(apart))
    share = _share_beside_training(sample)
    evidence = {"following": near, f"{APART} apart": far, "test beside training": share}
    text = f"frames that follow each other are {near:.3f} Å apart, those {APART} later {far:.3f} Å"
    if near >= ALIKE * far or share <= SHARE:
        return Finding(NAME, "pass", text, evidence)
    text += (
        f", as in a simulation, and {share:.0%} of the test frames are within {NEAR} places of a "
        "training frame: errors on them are smaller than on a simulation that was not trained on; "
        "test on files of their own (--role test=FILE), or keep each simulation in one role "
        "(--split-by KEY)"
    )
    return Finding(NAME, "warning", text, evidence)


def _distances(sample: Sample, apart: int) -> Floats:
    """Distances of frames so many places apart, (n,) in Å."""
    frames, values = sample.frames, sample.fingerprints.values
    other = frames.find(frames.ids + apart)
    rows = np.flatnonzero(other >= 0)
    return rms(values[rows], values[other[rows]])


def _share_beside_training(sample: Sample) -> float:
    """Share of the test frames with a training frame at most :data:`NEAR` places away."""
    ids = sample.frames.ids
    train, test = np.sort(ids[sample.role("train")]), ids[sample.role("test")]
    if not len(train) or not len(test):
        return 0.0
    place: Ints = np.searchsorted(train, test)
    sides = train[np.clip(place - 1, 0, None)], train[np.clip(place, None, len(train) - 1)]
    nearest = np.min([np.abs(test - side) for side in sides], axis=0)
    return float((nearest <= NEAR).mean())
