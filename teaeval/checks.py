"""Checks of a prediction against the test set it is for.

Every problem is reported at once, each with what was expected, what was found, and the
remedy.  An error stops the scoring; a warning is kept in the score.
"""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import NDArray

from teadata import Dataset, Frames, units
from teaeval.findings import Finding
from teaeval.prediction import Prediction

Ints = NDArray[np.int64]

POSITION_TOLERANCE = 1e-3
"""Two geometries are one if no coordinate differs by more, in Å."""

UNIT_R2 = 0.9
"""Share of the variance the reference must explain before a unit factor is diagnosed."""

UNIT_SLOPE = 0.05
"""Relative distance within which a slope is taken for a known unit factor."""


def _shapes(prediction: Prediction, atoms: int) -> list[Finding]:
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


def _rows(prediction: Prediction, test: Frames) -> tuple[Ints, list[Finding]]:
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


def _coverage(prediction: Prediction, test: Frames, rows: Ints, dataset: Dataset) -> list[Finding]:
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


def _finite(prediction: Prediction) -> list[Finding]:
    """Findings about NaN and infinities."""
    findings = []
    for name, array in (
        ("energy", prediction.energies),
        ("forces", prediction.forces),
        ("positions", prediction.positions),
    ):
        if array is None or np.isfinite(array).all():
            continue
        bad = ~np.isfinite(array)
        frames = np.flatnonzero(bad.reshape(len(array), -1).any(axis=1))
        findings.append(
            Finding.error(
                f"not-finite-{name}",
                expected="finite numbers",
                found=f"{int(np.isnan(array).sum())} NaN and {int(np.isinf(array).sum())} infinite "
                f"values in {len(frames)} frames, the first in row {frames[0]}",
                remedy="mend the model or its evaluation; a frame may not be left out instead",
            )
        )
    return findings


def _slope(predicted: np.ndarray, reference: np.ndarray) -> tuple[float, float]:
    """Slope and r² of predictions against reference values, both centred."""
    p = (predicted - predicted.mean()).ravel()
    r = (reference - reference.mean()).ravel()
    scale = float(np.abs(p).max())
    p = p / (scale or 1.0)  # squares of any finite prediction stay finite
    pr, pp, rr = float(p @ r), float(p @ p), float(r @ r)
    if pp == 0 or rr == 0:
        return 0.0, 0.0
    return scale * pr / rr, pr * pr / (pp * rr)


def _diagnose(slope: float, factors: dict[str, float]) -> str | None:
    """The unit whose factor a slope is, if it is nearer to one than to 1."""
    for name, factor in factors.items():
        if abs(slope / factor - 1) < UNIT_SLOPE < abs(factor - 1):
            return name
    return None


def _unit_factors(prediction: Prediction, test: Frames, rows: Ints) -> list[Finding]:
    """Findings about values that are another unit's than the one declared."""
    energy = prediction.source.get("energy_unit", "kcal/mol")
    length = prediction.source.get("length_unit", "Å")
    declared = units.force_factor(energy, length)
    force_factors = {
        f"{e}/{x}": declared / units.force_factor(e, x)
        for e, x in product(units.ENERGY_UNITS, units.LENGTH_UNITS)
    }
    energy_factors = {
        e: units.energy_factor(energy) / units.energy_factor(e) for e in units.ENERGY_UNITS
    }
    findings = []
    for name, declared_unit, predicted, reference, factors in (
        ("energy", energy, prediction.energies, test.energies[rows], energy_factors),
        ("forces", f"{energy}/{length}", prediction.forces, test.forces[rows], force_factors),
    ):
        slope, r2 = _slope(predicted, reference)
        if r2 < UNIT_R2:
            continue
        evidence = f"a slope of {slope:.4g} against the reference (r² = {r2:.3f})"
        unit = _diagnose(slope, factors)
        if unit is not None:
            findings.append(
                Finding.error(
                    f"unit-of-{name}",
                    expected=f"{name} in {declared_unit}, as declared",
                    found=f"{evidence}, as values in {unit} would have",
                    remedy=f"declare {unit}, or convert the values",
                )
            )
        elif name == "forces" and abs(slope + 1) < UNIT_SLOPE:
            findings.append(
                Finding.error(
                    "sign-of-forces",
                    expected="forces, the negative gradient of the energy",
                    found=f"{evidence}: the sign is flipped",
                    remedy="save forces, not gradients",
                )
            )
    return findings


def check(prediction: Prediction, dataset: Dataset) -> tuple[Ints, list[Finding]]:
    """Check a prediction against the test set it is for.

    Parameters
    ----------
    prediction
        What was predicted.
    dataset
        The dataset it names.

    Returns
    -------
    rows
        (N,) row of the test set for each predicted frame; −1 where there is none.
    findings
        Everything that is wrong.  No finding changes the prediction.

    Raises
    ------
    UsageError
        If the dataset has no such subset.
    """
    return check_against(prediction, dataset.split(f"{prediction.subset}/test"), dataset)


def check_against(
    prediction: Prediction, test: Frames, dataset: Dataset
) -> tuple[Ints, list[Finding]]:
    """:func:`check` against a test set that is at hand already."""
    findings = _shapes(prediction, test.n_atoms)
    if findings:
        return np.full(np.size(prediction.energies), -1), findings
    rows, findings = _rows(prediction, test)
    findings += _coverage(prediction, test, rows, dataset)
    not_finite = _finite(prediction)
    if not findings and not not_finite:
        findings += _unit_factors(prediction, test, rows)
    return rows, findings + not_finite
