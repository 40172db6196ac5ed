"""Score a prediction against its test set."""

from __future__ import annotations

import datetime
import platform
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Unpack

import numpy as np

from teadata.dataset import Dataset
from teadata.errors import UsageError, expect
from teadata.provenance import DISTRIBUTION, package_version
from teaeval.defaults import MOST_REPLICATES, REPLICATES
from teaeval.engines import Engine
from teaeval.metrics.frame_errors import FrameErrors
from teaeval.metrics.uncertainty import ErrorIntervals, error_intervals, resampling
from teaeval.predictions.declaring import FileDeclarations
from teaeval.predictions.reading import AnyFile
from teaeval.predictions.reference import Reference
from teaeval.resampling import Resampling
from teaeval.scores.against import EXAMINED_AGAINST, Against, check_one_of_both, examine_against
from teaeval.scores.detail_records import Details
from teaeval.scores.details import detailed
from teaeval.scores.examine import EXAMINED, AnyPrediction, Examined, examine
from teaeval.scores.pooling import pool
from teaeval.scores.record import (
    Coverage,
    Score,
    ScoredDataset,
    ScoredPrediction,
    ScoredReference,
    ScoredSystem,
)
from teaeval.scores.rows import Bootstrap, Row


def score(
    prediction: AnyPrediction,
    dataset: Dataset | str | None = None,
    *,
    replicates: int = REPLICATES,
    seed: int = 0,
    fixes: Collection[str] = (),
    with_details: bool = False,
    allow_failed: bool = False,
    engine: Engine | None = None,
    reference: Reference | AnyFile | None = None,
    **declared: Unpack[FileDeclarations],
) -> Score:
    """Check a prediction, and score it as Tables SI 7 and SI 8 do.

    Parameters
    ----------
    prediction
        What was predicted, or its file; for each system of a reference, if that has several.
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
    reference
        A file of labelled frames, or what :func:`teaeval.read_reference` gives, to score against
        instead of a dataset.
    **declared
        What the file does not state itself, as :func:`teaeval.read_prediction` takes it.

    Raises
    ------
    PredictionError
        If a check finds an error; it carries every finding.
    UsageError
        If there is no such dataset, subset or fix, or a dataset and a reference are given.
    """
    if reference is not None:
        check_one_of_both(dataset, declared)
        against = examine_against(
            prediction,
            reference,
            fixes=fixes,
            allow_failed=allow_failed,
            details=with_details,
            engine=engine,
            **declared,
        )
        return score_against(against, replicates=replicates, seed=seed)
    examined = examine(
        prediction,
        dataset,
        fixes=fixes,
        allow_failed=allow_failed,
        details=with_details,
        engine=engine,
        **declared,
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
    expect(examined, Examined, EXAMINED)
    _check(replicates)
    prediction, dataset, test = examined.prediction, examined.dataset, examined.test
    assert dataset is not None
    compared = examined.compared
    draws = _draws(examined, replicates, seed, compared.block)
    intervals = error_intervals(compared.table, draws) if draws else {}
    return Score(
        dataset=ScoredDataset.of(dataset, prediction.subset, test),
        prediction=ScoredPrediction.of(prediction),
        options=dict(prediction.options),
        fixes=examined.fixes,
        fixed=examined.fixed,
        allow_failed=examined.allow_failed,
        coverage=Coverage.of([examined]),
        **_made(),
        bootstrap=Bootstrap.of(draws) if draws else None,
        rows=_rows(compared.table, intervals),
        details=_details(examined, replicates, seed),
        warnings=[str(item) for item in examined.findings],
        citations=[citation.bibtex.strip() for citation in dataset.card.citations],
    )


def score_against(against: Against, *, replicates: int = REPLICATES, seed: int = 0) -> Score:
    """Score a prediction that was examined against a reference: each system, and all.

    Parameters
    ----------
    against
        What :func:`~teaeval.scores.against.examine_against` gives.
    replicates, seed
        Number of bootstrap samples behind the intervals of MAX, and their seed; 0 for no intervals.
    """
    expect(against, Against, EXAMINED_AGAINST)
    _check(replicates)
    groups = against.by_formula()
    formulas = [name for name, parts in groups.items() for _ in parts]
    parts = [part for group in groups.values() for part in group]
    several = len(groups) > 1
    pooled = pool(parts, replicates, seed, compositions=formulas if several else ())
    intervals = error_intervals(pooled.table, pooled.draws) if replicates else {}
    systems = [_system(name, group, replicates, seed) for name, group in groups.items()]
    return Score(
        reference=ScoredReference.of(against.reference),
        prediction=ScoredPrediction.of(against.prediction),
        options=dict(against.prediction.options),
        fixes=against.fixes,
        fixed=against.fixed,
        allow_failed=against.allow_failed,
        coverage=Coverage.of(parts),
        **_made(),
        bootstrap=Bootstrap.of(pooled.draws) if replicates else None,
        rows=_rows(pooled.table, intervals),
        details=None if several else systems[0].details,
        warnings=[str(item) for item in against.findings],
        citations=[],
        systems=systems if several else [],
        left_out=against.left_out,
    )


def _draws(examined: Examined, replicates: int, seed: int, each: int = 1) -> Resampling | None:
    """What is resampled, where rows stand for so many frames; None for no intervals."""
    if not replicates:
        return None
    return resampling(examined.dataset, examined.test, replicates, seed, each=each)


def _details(examined: Examined, replicates: int, seed: int) -> Details | None:
    """Details of a prediction if they were collected, of which every frame is a row."""
    if examined.compared.forces is None:
        return None
    return detailed(examined, _draws(examined, replicates, seed))


def _system(formula: str, parts: Sequence[Examined], replicates: int, seed: int) -> ScoredSystem:
    """The score of the frames of one composition."""
    coverage = Coverage.of(parts)
    pooled = pool(parts, replicates, seed)
    scored = coverage.scored > 0
    intervals = error_intervals(pooled.table, pooled.draws) if scored and replicates else {}
    details = _details(parts[0], replicates, seed) if scored and len(parts) == 1 else None
    return ScoredSystem(
        formula=formula,
        atoms=parts[0].test.n_atoms,
        coverage=coverage,
        bootstrap=Bootstrap.of(pooled.draws) if replicates else None,
        rows=_rows(pooled.table, intervals) if scored else [],
        details=details,
    )


def _check(replicates: int) -> None:
    if not 0 <= replicates <= MOST_REPLICATES:
        raise UsageError(f"{replicates} bootstrap samples: expected 0 to {MOST_REPLICATES}")


def _made() -> dict[str, Any]:
    """What made a score, and when."""
    return {
        "software": f"{DISTRIBUTION} {package_version()}",
        "versions": {"python": platform.python_version(), "numpy": np.__version__},
        "created": datetime.datetime.now(datetime.UTC).replace(microsecond=0),
    }


def _rows(table: Mapping[str, FrameErrors], intervals: Mapping[str, ErrorIntervals]) -> list[Row]:
    """The rows of the quantities that have a prediction."""
    return [
        Row.of(name, errors.errors(relative=name == "E"), intervals.get(name))
        for name, errors in table.items()
        if errors.scored.any()
    ]
