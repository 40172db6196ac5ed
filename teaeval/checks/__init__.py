"""Checks of a prediction against the test set it is for.

Every problem is reported at once, each with what was expected, what was found, the remedy,
and the numbers behind it.  An error stops the scoring; a warning is kept in the score.  No
check changes the prediction.
"""

from __future__ import annotations

import numpy as np

from teadata import Dataset, Frames
from teaeval.checks import energies, geometry, order, scale, structure
from teaeval.checks.sample import draw
from teaeval.checks.structure import Ints, match_positions
from teaeval.findings import Finding
from teaeval.prediction import Prediction

__all__ = ["check", "check_against", "match_positions"]


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
    findings = structure.shapes(prediction, test.n_atoms)
    if findings:
        return np.full(np.size(prediction.energies), -1), findings
    rows, findings = structure.rows(prediction, test)
    findings += structure.coverage(prediction, test, rows, dataset)
    findings += structure.finite(prediction)
    findings = geometry.explain(prediction, test, rows, findings)
    return rows, findings + _diagnoses(prediction, test, rows, findings)


def _diagnoses(
    prediction: Prediction, test: Frames, rows: Ints, findings: list[Finding]
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
