"""Scores of force-field predictions, as the tables of the TEA Challenge report them.

>>> import teaeval
>>> score = teaeval.score(teaeval.read_prediction("my_predictions.npz"))  # doctest: +SKIP
>>> score.row("F").mae  # doctest: +SKIP

Energies are in kcal/mol, lengths in Å, forces in kcal/mol/Å.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from teadata.lazy import exports

if TYPE_CHECKING:
    from teaeval.checks import check
    from teaeval.comparison import Comparison, compare
    from teaeval.findings import Finding, PredictionError
    from teaeval.metrics import Errors, errors
    from teaeval.prediction import Prediction, read_prediction, write_prediction
    from teaeval.scoring import Row, Score, score

REPLICATES = 1000
"""Bootstrap resamples behind an interval, unless another number is asked for."""

_HOME = {
    "Comparison": "comparison",
    "Errors": "metrics",
    "Finding": "findings",
    "Prediction": "prediction",
    "PredictionError": "findings",
    "Row": "scoring",
    "Score": "scoring",
    "check": "checks",
    "compare": "comparison",
    "errors": "metrics",
    "read_prediction": "prediction",
    "score": "scoring",
    "write_prediction": "prediction",
}

__all__ = [
    "REPLICATES",
    "Comparison",
    "Errors",
    "Finding",
    "Prediction",
    "PredictionError",
    "Row",
    "Score",
    "check",
    "compare",
    "errors",
    "read_prediction",
    "score",
    "write_prediction",
]

__getattr__, __dir__ = exports(__name__, _HOME)
