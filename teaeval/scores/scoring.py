"""Score a prediction against its test set."""

from __future__ import annotations

import datetime
import platform
from collections.abc import Collection
from pathlib import Path

import numpy as np

from teadata.dataset import Dataset
from teadata.errors import UsageError
from teadata.provenance import DISTRIBUTION, package_version
from teaeval.defaults import MOST_REPLICATES, REPLICATES
from teaeval.engines import Engine
from teaeval.metrics.uncertainty import error_intervals, resampling
from teaeval.predictions.prediction import Prediction
from teaeval.scores.details import detailed
from teaeval.scores.examine import Examined, examine, loaded, opened
from teaeval.scores.record import (
    Bootstrap,
    Coverage,
    Row,
    Score,
    ScoredDataset,
    ScoredPrediction,
)


def score(
    prediction: Prediction | Path | str,
    dataset: Dataset | str | None = None,
    *,
    replicates: int = REPLICATES,
    seed: int = 0,
    fixes: Collection[str] = (),
    with_details: bool = False,
    allow_failed: bool = False,
    engine: Engine | None = None,
) -> Score:
    """Check a prediction, and score it as Tables SI 7 and SI 8 do.

    Parameters
    ----------
    prediction
        What was predicted, or its file.
    dataset
        The dataset to score against, or its id; by default the one the prediction names.
    replicates, seed
        Number of bootstrap samples behind the intervals of MAX, and their seed; 0 for no intervals.
    fixes
        What to mend if a check finds it wrong: names of :data:`teaeval.checks.fixes.FIXES`.
    with_details
        Whether to report what :mod:`teaeval.scores.details` does.
    allow_failed
        Whether a frame that is missing or not finite is counted as failed, in the score's
        coverage, instead of stopping the scoring.
    engine
        What works on pieces of the prediction; by default this machine's cores.

    Raises
    ------
    PredictionError
        If a check finds an error; it carries every finding.
    UsageError
        If there is no such dataset, subset or fix.
    """
    prediction = opened(prediction, dataset)
    examined = examine(
        prediction,
        loaded(prediction, dataset),
        fixes=fixes,
        allow_failed=allow_failed,
        details=with_details,
        engine=engine,
    )
    return score_examined(examined, replicates=replicates, seed=seed)


def score_examined(examined: Examined, *, replicates: int = REPLICATES, seed: int = 0) -> Score:
    """Score a prediction that was examined, with details if they were collected.

    Parameters
    ----------
    examined
        What :func:`~teaeval.scores.examine.examine` gives.
    replicates, seed
        Number of bootstrap samples behind the intervals of MAX, and their seed; 0 for no intervals.
    """
    if replicates > MOST_REPLICATES:
        raise UsageError(f"{replicates} bootstrap samples: expected {MOST_REPLICATES} at most")
    prediction, dataset, test = examined.prediction, examined.dataset, examined.test
    compared = examined.compared
    draws = resampling(dataset, test, replicates, seed) if replicates else None
    intervals = error_intervals(compared.table, draws.of_blocks(compared.block)) if draws else {}
    return Score(
        dataset=ScoredDataset.of(dataset, prediction.subset, test),
        prediction=ScoredPrediction.of(prediction),
        options=dict(prediction.options),
        fixes=examined.fixes,
        fixed=examined.fixed,
        allow_failed=examined.allow_failed,
        coverage=Coverage.of(examined),
        software=f"{DISTRIBUTION} {package_version()}",
        versions={"python": platform.python_version(), "numpy": np.__version__},
        created=datetime.datetime.now(datetime.UTC).replace(microsecond=0),
        bootstrap=Bootstrap.of(draws) if draws else None,
        rows=[
            Row.of(name, errors.errors(relative=name == "E"), intervals.get(name))
            for name, errors in compared.table.items()
        ],
        details=detailed(examined, draws) if compared.forces is not None else None,
        warnings=[str(item) for item in examined.findings],
        citations=[citation.bibtex.strip() for citation in dataset.card.citations],
    )
