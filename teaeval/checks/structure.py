"""Check shapes, frames, atoms, and that all numbers are finite."""

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
"""Two geometries are the same if no coordinate differs by more than this, in Å."""

STRIDE = 1024
"""Number of frames that are looked up at a time."""

SOUGHT = 64
"""Number of frames that are looked up in the whole test set before all are."""


def shapes(prediction: Prediction, atoms: int) -> list[Finding]:
    """Find arrays whose shapes do not fit each other."""
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
    """Whether the two geometries of each frame are the same, and whether the first is finite."""
    positions, expected = piece[0][:], piece[1][:]
    finite = np.asarray(np.isfinite(positions).reshape(len(positions), -1).all(axis=1))
    with np.errstate(invalid="ignore"):
        close = np.abs(positions - expected) <= POSITION_TOLERANCE
    return np.asarray(close.reshape(len(positions), -1).all(axis=1)), finite


def compare_positions(
    positions: Floats | StoredArray,
    reference: Floats | StoredArray,
    rows: Ints,
    engine: Engine,
) -> tuple[Flags, Flags]:
    """Whether each frame equals the reference frame at its row, and whether it is finite.

    Both are (N,).

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
    """Find the row of the reference frame with the same positions, −1 if there is none.

    Each frame is compared with the reference frame at its own row first, and with all others
    only if it is not that one.

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
    # If none of a few is found (another unit?), the others are not looked up either.
    some = lost[evenly(len(lost), SOUGHT)]
    rows[some] = _look_for(positions[some], reference)
    if (rows[some] >= 0).any():
        for start in range(0, len(lost), STRIDE):
            part = lost[start : start + STRIDE]
            rows[part] = _look_for(positions[part], reference)
    return rows, finite


def _look_for(positions: Floats, reference: Floats | StoredArray) -> Ints:
    """Find each frame among all reference frames by products of matrices; −1 where it is none."""
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
    """Find the row of the test set of each predicted frame, −1 if none; check positions."""
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
    """Find frames that are missing, not in the test set, or given twice."""
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
    """Find NaN and infinite values in energies and forces.

    Parameters
    ----------
    prediction
        What was predicted.
    suspects
        Rows whose forces may be such; no others are looked at.
    """
    findings = []
    energies = np.flatnonzero(~np.isfinite(prediction.energies))
    if len(energies):
        findings.append(_not_finite("energy", prediction.energies, energies))
    forces = [
        part[~np.isfinite(prediction.forces[part]).all(axis=(1, 2))]
        for part in np.array_split(suspects, 1 + len(suspects) // STRIDE)
    ]
    rows = np.sort(np.concatenate(forces))
    if len(rows):
        findings.append(_not_finite("forces", prediction.forces, rows))
    return findings


def _not_finite(name: str, array: Floats | StoredArray, rows: Ints) -> Finding:
    """Make the finding about an array with NaN or infinite values in these rows."""
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
