"""Explain why the positions in a prediction file match no frame of the test set."""

from __future__ import annotations

import numpy as np

from teadata import units
from teadata.stored_frames import AnyFrames
from teadata.typing import Floats, Ints
from teaeval.checks.sample import evenly
from teaeval.checks.structure import POSITION_TOLERANCE
from teaeval.predictions.findings import Finding
from teaeval.predictions.prediction import Prediction

FRAMES = 50
"""Number of frames whose geometries are compared."""


def explain(
    prediction: Prediction, test: AnyFrames, rows: Ints, findings: list[Finding]
) -> list[Finding]:
    """Add the reason why positions match no frame to the findings, if it can be told.

    Frames are taken for those their ids name, or else for the test set's in its order.
    """
    codes = {item.code for item in findings}
    if prediction.positions is None or not codes & {"extra-frames", "shuffled-frames"}:
        return findings
    if "not-finite-positions" in codes:
        return findings
    known = rows
    if prediction.frame_ids is None:
        if len(rows) != len(test):
            return findings
        known = np.arange(len(rows))
    known_frames = np.flatnonzero(known >= 0)
    picked = known_frames[evenly(len(known_frames), FRAMES)]
    if len(picked) == 0:
        return findings
    positions, reference = prediction.positions[picked], test.positions[known[picked]]
    cause = _unit_of_positions(prediction, positions, reference) or _permuted(positions, reference)
    if cause is None:
        return findings
    # Drop the findings that follow from this cause.
    explained = {"shuffled-frames"}
    if prediction.frame_ids is None:
        explained |= {"extra-frames", "missing-frames"}
    return [item for item in findings if item.code not in explained] + [cause]


def _unit_of_positions(
    prediction: Prediction, positions: Floats, reference: Floats
) -> Finding | None:
    """Error if positions are the reference's in another length unit."""
    declared = prediction.source.get("length_unit", "Å")
    ratio = float(np.linalg.norm(positions) / np.linalg.norm(reference))
    for unit in units.LENGTH_UNITS:
        factor = units.length_factor(declared) / units.length_factor(unit)
        if unit == declared or not np.abs(positions / factor - reference).max() < 0.01:
            continue
        return Finding.error(
            "unit-of-positions",
            expected=f"positions in {declared}, as declared",
            found=f"those of the dataset times {ratio:.5g}, as values in {unit} would be",
            remedy=f"declare {unit}, or convert the values",
            evidence={"unit": unit, "factor": factor, "ratio": ratio},
        )
    return None


def _permuted(positions: Floats, reference: Floats) -> Finding | None:
    """Error if positions are the reference's with the atoms in another order."""
    distance = np.linalg.norm(positions[0][:, None] - reference[0][None], axis=-1)
    belongs = distance.argmin(axis=1)
    moved = int((belongs != np.arange(len(belongs))).sum())
    if moved == 0 or not np.array_equal(np.sort(belongs), np.arange(len(belongs))):
        return None
    if np.abs(positions - reference[:, belongs]).max() > POSITION_TOLERANCE:
        return None
    return Finding.error(
        "permuted-positions",
        expected="positions in the dataset's order of atoms",
        found=f"{moved} of {len(belongs)} atoms in another place, in all of {len(positions)} "
        "frames that were looked at",
        remedy="reorder the atoms of positions, and those of forces with them, as in "
        "Frames.numbers",
        evidence={
            "atoms": moved,
            "frames": len(positions),
            "belongs": tuple(int(i) for i in belongs),
        },
    )
