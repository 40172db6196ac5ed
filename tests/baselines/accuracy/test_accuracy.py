"""Records of accuracy: what they hold, when a retraining regresses, and how often falsely."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import yaml

import teadata
from baselines.accuracy import record as accuracy
from baselines.accuracy import regression
from baselines.accuracy import table as accuracy_table
from baselines.accuracy.record import AccuracyRecord, ReachedErrors, SeedResult, Training
from baselines.accuracy.regression import Spread
from baselines.runs import folder as runs
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
        versions={},
        hardware={},
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


@pytest.mark.parametrize("name", ["mini-i", "mini-ii", "mini-iii", "mini-iv", "mini-hydrogen"])
def test_every_task_is_tested(name):
    data = teadata.load(name)
    tasks = [
        f"{train}->{test}"
        for train in accuracy.trained_subsets(data)
        for test in accuracy.tests_of(data, train)
    ]
    assert sorted(tasks) == sorted(data.card.tasks)


@pytest.fixture(scope="module")
def recorded(run, tmp_path_factory):
    """A record that the commands made, of tiny sGDML trainings, and the folder of its runs."""
    folder = tmp_path_factory.mktemp("recorded")
    settings = {"size": 10, "sigmas": [20], "lam": 1e-10, "symmetries": False}
    (folder / "tiny.yaml").write_text(yaml.safe_dump(settings))
    done = run(
        "baselines", "record", "sgdml", "mini-i", "--subset", "unfolded", "--seeds", 2,
        "--config", folder / "tiny.yaml", "--folder", folder / "runs",
        "--records", folder / "records",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder


def test_a_record_says_what_was_reached_with_what(recorded):
    (record,) = accuracy.read_records(recorded / "records")
    assert record.dataset == "mini-i@1.0.0"
    assert record.config["sigmas"] == [20]
    assert record.versions["sgdml"]
    (trained,) = record.trainings
    assert [seed.seed for seed in trained.seeds] == [0, 1]
    assert list(trained.seeds[0].tests) == ["unfolded", "folded"]
    kept = recorded / "runs" / "sgdml-mini-i-unfolded-10-tiny-seed1" / "scores" / "folded-500.json"
    row = next(row for row in json.loads(kept.read_text())["rows"] if row["quantity"] == "F")
    assert trained.seeds[1].tests["folded"]["F"].mae == row["mae"]
    assert "| sGDML (tiny) | mini-i@1.0.0 | unfolded/train/10 | folded |" in (
        accuracy_table.markdown([record])
    )


def test_check_passes_and_fails_by_its_status(run, recorded, tmp_path):
    """Against its record, and against one of a model that was twice as good."""
    command = ["baselines", "check", "sgdml", "--folder", tmp_path / "runs", "--json"]
    good = run(*command, "--config", recorded / "tiny.yaml", "--records", recorded / "records")
    assert good.returncode == 0, good.stderr
    lines = json.loads(good.stdout)
    assert {line["task"] for line in lines} == {"unfolded->unfolded", "unfolded->folded"}
    assert not any(line["regressed"] for line in lines)
    (record,) = accuracy.read_records(recorded / "records")
    better = record.model_dump()
    better["config"]["lam"] = 1e-9
    for seed in better["trainings"][0]["seeds"]:
        for test in seed["tests"].values():
            for found in test.values():
                found["mae"] /= 2
    (tmp_path / "records").mkdir()
    (tmp_path / "records" / "better.json").write_text(json.dumps(better))
    bad = run(*command, "--config", recorded / "tiny.yaml", "--records", tmp_path / "records")
    assert bad.returncode == 1
    assert all(line["regressed"] for line in json.loads(bad.stdout))
    assert "not as it was recorded: lam was 1e-09, is 1e-10" in bad.stderr


def test_a_failed_training_is_a_regression(run, recorded, tmp_path):
    """The runs' folder cannot be made: the command says why, and the check that it failed."""
    (tmp_path / "file").write_text("")
    done = run(
        "baselines", "check", "sgdml", "--config", recorded / "tiny.yaml",
        "--records", recorded / "records", "--folder", tmp_path / "file",
    )  # fmt: skip
    assert done.returncode == 1
    assert "cannot be made" in done.stderr
    assert "ended with status 1" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_document_shows_the_shipped_records(repository):
    text = (repository / "docs" / "baselines" / "README.md").read_text(encoding="utf-8")
    shown = text.partition("<!-- table -->\n")[2].partition("<!-- end of table -->")[0]
    assert shown == accuracy_table.markdown(accuracy.read_records())


@pytest.mark.parametrize("record", accuracy.read_records(), ids=lambda item: item.model)
def test_shipped_records_are_of_the_shipped_data_and_settings(record):
    data = teadata.load(record.dataset)
    assert record.frames_sha256 == data.card.file("frames").sha256
    assert record.splits_sha256 == data.card.file("splits").sha256
    for trained in record.trainings:
        plan = runs.make_plan(record.model, data, trained.subset, trained.size, record.config_name)
        assert accuracy.settings_of(plan) == record.config
        assert (plan.train, plan.valid) == (trained.train, trained.valid)
        assert len(trained.seeds) >= 3
        assert set(trained.seeds[0].tests) == set(accuracy.tests_of(data, trained.subset))
