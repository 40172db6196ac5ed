"""Check shapes, frames, atoms, and that all numbers are finite."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from teadata import Dataset, catalog
from teadata.arrays import StoredArray
from teadata.errors import TeaError
from teadata.lookup import find_rows
from teadata.stored_frames import AnyFrames
from teadata.typing import Floats, Ints
from teaeval.checks import positions
from teaeval.checks.positions import POSITION_TOLERANCE, Match
from teaeval.engines import Engine
from teaeval.predictions.fields import unidentified
from teaeval.predictions.findings import Finding
from teaeval.predictions.places import Places
from teaeval.predictions.prediction import Prediction

STRIDE = 1024
"""Number of frames that are read at a time."""

FAILED = ("missing-frames", "not-finite-energy", "not-finite-forces")
"""Findings that say that frames have no prediction."""

ALLOWED = "; teaeval score --allow-failed scores the others, and says that the score is incomplete"
"""How their remedies end, unless no other frame is left."""


def none_left(findings: Sequence[Finding]) -> list[Finding]:
    """The findings about a prediction of which no frame can be scored."""
    return [
        replace(
            item,
            found=f"{item.found}: no frame is left to score",
            remedy=item.remedy.removesuffix(ALLOWED),
        )
        if item.code in FAILED
        else item
        for item in findings
    ]


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
        elif array.shape[1:] == shape[1:] and name != "numbers":
            remedy = f"save {name} and energy of the same frames, {meaning}"
        elif len(array.shape) == 3 and array.shape[0] == count and array.shape[2] == 3:
            remedy = (
                f"these are frames of {array.shape[1]} atoms: say which dataset they are of, or "
                f"save {name} of all {atoms} atoms"
            )
        findings.append(
            Finding.error(
                f"shape-of-{name}",
                expected=f"shape {shape} for {count} energies of {atoms} atoms",
                found=f"shape {array.shape}",
                remedy=remedy,
            )
        )
    return findings


def places(prediction: Prediction, test: AnyFrames, engine: Engine) -> tuple[Places, list[Finding]]:
    """Find which frame of the test set each predicted frame is; check positions."""
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
    ids, count = prediction.frame_ids, len(prediction.energies)
    if ids is None and (prediction.positions is None or not count):
        return Places.of(np.full(count, -1), len(test)), findings
    if ids is None:
        assert prediction.positions is not None
        match = positions.match(prediction.positions, test, engine)
    else:
        found = Places.of(find_rows(test.ids, ids), len(test))
        if prediction.positions is None or not count:
            return found, findings
        match = positions.compare(prediction.positions, test, found, engine)
        if len(match.elsewhere) and not len(match.infinite) and not findings:
            findings.append(_misplaced(ids[match.elsewhere], count))
    if len(match.moved):
        findings.append(_moved(match, test))
    if len(match.infinite):
        findings.append(_not_finite("positions", prediction.positions, match.infinite))
    return match.places, findings


def _moved(match: Match, test: AnyFrames) -> Finding:
    """Frames with the geometry of the test set's, but not its coordinates."""
    frames, count = len(match.moved), match.places.predicted
    how = "wrapped into the cell, or shifted as a whole" if test.pbc.any() else "shifted as a whole"
    return Finding.warning(
        "moved-positions",
        expected=f"the dataset's positions within {POSITION_TOLERANCE} Å",
        found=f"those of {frames} of {count} frames {how}, the first is frame_id "
        f"{test.ids[match.places[match.moved[:1]]][0]}; all atoms are where the dataset has them "
        "but for that",
        remedy="nothing is to be done: energies and forces are those of the same geometry",
        evidence={"frames": frames, "count": count},
    )


def _misplaced(ids: Ints, count: int) -> Finding:
    """Frames whose positions are not those that their ids name."""
    return Finding.error(
        "shuffled-frames",
        expected=f"positions within {POSITION_TOLERANCE} Å of the frame that each frame_id names, "
        "but for lattice vectors and a shift of the whole",
        found=f"other positions for {len(ids)} of {count} frames, the first is frame_id {ids[0]}",
        remedy="save frame_id in the order of energy, forces and positions",
    )


def _example(values: np.ndarray) -> str:
    return ", ".join(str(value) for value in values[:3]) + (", …" if len(values) > 3 else "")


def coverage(
    prediction: Prediction, test: AnyFrames, places: Places, dataset: Dataset | None
) -> list[Finding]:
    """Find frames that are missing, not in the test set, or given twice.

    Without a dataset, the test set is a reference file.
    """
    if prediction.frame_ids is None and prediction.positions is None and places.predicted:
        return unidentified(())
    name = "the reference" if dataset is None else f"{dataset.card.id} {prediction.subset}/test"
    findings = []
    missing, twice = places.missing, places.twice
    strange = len(places.extra) or len(missing)
    version = _other_version(prediction, dataset) if strange else ""
    if len(places.extra):
        findings.append(_extra(prediction, places.extra, dataset, name, len(test), version))
    if len(missing):
        findings.append(
            Finding.error(
                "missing-frames",
                expected=f"all {len(test)} frames of {name}",
                found=f"{len(test) - len(missing)}; {len(missing)} missing: frame_id "
                f"{_example(test.ids[missing[:4]])}",
                remedy=f"{version}predict every frame of the test set{ALLOWED}",
            )
        )
    if len(twice):
        findings.append(
            Finding.error(
                "duplicate-frames",
                expected="each frame once",
                found=f"{len(twice)} frames more than once: frame_id "
                f"{_example(test.ids[twice[:4]])}",
                remedy="keep one prediction per frame",
            )
        )
    return findings


def _extra(
    prediction: Prediction,
    extra: Ints,
    dataset: Dataset | None,
    name: str,
    frames: int,
    version: str,
) -> Finding:
    """The finding that rows `extra` are not in a test set, of this name and number of frames."""
    if prediction.frame_ids is None:
        where = "positions match none of its frames"
        wrapped = "if atoms are wrapped into a cell, add frame_id, or keep the test set's order; "
    else:
        strangers, wrapped = prediction.frame_ids[extra], ""
        where = f"frame_id {_example(strangers)}"
        members = {} if dataset is None else dataset.splits.members
        for (subset, role), ids in members.items():
            if np.isin(strangers, ids).all():
                where += f", which are frames of {subset}/{role}"
                break
    if dataset is None:
        wanted = "of the reference, in the units and atom order declared, and no others"
    else:
        wanted = "of this test set, in the dataset's own units and atom order, and check --subset"
    return Finding.error(
        "extra-frames",
        expected=f"only frames of {name} ({frames} frames)",
        found=f"{len(extra)} others: {where}",
        remedy=f"{version}{wrapped}predict the frames {wanted}",
    )


def _other_version(prediction: Prediction, dataset: Dataset | None) -> str:
    """The remedy for a prediction of another version of the dataset that is here, or nothing."""
    if dataset is None or prediction.frame_ids is None:
        return ""
    card, ids = dataset.card, prediction.frame_ids[:]
    for name in (one for one in catalog.here() if one.partition("@")[0] == card.id):
        try:
            other = catalog.load(name)
            tested = other.splits.members.get((prediction.subset, "test"))
        except TeaError:
            continue
        full = other.card.full_id
        if full != card.full_id and tested is not None and not len(np.setxor1d(tested, ids)):
            return f"its frames are the test set of {full}: score it with --dataset {full}, or "
    return ""


def finite(prediction: Prediction, suspects: Ints, unused: Ints) -> list[Finding]:
    """Find NaN and infinite values in energies and forces.

    Parameters
    ----------
    prediction
        What was predicted.
    suspects
        Rows whose energy or forces may be such.
    unused
        Rows that were compared with nothing, whose energies may be such.
    """
    findings = []
    rows = np.sort(np.concatenate([suspects, unused]))
    energies = rows[~np.isfinite(prediction.energies[rows])]
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
        remedy=f"mend the model or its evaluation{ALLOWED}",
        evidence={"nan": nan, "infinite": infinite, "frames": len(rows)},
    )
