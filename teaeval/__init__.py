"""Scores of force-field predictions, as the tables of the TEA Challenge report them.

>>> import teaeval
>>> score = teaeval.score("my_predictions.npz")  # doctest: +SKIP
>>> score.row("F").mae  # doctest: +SKIP

Energies are in kcal/mol, lengths in Å, forces in kcal/mol/Å.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from teadata.lazy import exports

if TYPE_CHECKING:
    from teaeval import scores
    from teaeval.metrics.definitions import Errors, errors
    from teaeval.predictions.findings import Finding, PredictionError
    from teaeval.predictions.prediction import Prediction
    from teaeval.predictions.reading import read_prediction
    from teaeval.predictions.reference import Reference, read_reference
    from teaeval.predictions.writing import template, write_prediction
    from teaeval.scores.checking import check
    from teaeval.scores.comparison import Comparison, compare
    from teaeval.scores.examine import examine
    from teaeval.scores.record import Score
    from teaeval.scores.rows import Row
    from teaeval.scores.scoring import score

_HOME = {
    "Comparison": "teaeval.scores.comparison",
    "Errors": "teaeval.metrics.definitions",
    "Finding": "teaeval.predictions.findings",
    "Prediction": "teaeval.predictions.prediction",
    "PredictionError": "teaeval.predictions.findings",
    "Reference": "teaeval.predictions.reference",
    "Row": "teaeval.scores.rows",
    "Score": "teaeval.scores.record",
    "check": "teaeval.scores.checking",
    "compare": "teaeval.scores.comparison",
    "errors": "teaeval.metrics.definitions",
    "examine": "teaeval.scores.examine",
    "read_prediction": "teaeval.predictions.reading",
    "read_reference": "teaeval.predictions.reference",
    "score": "teaeval.scores.scoring",
    "scores": "teaeval.scores",
    "template": "teaeval.predictions.writing",
    "write_prediction": "teaeval.predictions.writing",
}

__all__ = [
    "Comparison",
    "Errors",
    "Finding",
    "Prediction",
    "PredictionError",
    "Reference",
    "Row",
    "Score",
    "check",
    "compare",
    "errors",
    "examine",
    "read_prediction",
    "read_reference",
    "score",
    "scores",
    "template",
    "write_prediction",
]

__getattr__, __dir__ = exports(__name__, _HOME)
