"""What a prediction consists of: shapes, frames, atoms, finite numbers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from teadata import Dataset
from teadata.arrays import StoredArray
from teadata.arrays.stored_array import rows_taken
from teadata.stored_frames import AnyFrames
from teadata.typing import Floats, Ints
from teaeval.checks.sample import evenly
from teaeval.engines import Engine, slices
from teaeval.predictions.findings import Finding
from teaeval.predictions.prediction import Prediction

Flags = NDArray[np.bool_]

POSITION_TOLERANCE = 1e-3
"""Two geometries are one if no coordinate differs by more, in Å."""

STRIDE = 1024
"""Frames that are looked at together where some are picked out."""

SOUGHT = 64
"""Frames that are looked for in the whole test set before all are."""


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


def _same(piece: tuple[Floats | StoredArray, Floats | StoredArray]) -> tuple[Flags, Flags]:
    """For each frame of a piece: are two geometries one, and is the first finite?"""
    found, expected = piece[0][:], piece[1][:]
    finite = np.asarray(np.isfinite(found).reshape(len(found), -1).all(axis=1))
    with np.errstate(invalid="ignore"):
        close = np.abs(found - expected) <= POSITION_TOLERANCE
    return np.asarray(close.reshape(len(found), -1).all(axis=1)), finite


def compare_positions(
    positions: Floats | StoredArray,
    reference: Floats | StoredArray,
    rows: Ints,
    engine: Engine,
) -> tuple[Flags, Flags]:
    """Whether each frame is the reference frame at its row, and whether it is finite, (N,) each.

    Parameters
    ----------
    positions, reference
        (N, A, 3) and (M, A, 3) in Å, with the atoms in the same order.
    rows
        (N,) row of the reference for each frame; −1 where there is none.
    engine
        What works on the pieces.
    """
    pieces = [
        (rows_taken(positions, np.arange(part.start, part.stop)), rows_taken(reference, rows[part]))
        for part in slices(len(positions), positions.shape[1])
    ]
    results = list(engine.map(_same, pieces))
    near, finite = (np.concatenate(column) for column in zip(*results, strict=True))
    return near & (rows >= 0), finite


def match_positions(
    positions: Floats | StoredArray, reference: Floats | StoredArray, engine: Engine
) -> tuple[Ints, Flags]:
    """For each frame, the row of the reference frame with the same positions, or −1.

    Frames are looked for at their own row, and only those that are not there everywhere else.

    Parameters
    ----------
    positions, reference
        (N, A, 3) and (M, A, 3) in Å, with the atoms in the same order.
    engine
        What works on the pieces.

    Returns
    -------
    rows
        (N,).
    finite
        (N,) whether all positions of a frame are finite.
    """
    if len(positions) == 0:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.bool_)
    count = np.arange(len(positions))
    rows = np.where(count < len(reference), count, -1)
    there, finite = compare_positions(positions, reference, rows, engine)
    rows = np.where(there, rows, -1)
    lost = np.flatnonzero(~there & finite)
    if len(lost) == 0:
        return rows, finite
    # Where a few of them are nowhere, as in another unit, all are not looked for one by one.
    some = lost[evenly(len(lost), SOUGHT)]
    rows[some] = _look_for(positions[some], reference)
    if (rows[some] >= 0).any():
        for start in range(0, len(lost), STRIDE):
            part = lost[start : start + STRIDE]
            rows[part] = _look_for(positions[part], reference)
    return rows, finite


def _look_for(positions: Floats, reference: Floats | StoredArray) -> Ints:
    """Row of the reference that each frame is, −1 where it is none, by products of matrices."""
    flat = positions.reshape(len(positions), -1)
    best, rows = np.full(len(flat), np.inf), np.full(len(flat), -1)
    for part in slices(len(reference), reference.shape[1]):
        known = reference[part].reshape(-1, flat.shape[1])
        gap = 0.5 * np.einsum("ij,ij->i", known, known) - flat @ known.T
        nearest = gap.argmin(axis=1)
        value = gap[np.arange(len(flat)), nearest]
        better = value < best
        better[better] = (
            np.abs(known[nearest[better]] - flat[better]).max(axis=1, initial=0.0)
            <= POSITION_TOLERANCE
        )
        best[better], rows[better] = value[better], part.start + nearest[better]
    return rows


def rows(prediction: Prediction, test: AnyFrames, engine: Engine) -> tuple[Ints, list[Finding]]:
    """Row of the test set for each predicted frame, −1 where there is none; positions' findings."""
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
    ids = prediction.frame_ids
    rows = np.full(len(prediction.energies), -1) if ids is None else test.find(ids)
    if prediction.positions is None or len(rows) == 0:
        return rows, findings
    if ids is None:
        rows, finite = match_positions(prediction.positions, test.positions, engine)
    else:
        there, finite = compare_positions(prediction.positions, test.positions, rows, engine)
        wrong = (rows >= 0) & ~there
        if wrong.any() and finite.all() and not findings:
            findings.append(_misplaced(ids[wrong], len(rows)))
    if not finite.all():
        findings.append(_not_finite("positions", prediction.positions, np.flatnonzero(~finite)))
    return rows, findings


def _misplaced(ids: Ints, count: int) -> Finding:
    """Frames whose positions are not those that their ids name."""
    return Finding.error(
        "shuffled-frames",
        expected=f"positions within {POSITION_TOLERANCE} Å of the frame that each frame_id names",
        found=f"other positions for {len(ids)} of {count} frames, the first is frame_id {ids[0]}",
        remedy="save frame_id in the order of energy, forces and positions",
    )


def _example(values: np.ndarray) -> str:
    return ", ".join(str(value) for value in values[:3]) + (", …" if len(values) > 3 else "")


def coverage(
    prediction: Prediction, test: AnyFrames, rows: Ints, dataset: Dataset
) -> list[Finding]:
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
    counts = np.bincount(rows[rows >= 0], minlength=len(test))
    missing, twice = np.flatnonzero(counts == 0), np.flatnonzero(counts > 1)
    if len(missing):
        findings.append(
            Finding.error(
                "missing-frames",
                expected=f"all {len(test)} frames of {name}",
                found=f"{len(test) - len(missing)}; {len(missing)} missing: frame_id "
                f"{_example(test.ids[missing])}",
                remedy="predict every frame of the test set; none may be left out of a score",
            )
        )
    if len(twice):
        findings.append(
            Finding.error(
                "duplicate-frames",
                expected="each frame once",
                found=f"{len(twice)} frames more than once: frame_id {_example(test.ids[twice])}",
                remedy="keep one prediction per frame",
            )
        )
    return findings


def finite(prediction: Prediction, suspects: Ints) -> list[Finding]:
    """Findings about NaN and infinities in energies and forces.

    Parameters
    ----------
    prediction
        What was predicted.
    suspects
        Rows whose forces may be such; no others are looked at.
    """
    found = []
    energies = np.flatnonzero(~np.isfinite(prediction.energies))
    if len(energies):
        found.append(_not_finite("energy", prediction.energies, energies))
    forces = [
        part[~np.isfinite(prediction.forces[part]).all(axis=(1, 2))]
        for part in np.array_split(suspects, 1 + len(suspects) // STRIDE)
    ]
    rows = np.sort(np.concatenate(forces))
    if len(rows):
        found.append(_not_finite("forces", prediction.forces, rows))
    return found


def _not_finite(name: str, array: Floats | StoredArray, rows: Ints) -> Finding:
    """The finding about an array, of which these rows are not all finite."""
    nan = infinite = 0
    for start in range(0, len(rows), STRIDE):
        values = array[rows[start : start + STRIDE]]
        nan += int(np.isnan(values).sum())
        infinite += int(np.isinf(values).sum())
    return Finding.error(
        f"not-finite-{name}",
        expected="finite numbers",
        found=f"{nan} NaN and {infinite} infinite values in {len(rows)} frames, the first in row "
        f"{rows[0]}",
        remedy="mend the model or its evaluation; a frame may not be left out instead",
        evidence={"nan": nan, "infinite": infinite, "frames": len(rows)},
    )
