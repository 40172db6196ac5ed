"""Check a prediction without scoring it."""

from __future__ import annotations

from typing import Unpack

from teadata.dataset import Dataset
from teadata.typing import Ints
from teaeval.engines import Engine
from teaeval.predictions.declaring import FileDeclarations
from teaeval.predictions.findings import Finding
from teaeval.predictions.reading import AnyFile
from teaeval.predictions.reference import Reference
from teaeval.scores.against import check_one_of_both, check_parts, opened_parts
from teaeval.scores.examine import AnyPrediction, check_against, loaded, opened


def check(
    prediction: AnyPrediction,
    dataset: Dataset | str | None = None,
    engine: Engine | None = None,
    *,
    reference: Reference | AnyFile | None = None,
    **declared: Unpack[FileDeclarations],
) -> tuple[Ints, list[Finding]]:
    """Check a prediction against the test set it is for.

    Parameters
    ----------
    prediction
        What was predicted, or its file.
    dataset
        The dataset, or its id; by default the one the prediction names.
    engine
        What works on pieces of it; by default this machine's cores.
    reference
        A file of labelled frames, or what :func:`teaeval.read_reference` gives, to check against
        instead of a dataset.
    **declared
        What the file does not state itself, as :func:`teaeval.read_prediction` takes it.

    Returns
    -------
    rows
        (N,) row of the test set for each predicted frame; −1 where there is none.  Of a reference
        of several systems, the row among those of its system, one system after the other.
    findings
        Everything that is wrong.  No finding changes the prediction.

    Raises
    ------
    UsageError
        If the dataset has no such subset, or a dataset and a reference are given.
    """
    if reference is not None:
        check_one_of_both(dataset, declared)
        return check_parts(opened_parts(prediction, declared), reference, engine)
    prediction = opened(prediction, dataset, declared)
    dataset = loaded(prediction, dataset)
    return check_against(prediction, dataset.test_set(prediction.subset), dataset, engine)
