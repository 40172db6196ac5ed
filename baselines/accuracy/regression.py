"""Whether a retraining is worse than another seed could be."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Literal

from baselines.accuracy.record import QUANTITIES, AccuracyRecord, SeedResult, Training
from teadata.errors import DataError, UsageError, unknown_name
from teadata.schema import StrictModel

CONFIDENCE = 0.999
"""Chance that one error of an unchanged model, trained with another seed, stays below its bound."""


LEAST_SPREAD = 0.01
"""Relative spread that is granted also to models in which no seed changes anything: machines
round differently."""


def pooled_spreads(records: Iterable[AccuracyRecord]) -> dict[str, Spread]:
    """Estimate the spread of each quantity between seeds, pooled over records."""
    records = list(records)
    return {quantity: Spread.of(records, quantity) for quantity in QUANTITIES}


class Spread(StrictModel):
    """Spread of an error between seeds: standard deviation of its logarithm, pooled.

    ``degrees`` are its degrees of freedom.
    """

    deviation: float
    degrees: int

    @classmethod
    def of(cls, records: Iterable[AccuracyRecord], quantity: str) -> Spread:
        """Estimate the spread of a quantity, pooled over all trainings and test sets of records.

        Raises
        ------
        DataError
            If no training was recorded with more than one seed.
        """
        squares, degrees = 0.0, 0
        for training in (training for record in records for training in record.trainings):
            for subset in training.seeds[0].tests:
                logs = [math.log(value) for value in training.values(subset, quantity)]
                mean = sum(logs) / len(logs)
                squares += sum((value - mean) ** 2 for value in logs)
                degrees += len(logs) - 1
        if not degrees:
            raise DataError(
                "no training was recorded with two seeds or more, so that nothing is known of the "
                "spread between them; make records with `baselines record --seeds 3`"
            )
        return cls(deviation=max(math.sqrt(squares / degrees), LEAST_SPREAD), degrees=degrees)

    def factor(self, seeds: int) -> float:
        """Bound the ratio of another seed's error to the geometric mean of `seeds` errors."""
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
    spreads: dict[str, Spread],
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
                    bound=recorded * spreads[quantity].factor(len(values)),
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
        None: those whose name begins with `kind`.
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
        if config_name or record.config_name.startswith(kind)
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
        known = dict.fromkeys(_names(*pair)[what] for pair in chosen)
        if name not in known:
            raise unknown_name(f"recorded {what}", name, known)
        chosen = [pair for pair in chosen if _names(*pair)[what] == name]
    if fast:
        quickest: dict[str, tuple[AccuracyRecord, Training]] = {}
        for pair in sorted(chosen, key=lambda pair: pair[1].wall_seconds):
            quickest.setdefault(pair[0].model, pair)
        chosen = list(quickest.values())
    return chosen


def _names(record: AccuracyRecord, training: Training) -> dict[str, str]:
    return {
        "configuration": record.config_name,
        "model": record.model,
        "dataset": record.dataset.partition("@")[0],
        "subset": training.subset,
    }
