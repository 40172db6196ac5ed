"""When a retraining regresses, and how often falsely."""

from __future__ import annotations

import math

import numpy as np
import pytest

from baselines.accuracy import record as accuracy
from baselines.accuracy import regression
from baselines.accuracy.record import AccuracyRecord, ReachedErrors, SeedResult, Training
from baselines.accuracy.regression import Spread
from baselines.registry import MODELS
from teadata.errors import UsageError


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


def test_where_no_training_has_two_seeds_an_error_may_grow_by_half():
    record = record_of(training("folded", [1.0]))
    assert Spread.of([record], "F").factor(1) == regression.GROWTH
    assert check(record, 1.4) == [False, False]
    assert check(record, 2.0) == [True, True]


def test_long_trainings_are_not_granted_the_spread_of_hasty_ones():
    quick = record_of(training("folded", [1.0, 5.0, 25.0]))
    long = record_of(training("folded", [1.0])).model_copy(
        update={"config_name": "reference-large"}
    )
    large = record_of(training("folded", [1.0])).model_copy(update={"config_name": "my/large.yaml"})
    spreads = regression.pooled_spreads([quick, long, large])
    assert spreads["quick"]["E"].factor(3) > 10
    worse = training("folded", [2.0]).seeds[0]
    for record, regressed in ((quick, False), (large, False), (long, True)):
        lines = regression.regressions(record, record.trainings[0], worse, spreads)
        assert [line.regressed for line in lines] == [regressed, regressed]


@pytest.mark.parametrize("model", sorted({one.model for one in accuracy.read_records()}))
def test_a_doubled_error_of_a_shipped_reference_training_is_found(model):
    """Energies too: those of MACE's quick networks are chance, and once hid it."""
    records = accuracy.read_records(model=model)
    spreads = regression.pooled_spreads(records)
    for record in records:
        if record.config_name.startswith("reference"):
            for trained in record.trainings:
                doubled = trained.seeds[0].model_dump()
                for quantities in doubled["tests"].values():
                    for found in quantities.values():
                        found["mae"] *= 2
                found = SeedResult.model_validate(doubled)
                lines = regression.regressions(record, trained, found, spreads)
                assert all(line.regressed for line in lines)


def test_the_document_has_the_bounds_of_the_shipped_records(repository):
    text = (repository / "docs" / "baselines" / "records.md").read_text(encoding="utf-8")
    head, rows = text.split(".factor(3)`):\n\n")[1].split("\n|---|--:")
    names = [cell.split(" (")[0].strip() for cell in head.strip("| ").split("|")]
    titles = {entry.title.replace("*", "\\*"): model for model, entry in MODELS.items()}
    for line in rows.splitlines()[1:3]:
        quantity, *bounds = (cell.strip() for cell in line.strip("| ").split("|"))
        shown = {
            titles[name]: float(bound)
            for several, bound in zip(names, bounds, strict=True)
            for name in several.split(", ")
        }
        for model, bound in shown.items():
            quick = regression.pooled_spreads(accuracy.read_records(model=model))["quick"]
            assert quick[quantity].factor(3) == pytest.approx(bound, rel=0.01)
        assert set(shown) == {record.model for record in accuracy.read_records()}


def test_a_configuration_of_a_file_is_named_as_the_table_shows_it():
    record = record_of(training("folded", [1.0])).model_copy(
        update={"config_name": "other/tiny.yaml"}
    )
    for name in ("tiny", "other/tiny.yaml"):
        assert regression.select([record], config_name=name) == [(record, record.trainings[0])]
    with pytest.raises(UsageError, match="expected one of: tiny"):
        regression.select([record], config_name="quick")


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
