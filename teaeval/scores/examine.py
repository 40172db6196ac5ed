"""One look at a prediction: every check, and its errors frame by frame."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from teadata import Dataset
from teadata.stored_frames import AnyFrames
from teadata.typing import Ints
from teaeval.checks import energies, geometry, order, scale, structure
from teaeval.checks.sample import draw
from teaeval.engines import Engine, Threads
from teaeval.metrics.one_pass import Compared, frame_errors_of
from teaeval.predictions.findings import Finding
from teaeval.predictions.prediction import Prediction

FAILED = ("missing-frames", "not-finite-energy", "not-finite-forces")
"""Findings that say that frames have no prediction."""


def failures_allowed(found: Examined) -> list[Finding]:
    """Findings, in which failed frames are warnings as long as some did not fail."""
    if found.compared is None or not found.compared.scored.any():
        return found.findings
    return [
        replace(item, severity="warning") if item.code in FAILED else item
        for item in found.findings
    ]


@dataclass(frozen=True, eq=False)
class Examined:
    """What one look at a prediction finds.

    Parameters
    ----------
    test_rows
        (N,) row of the test set for each predicted frame; −1 where there is none.
    findings
        Everything that is wrong.
    compared
        Its errors, frame by frame; None where shapes forbid to compare.
    """

    test_rows: Ints
    findings: list[Finding]
    compared: Compared | None


def check(
    prediction: Prediction, dataset: Dataset, engine: Engine | None = None
) -> tuple[Ints, list[Finding]]:
    """Check a prediction against the test set it is for.

    Parameters
    ----------
    prediction
        What was predicted.
    dataset
        The dataset it names.
    engine
        What works on pieces of it; by default this machine's cores.

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
    return check_against(prediction, dataset.test_set(prediction.subset), dataset, engine)


def check_against(
    prediction: Prediction, test: AnyFrames, dataset: Dataset, engine: Engine | None = None
) -> tuple[Ints, list[Finding]]:
    """:func:`check` against a test set that is at hand already."""
    found = examine(prediction, test, dataset, engine or Threads())
    return found.test_rows, found.findings


def examine(
    prediction: Prediction,
    test: AnyFrames,
    dataset: Dataset,
    engine: Engine,
    *,
    block: int = 1,
    details: bool = False,
) -> Examined:
    """Check a prediction and compare it with the test set, in one pass over its forces.

    Parameters
    ----------
    prediction, test, dataset
        What was predicted, the test set it is for, and the dataset that this is of.
    engine
        What works on pieces of it.
    block
        Frames whose errors are put together, a power of two.
    details
        Whether the pass also looks at what :mod:`teaeval.metrics.force_distribution` reports.
    """
    findings = structure.shapes(prediction, test.n_atoms)
    if findings:
        return Examined(np.full(np.size(prediction.energies), -1), findings, None)
    rows, findings = structure.rows(prediction, test, engine)
    findings += structure.coverage(prediction, test, rows, dataset)
    place = np.full(len(test), -1)
    place[rows[rows >= 0]] = np.flatnonzero(rows >= 0)
    groups = dataset.card.groups
    compared = frame_errors_of(
        prediction, test, place, groups, engine, block=block, details=details
    )
    suspects = place[~compared.scored]
    findings += structure.finite(prediction, suspects[suspects >= 0])
    findings = geometry.explain(prediction, test, rows, findings)
    return Examined(rows, findings + _diagnoses(prediction, test, rows, findings), compared)


def _diagnoses(
    prediction: Prediction, test: AnyFrames, rows: Ints, findings: list[Finding]
) -> list[Finding]:
    """What the values themselves tell, compared with the reference.

    Each diagnosis that finds something passes its sample on mended, so that a second fault
    shows behind the first.
    """
    sample = draw(prediction, test, rows)
    if sample is None:
        return []
    found: list[Finding] = []
    for diagnose in (order.shuffled_frames, order.permuted_atoms, order.rotated_forces):
        item, sample = diagnose(sample, test)
        if item is not None:
            found.append(item)
    known = {item.code for item in findings}
    found = [item for item in found if item.code not in known]
    scales, sample = scale.diagnose(sample, prediction.source, test.numbers)
    return found + scales + energies.diagnose(sample)
