"""Scores of force-field predictions, as the tables of the TEA Challenge report them.

>>> import teaeval
>>> score = teaeval.score(teaeval.read_prediction("my_predictions.npz"))  # doctest: +SKIP
>>> score.row("F").mae  # doctest: +SKIP

Energies are in kcal/mol, lengths in Å, forces in kcal/mol/Å.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from teaeval.checks import Finding, PredictionError, check
    from teaeval.metrics import Errors, errors
    from teaeval.prediction import Prediction, read_prediction, write_prediction
    from teaeval.scoring import Row, Score, score

_HOME = {
    "Errors": "metrics",
    "Finding": "checks",
    "Prediction": "prediction",
    "PredictionError": "checks",
    "Row": "scoring",
    "Score": "scoring",
    "check": "checks",
    "errors": "metrics",
    "read_prediction": "prediction",
    "score": "scoring",
    "write_prediction": "prediction",
}

__all__ = [
    "Errors",
    "Finding",
    "Prediction",
    "PredictionError",
    "Row",
    "Score",
    "check",
    "errors",
    "read_prediction",
    "score",
    "write_prediction",
]


def __getattr__(name: str) -> object:
    if name == "__version__":
        from teadata.provenance import package_version

        return package_version()
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
