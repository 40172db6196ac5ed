"""Which of two predictions of a test set is better, and how sure that is."""

from __future__ import annotations

from typing import Literal

import numpy as np

from teadata import catalog
from teadata.dataset import Dataset
from teadata.errors import UsageError
from teadata.schema import StrictModel
from teadata.typing import Floats
from teaeval.defaults import REPLICATES
from teaeval.metrics.bootstrap import Distribution, distributions, resampling
from teaeval.metrics.frame_errors import FrameErrors
from teaeval.predictions.prediction import Prediction
from teaeval.resampling import interval
from teaeval.scores.examine import Examined, examine
from teaeval.scores.record import Bootstrap, unit_of


class Difference(StrictModel):
    """Error of the first prediction minus that of the second, on the same frames.

    ``p`` is the two-sided p-value of no difference: twice the share of resamples, of the same
    units for both, whose difference has the other sign or none.
    """

    first: float
    second: float
    difference: float
    interval: tuple[float, float]
    p: float


class ComparedRow(StrictModel):
    """One quantity: differences, and how often the first is nearer to the reference.

    ``superiority`` is the share of frames whose mean absolute error is smaller in the first,
    ties counting half.
    """

    quantity: str
    unit: str
    mae: Difference
    rmse: Difference
    superiority: float


class Comparison(StrictModel):
    """Two predictions of one test set, compared frame by frame."""

    dataset: str
    subset: str
    frames: int
    first: str
    second: str
    bootstrap: Bootstrap
    rows: list[ComparedRow]


def compare(
    first: Prediction,
    second: Prediction,
    dataset: Dataset | None = None,
    *,
    replicates: int = REPLICATES,
    seed: int = 0,
) -> Comparison:
    """Compare two predictions of one test set.

    Parameters
    ----------
    first, second
        What was predicted.
    dataset
        The dataset; by default the one they name.
    replicates, seed
        Number of bootstrap resamples, and their seed.

    Raises
    ------
    UsageError
        If they are not of the same test set.
    PredictionError
        If a check of one of them finds an error.
    """
    _check_same(first, second)
    dataset = dataset or catalog.load(first.dataset)
    a, b = (examine(prediction, dataset, by_frame=True) for prediction in (first, second))
    return compare_examined(a, b, replicates=replicates, seed=seed)


def compare_examined(
    first: Examined, second: Examined, *, replicates: int = REPLICATES, seed: int = 0
) -> Comparison:
    """Compare two predictions of one test set that were examined with ``by_frame=True``.

    Parameters
    ----------
    first, second
        What :func:`~teaeval.scores.examine.examine` gives.
    replicates, seed
        Number of bootstrap resamples, and their seed.

    Raises
    ------
    UsageError
        If they are not of the same test set.
    """
    _check_same(first.prediction, second.prediction)
    draws = resampling(first.dataset, first.test, replicates, seed)
    tables = [examined.compared.table for examined in (first, second)]
    resampled = [distributions(table, draws) for table in tables]
    return Comparison(
        dataset=first.dataset.card.full_id,
        subset=first.prediction.subset,
        frames=len(first.test),
        first=first.name or "first",
        second=second.name or "second",
        bootstrap=Bootstrap.of(draws),
        rows=[
            _row(name, tables[0][name], tables[1][name], resampled[0][name], resampled[1][name])
            for name in tables[0]
        ],
    )


def _check_same(first: Prediction, second: Prediction) -> None:
    """Refuse two predictions of different test sets."""
    same = {(p.dataset.partition("@")[0], p.subset) for p in (first, second)}
    if len(same) > 1:
        raise UsageError(
            f"expected two predictions of one test set, found {first.dataset} {first.subset} "
            f"and {second.dataset} {second.subset}"
        )


def _row(
    name: str, first: FrameErrors, second: FrameErrors, a: Distribution, b: Distribution
) -> ComparedRow:
    better = float(np.mean(first.mae < second.mae) + np.mean(first.mae == second.mae) / 2)
    return ComparedRow(
        quantity=name,
        unit=unit_of(name),
        mae=_difference("mae", first, second, a.mae - b.mae),
        rmse=_difference("rmse", first, second, a.rmse - b.rmse),
        superiority=better,
    )


def _difference(
    measure: Literal["mae", "rmse"], first: FrameErrors, second: FrameErrors, resampled: Floats
) -> Difference:
    a, b = (float(getattr(errors.errors(), measure)) for errors in (first, second))
    gap = a - b
    # The sample itself is one of the resamples: no p-value is 0 (Davison and Hinkley, 4.2).
    against = np.count_nonzero(resampled * np.sign(gap) <= 0) if gap else len(resampled)
    return Difference(
        first=a,
        second=b,
        difference=gap,
        interval=interval(resampled),
        p=min(1.0, 2 * (1 + against) / (1 + len(resampled))),
    )
