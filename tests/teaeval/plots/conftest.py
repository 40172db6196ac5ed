"""Summaries of predictions of which the errors are known, and scores made of one."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import teaeval
from teaeval import Prediction, Score
from teaeval.plots.error_summary import ErrorSummary, summarise
from teaeval.scores.examine import examine

Made = Callable[..., Prediction]


@pytest.fixture(scope="session")
def molecule(made: Made) -> list[ErrorSummary]:
    return [
        summarise(examine(made("mini-i", "folded", "MACE"))),
        summarise(examine(made("mini-i", "folded", "sGDML", 3.0, 1))),
    ]


@pytest.fixture(scope="session")
def crystal(made: Made) -> ErrorSummary:
    return summarise(examine(made("mini-hydrogen", "complete", "MACE")))


@pytest.fixture(scope="session")
def base(made: Made) -> Score:
    return teaeval.score(made("mini-i", "folded", "MACE"), replicates=20)


@pytest.fixture(scope="session")
def variant() -> Callable[..., Score]:
    """A score as if it were of another model, training set or test set, its errors scaled."""

    def change(
        score: Score, model: str, train: str | None, subset: str = "folded", factor: float = 1.0
    ) -> Score:
        rows = [
            row.model_copy(
                update={
                    name: getattr(row, name) * factor
                    for name in ("mae", "rmse", "max", "mae_percent_mean", "mae_percent_std")
                }
            )
            for row in score.rows
        ]
        return score.model_copy(
            update={
                "rows": rows,
                "prediction": score.prediction.model_copy(update={"model": model, "train": train}),
                "dataset": score.dataset.model_copy(update={"subset": subset}),
            }
        )

    return change
