"""Whether a retraining is worse than another seed could be."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from baselines.accuracy.record import QUANTITIES, AccuracyRecord, SeedResult, Training
from teadata.errors import UsageError, unknown_name
from teadata.schema import StrictModel

CONFIDENCE = 0.999
"""Chance that one error of an unchanged model, trained with another seed, stays below its bound."""


LEAST_SPREAD = 0.01
"""Relative spread that is granted also to models in which no seed changes anything: machines
round differently."""


GROWTH = 1.5
"""Ratio to the recorded errors that is granted where no training has a second seed, and at most
to reference trainings: the first seed is repeated, and an error that has doubled is to be found."""


def kind_of(config_name: str) -> Literal["quick", "reference"]:
    """Kind of a configuration: ``reference`` if its name begins so, else ``quick``.

    Errors of hasty trainings spread more between seeds than those of long ones.
    """
    return "reference" if Path(config_name).stem.startswith("reference") else "quick"


def pooled_spreads(records: Iterable[AccuracyRecord]) -> dict[str, dict[str, Spread]]:
    """Estimate the spread between seeds, by kind of configuration and quantity.

    It is pooled over the records of a kind (:func:`kind_of`).
    """
    by_kind: dict[str, list[AccuracyRecord]] = {}
    for record in records:
        by_kind.setdefault(kind_of(record.config_name), []).append(record)
    return {
        kind: {quantity: Spread.of(some, quantity) for quantity in QUANTITIES}
        for kind, some in by_kind.items()
    }


class Spread(StrictModel):
    """Spread of an error between seeds: standard deviation of its logarithm, pooled.

    ``degrees`` are its degrees of freedom; with none, nothing is known of it.
    """

    deviation: float
    degrees: int

    @classmethod
    def of(cls, records: Iterable[AccuracyRecord], quantity: str) -> Spread:
        """Estimate the spread of a quantity, pooled over all trainings and test sets of records."""
        squares, degrees = 0.0, 0
        for training in (training for record in records for training in record.trainings):
            for subset in training.seeds[0].tests:
                logs = [math.log(value) for value in training.values(subset, quantity)]
                mean = sum(logs) / len(logs)
                squares += sum((value - mean) ** 2 for value in logs)
                degrees += len(logs) - 1
        if not degrees:
            return cls(deviation=math.inf, degrees=0)
        return cls(deviation=max(math.sqrt(squares / degrees), LEAST_SPREAD), degrees=degrees)

    def factor(self, seeds: int) -> float:
        """Bound the ratio of another seed's error to the geometric mean of `seeds` errors.

        Where nothing is known of the spread, that is :data:`GROWTH`.
        """
        if not self.degrees:
            return GROWTH
        from scipy.stats import t

        quantile = float(t.ppf(CONFIDENCE, self.degrees))
        return math.exp(quantile * self.deviation * math.sqrt(1 + 1 / seeds))


class RegressionCheck(StrictModel):
    """An error of a retraining beside what was recorded, in kcal/mol (E) or kcal/mol/Å (F).

    ``found`` is None where the training failed or its prediction could not be scored.
    """

    model: str
    dataset: str
    task: str
    quantity: str
    recorded: float
    bound: float
    found: float | None

    @property
    def regressed(self) -> bool:
        """Whether it is worse than another seed could be."""
        return self.found is None or not self.found <= self.bound


def regressions(
    record: AccuracyRecord,
    training: Training,
    reached: SeedResult | None,
    spreads: dict[str, dict[str, Spread]],
) -> list[RegressionCheck]:
    """Compare a retraining with its record.

    Parameters
    ----------
    record
        The record.
    training
        The one of its trainings that was repeated.
    reached
        What it reached this time; None if it failed.
    spreads
        From :func:`pooled_spreads`.
    """
    lines = []
    kind = kind_of(record.config_name)
    most = GROWTH if kind == "reference" else math.inf
    for subset in training.seeds[0].tests:
        for quantity in QUANTITIES:
            values = training.values(subset, quantity)
            recorded = math.exp(sum(map(math.log, values)) / len(values))
            lines.append(
                RegressionCheck(
                    model=record.model,
                    dataset=record.dataset,
                    task=f"{training.subset}->{subset}",
                    quantity=quantity,
                    recorded=recorded,
                    bound=recorded * min(spreads[kind][quantity].factor(len(values)), most),
                    found=None if reached is None else reached.tests[subset][quantity].mae,
                )
            )
    return lines


def select(
    records: Iterable[AccuracyRecord],
    model: str | None = None,
    dataset: str | None = None,
    subset: str | None = None,
    config_name: str | None = None,
    fast: bool = False,
    kind: Literal["quick", "reference"] = "quick",
) -> list[tuple[AccuracyRecord, Training]]:
    """Select the recorded trainings of a model, dataset, subset and configuration.

    Parameters
    ----------
    records
        Where to select from.
    model, dataset, subset
        None: all.
    config_name
        Its name, or its path as it was recorded.  None: those whose name begins with `kind`.
    fast
        Only the quickest of each model.
    kind
        ``quick`` trainings take minutes, ``reference`` ones up to an hour.

    Raises
    ------
    UsageError
        If nothing is recorded of what was asked for.
    """
    chosen = [
        (record, training)
        for record in records
        for training in record.trainings
        if config_name or Path(record.config_name).stem.startswith(kind)
    ]
    if not chosen and config_name is None:
        raise UsageError(
            f"no {kind} training is recorded here; "
            f"`baselines record mace mini-i --config {kind}` records some"
        )
    wanted = {"configuration": config_name, "model": model, "dataset": dataset, "subset": subset}
    for what, name in wanted.items():
        if name is None:
            continue
        known = dict.fromkeys(_names(*pair)[what][0] for pair in chosen)
        chosen = [pair for pair in chosen if name in _names(*pair)[what]]
        if not chosen:
            raise unknown_name(f"recorded {what}", name, known)
    if fast:
        quickest: dict[str, tuple[AccuracyRecord, Training]] = {}
        for pair in sorted(chosen, key=lambda pair: pair[1].wall_seconds):
            quickest.setdefault(pair[0].model, pair)
        chosen = list(quickest.values())
    return chosen


def _names(record: AccuracyRecord, training: Training) -> dict[str, tuple[str, ...]]:
    """What a recorded training is called, as tables show it first."""
    return {
        "configuration": (Path(record.config_name).stem, record.config_name),
        "model": (record.model,),
        "dataset": (record.dataset.partition("@")[0], record.dataset),
        "subset": (training.subset,),
    }
