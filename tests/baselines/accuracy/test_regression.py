"""When a retraining regresses, and how often falsely."""

from __future__ import annotations

import math

import numpy as np
import pytest

from baselines.accuracy import regression
from baselines.accuracy.record import AccuracyRecord, ReachedErrors, SeedResult, Training
from baselines.accuracy.regression import Spread
from teadata.errors import DataError, UsageError


def reached(value: float) -> dict[str, ReachedErrors]:
    return {
        quantity: ReachedErrors(frames=10, mae=value, rmse=1.3 * value, percent_mean=5 * value)
        for quantity in ("E", "F")
    }


def training(subset: str, values: list[float], seconds: float = 10.0) -> Training:
    return Training(
        train=f"{subset}/train/10",
        valid=f"{subset}/valid/10",
        versions={},
        hardware={},
        seeds=[
            SeedResult(
                seed=seed,
                wall_seconds=seconds,
                peak_memory_mib=100,
                selected={},
                tests={subset: reached(value)},
            )
            for seed, value in enumerate(values)
        ],
    )


def record_of(*trainings: Training, model: str = "sgdml", dataset: str = "mini-i@1.0.0"):
    return AccuracyRecord(
        model=model,
        config_name="quick",
        config={},
        dataset=dataset,
        frames_sha256="",
        splits_sha256="",
        trainings=list(trainings),
    )


def check(record: AccuracyRecord, value: float) -> list[bool]:
    first = record.trainings[0]
    found = training(first.subset, [value]).seeds[0]
    spreads = regression.pooled_spreads([record])
    return [line.regressed for line in regression.regressions(record, first, found, spreads)]


def test_an_unchanged_model_seldom_regresses():
    """Six trainings of three seeds with a spread of 10 %, and one more of the same kind."""
    rng = np.random.default_rng(0)
    subsets = ["complete", "folded", "unfolded", "a", "b", "c"]
    alarms = []
    for _ in range(2000):
        levels = rng.uniform(1, 10, len(subsets))
        record = record_of(
            *(
                training(name, list(level * np.exp(0.1 * rng.normal(size=3))))
                for name, level in zip(subsets, levels, strict=True)
            )
        )
        alarms += check(record, float(levels[0] * np.exp(0.1 * rng.normal())))
    assert np.mean(alarms) < 5 * (1 - regression.CONFIDENCE)


def test_a_model_twice_as_bad_does_and_a_better_one_does_not():
    record = record_of(training("folded", [1.0, 1.03, 0.98]), training("unfolded", [2, 2.1, 1.9]))
    assert check(record, 2.0) == [True, True]
    assert check(record, 1.05) == [False, False]
    assert check(record, 0.5) == [False, False]
    assert check(record, math.nan) == [True, True]
    spreads = regression.pooled_spreads([record])
    failed = regression.regressions(record, record.trainings[0], None, spreads)
    assert [line.regressed for line in failed] == [True, True]


def test_spread_is_pooled_over_trainings():
    values = {"folded": [1.0, 1.1, 1.3], "unfolded": [5.0, 4.0, 4.5]}
    record = record_of(*(training(name, list(seeds)) for name, seeds in values.items()))
    variances = [np.var(np.log(seeds), ddof=1) for seeds in values.values()]
    spread = Spread.of([record], "F")
    assert spread.deviation == pytest.approx(np.sqrt(np.mean(variances)))
    assert spread.degrees == 4


def test_models_without_chance_are_granted_rounding():
    spread = Spread.of([record_of(training("folded", [1.0, 1.0, 1.0]))], "F")
    assert spread.deviation == regression.LEAST_SPREAD


def test_one_seed_says_nothing_of_spread():
    with pytest.raises(DataError, match="with two seeds or more"):
        Spread.of([record_of(training("folded", [1.0]))], "F")


def test_selection_names_what_is_recorded():
    records = [
        record_of(training("folded", [1.0], 30), training("unfolded", [1.0], 20)),
        record_of(training("complete", [1.0], 5), dataset="mini-iii@1.0.0"),
        record_of(training("complete", [1.0], 50), model="mace", dataset="mini-iii@1.0.0"),
        record_of(training("complete", [1.0], 3)).model_copy(update={"config_name": "large"}),
    ]
    assert len(regression.select(records)) == 4  # the quick ones
    assert regression.select(records, config_name="large")[0][0] is records[3]
    assert [pair[1].subset for pair in regression.select(records, "sgdml", "mini-i", "folded")] == [
        "folded"
    ]
    fast = regression.select(records, fast=True)
    assert [(record.model, item.wall_seconds) for record, item in fast] == [
        ("sgdml", 5),
        ("mace", 50),
    ]
    with pytest.raises(UsageError, match="unknown recorded dataset 'mini-iv'"):
        regression.select(records, "sgdml", "mini-iv")
    with pytest.raises(UsageError, match="unknown recorded configuration 'paper-i'"):
        regression.select(records, config_name="paper-i")


def test_reference_trainings_are_those_whose_configuration_begins_so():
    names = ["quick", "reference", "reference-large", "large"]
    records = [
        record_of(training("complete", [1.0])).model_copy(update={"config_name": name})
        for name in names
    ]
    chosen = regression.select(records, kind="reference")
    assert [record.config_name for record, _ in chosen] == ["reference", "reference-large"]
    with pytest.raises(UsageError, match="no reference training is recorded here"):
        regression.select(records[:1], kind="reference")
