"""Scores: what was scored, by what, and the numbers."""

from __future__ import annotations

import datetime
import platform
from collections.abc import Collection
from typing import Any

import numpy as np

from teadata import catalog
from teadata.dataset import Dataset
from teadata.provenance import DISTRIBUTION, package_version
from teaeval.checks.fixes import apply
from teaeval.defaults import REPLICATES
from teaeval.engines import Engine, Threads
from teaeval.metrics.bootstrap import block_length, distributions, resampling
from teaeval.predictions.findings import PredictionError
from teaeval.predictions.prediction import Prediction
from teaeval.scores.details import detailed
from teaeval.scores.examine import examine, failures_allowed
from teaeval.scores.record import (
    Bootstrap,
    Coverage,
    Row,
    Score,
    ScoredDataset,
    ScoredPrediction,
)


def score(
    prediction: Prediction,
    dataset: Dataset | None = None,
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
        What was predicted.
    dataset
        The dataset to score against; by default the one the prediction names.
    replicates, seed
        Number of bootstrap resamples behind the intervals, 0 for none, and their seed.
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
    dataset = dataset or catalog.load(prediction.dataset)
    engine = engine or Threads()
    test = dataset.test_set(prediction.subset)
    # No row of a table is drawn apart from the others of its block.
    options: Any = {"block": block_length(dataset, test), "details": with_details}
    found = examine(prediction, test, dataset, engine, **options)
    prediction, fixed = apply(prediction, found.findings, fixes)
    if fixed:
        found = examine(prediction, test, dataset, engine, **options)
    findings = failures_allowed(found) if allow_failed else found.findings
    if any(item.severity == "error" for item in findings):
        raise PredictionError(prediction.source.get("path", "prediction"), findings)
    assert found.compared is not None
    draws = resampling(dataset, test, replicates, seed) if replicates else None
    table = found.compared.table
    resampled = distributions(table, draws.of_blocks(found.compared.block)) if draws else {}
    return Score(
        dataset=ScoredDataset.of(dataset, prediction.subset, test),
        prediction=ScoredPrediction.of(prediction),
        options=dict(prediction.options),
        fixes=sorted(fixes),
        fixed=fixed,
        allow_failed=allow_failed,
        coverage=Coverage.of(found, len(test)),
        software=f"{DISTRIBUTION} {package_version()}",
        versions={"python": platform.python_version(), "numpy": np.__version__},
        created=datetime.datetime.now(datetime.UTC).replace(microsecond=0),
        bootstrap=Bootstrap.of(draws) if draws else None,
        rows=[
            Row.of(name, errors.errors(relative=name == "E"), resampled.get(name))
            for name, errors in table.items()
        ],
        details=detailed(found, prediction, test, dataset, draws) if with_details else None,
        warnings=[str(item) for item in findings],
        citations=[citation.bibtex.strip() for citation in dataset.card.citations],
    )
