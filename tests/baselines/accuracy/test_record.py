"""Records of accuracy: what they hold, and that the shipped ones are of what is shipped."""

from __future__ import annotations

import json

import pytest

import teadata
from baselines.accuracy import record as accuracy
from baselines.runs import folder as runs


@pytest.mark.parametrize("name", ["mini-i", "mini-ii", "mini-iii", "mini-iv", "mini-hydrogen"])
def test_every_task_is_tested(name):
    data = teadata.load(name)
    tasks = [
        f"{train}->{test}"
        for train in accuracy.trained_subsets(data.card)
        for test in accuracy.tests_of(data.card, train)
    ]
    assert sorted(tasks) == sorted(data.card.tasks)


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


@pytest.mark.parametrize("record", accuracy.read_records(), ids=lambda item: item.model)
def test_shipped_records_are_of_the_shipped_data_and_settings(record):
    data = teadata.load(record.dataset)
    assert record.frames_sha256 == data.card.file("frames").sha256
    assert record.splits_sha256 == data.card.file("splits").sha256
    for trained in record.trainings:
        plan = runs.make_plan(record.model, data, trained.subset, trained.size, record.config_name)
        assert accuracy.settings_of(plan) == record.config
        assert (plan.train, plan.valid) == (trained.train, trained.valid)
        # reference trainings are long: one seed, whose spread is that of the quick ones
        assert len(trained.seeds) >= (1 if record.config_name == "reference" else 3)
        assert set(trained.seeds[0].tests) == set(accuracy.tests_of(data.card, trained.subset))
