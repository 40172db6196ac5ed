"""What a prediction consists of: shapes, frames, atoms, finite numbers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from teadata import Dataset, Frames
from teaeval.findings import Finding
from teaeval.prediction import Prediction

Ints = NDArray[np.int64]

POSITION_TOLERANCE = 1e-3
"""Two geometries are one if no coordinate differs by more, in Å."""

BLOCK = 2_000_000
"""Values that are looked at together where a whole array must be."""


def shapes(prediction: Prediction, atoms: int) -> list[Finding]:
    """Findings about arrays whose shapes do not belong together."""
    if prediction.energies.ndim != 1:
        return [
            Finding.error(
                "shape-of-energy",
                expected="shape (N,) for N frames",
                found=f"shape {prediction.energies.shape}",
                remedy="save energy as one value per frame",
            )
        ]
    count = len(prediction.energies)
    per_atom = "one row of three components per atom, for each frame"
    expected = {
        "forces": (prediction.forces, (count, atoms, 3), per_atom),
        "positions": (prediction.positions, (count, atoms, 3), per_atom),
        "frame_id": (prediction.frame_ids, (count,), "one integer per frame"),
        "numbers": (prediction.numbers, (atoms,), "one integer per atom"),
    }
    findings = []
    for name, (array, shape, meaning) in expected.items():
        if array is None or array.shape == shape:
            continue
        remedy = f"save {name} as {meaning}"
        if sorted(array.shape) == sorted(shape):
            remedy = "the axes are swapped: reorder them with numpy.transpose"
        findings.append(
            Finding.error(
                f"shape-of-{name}",
                expected=f"shape {shape} for {count} energies of {atoms} atoms",
                found=f"shape {array.shape}",
                remedy=remedy,
            )
        )
    return findings


def match_positions(positions: np.ndarray, reference: np.ndarray) -> Ints:
    """For each frame, the row of the reference frame with the same positions, or −1.

    Parameters
    ----------
    positions, reference
        (N, A, 3) and (M, A, 3) in Å, with the atoms in the same order.
    """
    flat = positions.reshape(len(positions), -1)
    known = reference.reshape(len(reference), -1)
    if flat.shape == known.shape and (np.abs(flat - known) <= POSITION_TOLERANCE).all():
        return np.arange(len(flat))
    half_norm = 0.5 * np.einsum("ij,ij->i", known, known)
    rows = np.concatenate(
        [
            (half_norm - flat[i : i + 1024] @ known.T).argmin(axis=1)
            for i in range(0, len(flat), 1024)
        ]
        or [np.empty(0, dtype=np.int64)]
    )
    same = np.abs(known[rows] - flat).max(axis=1, initial=0.0) <= POSITION_TOLERANCE
    return np.where(same, rows, -1)


def rows(prediction: Prediction, test: Frames) -> tuple[Ints, list[Finding]]:
    """Row of the test set for each predicted frame, −1 where there is none."""
    findings = []
    if prediction.numbers is not None and not np.array_equal(prediction.numbers, test.numbers):
        findings.append(
            Finding.error(
                "atom-order",
                expected=f"atoms in the dataset's order, {' '.join(test.symbols[:8])} …",
                found=f"{int((prediction.numbers != test.numbers).sum())} of {test.n_atoms} atoms "
                "have another atomic number",
                remedy="reorder the atoms of forces as in Frames.numbers",
            )
        )
    by_position = None
    if prediction.positions is not None and np.isfinite(prediction.positions).all():
        by_position = match_positions(prediction.positions, test.positions)
    if prediction.frame_ids is None:
        rows = np.full(len(prediction.energies), -1) if by_position is None else by_position
        return rows, findings
    rows = test.find(prediction.frame_ids)
    if by_position is not None and not findings:
        wrong = (rows >= 0) & (rows != by_position)
        if wrong.any():
            findings.append(
                Finding.error(
                    "shuffled-frames",
                    expected=f"positions within {POSITION_TOLERANCE} Å of the frame that each "
                    "frame_id names",
                    found=f"other positions for {int(wrong.sum())} of {len(rows)} frames, the "
                    f"first is frame_id {prediction.frame_ids[wrong][0]}",
                    remedy="save frame_id in the order of energy, forces and positions",
                )
            )
    return rows, findings


def _example(values: np.ndarray) -> str:
    return ", ".join(str(value) for value in values[:3]) + (", …" if len(values) > 3 else "")


def coverage(prediction: Prediction, test: Frames, rows: Ints, dataset: Dataset) -> list[Finding]:
    """Findings about frames that are missing, not of the test set, or there twice."""
    name = f"{dataset.card.id} {prediction.subset}/test"
    findings = []
    extra = np.flatnonzero(rows < 0)
    if len(extra):
        where = "positions match none of its frames"
        if prediction.frame_ids is not None:
            strangers = prediction.frame_ids[extra]
            where = f"frame_id {_example(strangers)}"
            for (subset, role), ids in dataset.splits.members.items():
                if np.isin(strangers, ids).all():
                    where += f", which are frames of {subset}/{role}"
                    break
        findings.append(
            Finding.error(
                "extra-frames",
                expected=f"only frames of {name} ({len(test)} frames)",
                found=f"{len(extra)} others: {where}",
                remedy="predict the frames of this test set, in the dataset's own units and "
                "atom order, and check --subset",
            )
        )
    values, counts = np.unique(rows[rows >= 0], return_counts=True)
    missing = np.setdiff1d(np.arange(len(test)), values)
    if len(missing):
        findings.append(
            Finding.error(
                "missing-frames",
                expected=f"all {len(test)} frames of {name}",
                found=f"{len(values)}; {len(missing)} missing: frame_id "
                f"{_example(test.ids[missing])}",
                remedy="predict every frame of the test set; none may be left out of a score",
            )
        )
    if (counts > 1).any():
        findings.append(
            Finding.error(
                "duplicate-frames",
                expected="each frame once",
                found=f"{int((counts > 1).sum())} frames more than once: frame_id "
                f"{_example(test.ids[values[counts > 1]])}",
                remedy="keep one prediction per frame",
            )
        )
    return findings


def finite(prediction: Prediction) -> list[Finding]:
    """Findings about NaN and infinities."""
    findings = []
    for name, array in (
        ("energy", prediction.energies),
        ("forces", prediction.forces),
        ("positions", prediction.positions),
    ):
        if array is None:
            continue
        nan, infinite, frames = _not_finite(array)
        if len(frames) == 0:
            continue
        findings.append(
            Finding.error(
                f"not-finite-{name}",
                expected="finite numbers",
                found=f"{nan} NaN and {infinite} infinite values in {len(frames)} frames, the "
                f"first in row {frames[0]}",
                remedy="mend the model or its evaluation; a frame may not be left out instead",
                evidence={"nan": nan, "infinite": infinite, "frames": len(frames)},
            )
        )
    return findings


def _not_finite(array: np.ndarray) -> tuple[int, int, Ints]:
    """Number of NaN and of infinite values, and the frames they are in; block by block."""
    nan = infinite = 0
    frames = []
    step = max(1, BLOCK // max(1, array[:1].size))
    for start in range(0, len(array), step):
        block = array[start : start + step]
        wrong = ~np.isfinite(block)
        if wrong.any():
            nan += int(np.isnan(block).sum())
            infinite += int(np.isinf(block).sum())
            frames.append(start + np.flatnonzero(wrong.reshape(len(block), -1).any(axis=1)))
    return nan, infinite, np.concatenate(frames) if frames else np.empty(0, dtype=np.int64)
