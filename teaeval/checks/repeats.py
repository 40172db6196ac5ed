"""Find frames without forces, and frames that have the forces of another one.

A file that was not written to its end has zeros where nothing was written, and a loop that does
not clear what it computed last writes it again.  No model computes the same forces, to the last
bit, for two different geometries, but for one that knows only some: the nearest training frame,
or a constant.
"""

from __future__ import annotations

import sys
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from teadata.stored_frames import AnyFrames
from teadata.typing import Ints
from teaeval.checks.sample import COMPONENTS, evenly
from teaeval.predictions.findings import Evidence, Finding
from teaeval.predictions.prediction import Prediction

PAIRS = 500
"""Largest number of frames with equal forces that are compared with each other."""

FEWEST_ATOMS = 3
"""The forces of two atoms are one number along a line, and may be equal after rounding."""

PART = 1 << 21
"""Frames of which a copy of all their numbers may be in memory."""

SAME = 0.01
"""Reference forces are the same if they differ by less than this share of their RMS."""


Digests = NDArray[np.uint64]


class Compared(Protocol):
    """What was found out about each of the N frames of a test set, in one pass over its forces."""

    @property
    def scored(self) -> NDArray[np.bool_]:
        """(N,) which frames have a finite prediction."""
        ...

    @property
    def zero(self) -> NDArray[np.bool_]:
        """(N,) which frames have forces of exactly zero where the reference has not."""
        ...

    @property
    def digests(self) -> Digests:
        """(N,) a number for each frame that depends on every bit of its forces."""
        ...


def diagnose(
    prediction: Prediction, test: AnyFrames, place: Ints, compared: Compared
) -> list[Finding]:
    """Find zero forces where the reference has some, and equal ones where it has different ones.

    Parameters
    ----------
    prediction, test
        What was predicted, and the N frames of the test set.
    place
        (N,) row of the prediction for each frame of the test set.
    compared
        What one pass over the forces said about each frame.
    """
    zero = np.flatnonzero(compared.scored & compared.zero)
    found = [_zero(test, zero, int(np.count_nonzero(compared.scored)))] if len(zero) else []
    if test.n_atoms < FEWEST_ATOMS or _all_differ(compared.digests):
        return found
    rest = np.flatnonzero(compared.scored & ~compared.zero)
    equal = _equal(prediction, test, place, rest, compared.digests[rest])
    return [*found, equal] if equal is not None else found


def _all_differ(digests: Digests) -> bool:
    """Whether no two numbers are equal; no large part of them is in memory twice."""
    highest = -1 if sys.byteorder == "little" else 0
    kinds = digests.view(np.uint8).reshape(-1, 8)[:, highest]  # equal numbers are of one kind
    for kind in range(16) if len(digests) > PART else [None]:
        some = digests.copy() if kind is None else digests[kinds >> 4 == kind]
        some.sort()
        if (some[1:] == some[:-1]).any():
            return False
    return True


def _named(test: AnyFrames, rows: Ints) -> str:
    """The first ids of some frames of the test set."""
    return ", ".join(map(str, test.ids[rows[:3]])) + (", …" if len(rows) > 3 else "")


def _zero(test: AnyFrames, rows: Ints, count: int) -> Finding:
    """Error if some frames have no forces, warning if none has any."""
    evidence: dict[str, Evidence] = {"frames": len(rows), "scored": count}
    if len(rows) == count:
        return Finding.warning(
            "zero-forces",
            expected="predicted forces",
            found=f"forces of exactly zero in all of {count} frames, as of a model without any",
            remedy="predict forces; nothing is to be done if the model has none",
            evidence=evidence,
        )
    return Finding.error(
        "zero-forces",
        expected="forces of every frame",
        found=f"forces of exactly zero in {len(rows)} of {count} frames, where the reference's are "
        f"not, as in a file that was not written to its end: frame_id {_named(test, rows)}",
        remedy="predict these frames again; where the model failed, save NaN and score with "
        "--allow-failed",
        evidence=evidence,
    )


def _equal(
    prediction: Prediction,
    test: AnyFrames,
    place: Ints,
    rows: Ints,
    digests: Digests,
) -> Finding | None:
    """Error if frames have the forces of another one and energies of their own, else a warning."""
    _, first, group = np.unique(digests, return_index=True, return_inverse=True)
    others = np.flatnonzero(first[group] != np.arange(len(rows)))
    if len(others) == 0:
        return None
    looked = others[evenly(len(others), min(PAIRS, COMPONENTS // (6 * test.n_atoms)))]
    one, other = rows[looked], rows[first[group[looked]]]
    reference = test.forces[np.unique(np.concatenate([one, other]))]
    tolerance = SAME * float(np.sqrt(np.mean(reference**2)))
    apart = np.abs(test.forces[one] - test.forces[other]).max(axis=(1, 2)) > tolerance
    wrong = apart & (prediction.forces[place[one]] == prediction.forces[place[other]]).all(
        axis=(1, 2)
    )
    if not wrong.any():
        return None
    repeated = round(len(others) * float(wrong.mean()))
    energies = prediction.energies
    stale = int((energies[place[one]] != energies[place[other]])[wrong].sum())
    evidence: dict[str, Evidence] = {
        "frames": repeated,
        "scored": len(rows),
        "different": len(first),
        "stale": stale,
    }
    pair = f"frame_id {test.ids[one[wrong][0]]} those of {test.ids[other[wrong][0]]}"
    found = f"exactly the forces of another frame in {repeated} of {len(rows)} frames ({pair})"
    if len(first) == 1:
        found = f"exactly the same forces in all of {len(rows)} frames"
    if stale and len(first) > 1:
        return Finding.error(
            "equal-forces",
            expected="the forces of each frame",
            found=f"{found}, beside another energy, where the reference's forces differ",
            remedy="predict these frames again, and look whether the loop that saves forces keeps "
            "those of the frame before",
            evidence=evidence,
        )
    return Finding.warning(
        "equal-forces",
        expected="the forces of each frame",
        found=f"{found}, where the reference's forces differ",
        remedy="look whether the model gives one answer for many frames; nothing is to be done if "
        "it is like that",
        evidence=evidence,
    )
