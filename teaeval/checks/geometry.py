"""Explain why the positions in a prediction file match no frame of the test set.

A shift of whole frames and atoms wrapped into the cell hide nothing of this.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from teadata import units
from teadata.stored_frames import AnyFrames
from teadata.typing import Floats, Ints
from teaeval.checks.positions import POSITION_TOLERANCE, in_any_order, look_for, same_geometry
from teaeval.checks.sample import evenly
from teaeval.predictions.findings import Finding
from teaeval.predictions.places import Places
from teaeval.predictions.prediction import Prediction

FRAMES = 50
"""Number of frames whose geometries are compared."""

LOOSE = 0.01
"""Geometries that were converted are the same if no coordinate differs by more than this, in Å."""


def explain(
    prediction: Prediction, test: AnyFrames, places: Places, findings: list[Finding]
) -> list[Finding]:
    """Add the reason why positions match no frame to the findings, if it can be told.

    Frames are taken for those their ids name, or else for the test set's in its order, or for those
    that have the same coordinates in some unit, in whatever order of the atoms.
    """
    codes = {item.code for item in findings}
    if prediction.positions is None or not codes & {"extra-frames", "shuffled-frames"}:
        return findings
    if "not-finite-positions" in codes:
        return findings
    cause, rows = None, places.rows
    if prediction.frame_ids is not None:
        cause = _cause(prediction, test, rows)
    elif len(rows) == len(test):
        cause = _cause(prediction, test, np.arange(len(rows)))
    if cause is None and prediction.frame_ids is None:
        cause = _cause(prediction, test, _in_any_order(prediction, test, rows))
    if cause is None:
        return findings
    # Drop the findings that follow from this cause.
    explained = {"shuffled-frames"}
    if prediction.frame_ids is None:
        explained |= {"extra-frames", "missing-frames"}
    return [item for item in findings if item.code not in explained] + [cause]


def _cause(prediction: Prediction, test: AnyFrames, known: Ints) -> Finding | None:
    """The reason why positions are not those of the test frames in these rows (N,); −1: none."""
    known_frames = np.flatnonzero(known >= 0)
    picked = known_frames[evenly(len(known_frames), FRAMES)]
    if len(picked) == 0 or prediction.positions is None:
        return None
    places = known[picked]
    pair = _Pair(
        prediction.positions[picked],
        test.positions[places],
        None if test.cell is None else test.cell[places],
        test.pbc,
    )
    if pair.same(pair.positions, LOOSE):  # these are right, whatever is wrong with the others
        return None
    declared = prediction.source.get("length_unit", "Å")
    cause = _unit_of_positions(pair, declared) or _fractional(pair) or _wrapped(pair)
    return cause or _permuted(pair) or _turned(pair)


def _in_any_order(prediction: Prediction, test: AnyFrames, rows: Ints) -> Ints:
    """Test frame with the same coordinates as some of the lost ones, in some unit; else −1."""
    known = np.full(len(rows), -1)
    lost = np.flatnonzero(rows < 0)
    picked = lost[evenly(len(lost), FRAMES)]
    if prediction.positions is None:
        return known
    positions = prediction.positions[picked]
    declared = units.length_factor(prediction.source.get("length_unit", "Å"))
    for factor in dict.fromkeys([1.0, *(declared / f for f in units.LENGTH_UNITS.values())]):
        known[picked] = look_for(positions / factor, test.positions, in_any_order)
        if (known >= 0).any():
            break
    return known


class _Pair(NamedTuple):
    """Geometries (n, A, 3) that were given and those they should be, and the latter's cells."""

    positions: Floats
    reference: Floats
    cell: Floats | None
    pbc: NDArray[np.bool_]

    def same(self, positions: Floats, tolerance: float) -> bool:
        """Whether these are the reference's, but for a shift and lattice vectors."""
        found = same_geometry(positions, self.reference, self.cell, self.pbc, tolerance)
        return bool(found.all())


def _unit_of_positions(pair: _Pair, declared: str) -> Finding | None:
    """Error if positions are the reference's in another length unit."""
    for unit in units.LENGTH_UNITS:
        factor = units.length_factor(declared) / units.length_factor(unit)
        if unit == declared or not pair.same(pair.positions / factor, LOOSE):
            continue
        return Finding.error(
            "unit-of-positions",
            expected=f"positions in {declared}, as declared",
            found=f"those of the dataset times {factor:.5g}, as values in {unit} would be",
            remedy=f"declare {unit}, or convert the values",
            evidence={"unit": unit, "factor": factor},
        )
    return None


def _fractional(pair: _Pair) -> Finding | None:
    """Error if positions are multiples of the cell vectors."""
    if pair.cell is None or not pair.same(pair.positions @ pair.cell, LOOSE):
        return None
    return Finding.error(
        "fractional-positions",
        expected="Cartesian positions",
        found="those of the dataset as multiples of the cell vectors",
        remedy="multiply them by the cell of their frame (positions @ cell), or leave positions "
        "out and save frame_id",
        evidence={"frames": len(pair.positions)},
    )


def _wrapped(pair: _Pair) -> Finding | None:
    """Error if atoms are wrapped into a rectangular cell that the test set does not have."""
    if pair.cell is not None:
        return None
    moves = pair.positions - pair.reference
    moves = moves - np.sort(moves, axis=1)[:, [moves.shape[1] // 2]]  # of a frame as a whole
    edges = np.abs(moves).max(axis=(0, 1))
    if edges.max() < 1.0:
        return None
    edges = np.where(edges < LOOSE, np.inf, edges)
    if np.minimum(np.abs(moves), np.abs(np.abs(moves) - edges)).max() > LOOSE:
        return None
    size = " × ".join("–" if np.isinf(edge) else f"{edge:.4g}" for edge in edges)
    return Finding.error(
        "wrapped-positions",
        expected="positions of the test set, which has no cell",
        found=f"the same but for whole vectors of a cell of {size} Å, into which atoms are wrapped",
        remedy="write the positions that the model was given, before they were wrapped; or leave "
        "them out and save frame_id",
        evidence={"frames": len(pair.positions), "cell": size},
    )


def _centred(positions: Floats) -> Floats:
    """Positions about the centre of their frame."""
    centred: Floats = positions - positions.mean(axis=1, keepdims=True)
    return centred


def _permuted(pair: _Pair) -> Finding | None:
    """Error if positions are the reference's with the atoms in another order."""
    positions, reference = _centred(pair.positions), _centred(pair.reference)
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


def _turned(pair: _Pair) -> Finding | None:
    """Error if each frame is the reference's, turned or mirrored by a matrix of its own."""
    positions, reference = _centred(pair.positions), _centred(pair.reference)
    left, _, right = np.linalg.svd(positions.transpose(0, 2, 1) @ reference)
    if np.abs(positions @ (left @ right) - reference).max() > LOOSE:
        return None
    return Finding.error(
        "turned-positions",
        expected="positions in the dataset's orientation",
        found=f"the same geometries turned, each by itself, in all of {len(positions)} frames that "
        "were looked at",
        remedy="predict the frames in the orientation they have: forces turn with them",
        evidence={"frames": len(positions)},
    )
