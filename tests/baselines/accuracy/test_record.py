"""Records of accuracy: what they hold, and that the shipped ones are of what is shipped."""

from __future__ import annotations

import json
import shutil

import pytest
import yaml

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
    (trained,) = record.trainings
    assert trained.versions["sgdml"]
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
        assert len(trained.seeds) >= (1 if record.config_name.startswith("reference") else 3)
        assert set(trained.seeds[0].tests) == set(accuracy.tests_of(data.card, trained.subset))


@pytest.fixture
def other_subset(recorded, tmp_path):
    """The record, with its training said to be of folded frames, and made elsewhere."""
    (shipped,) = (recorded / "records").glob("*.json")
    record = json.loads(shipped.read_text())
    (trained,) = record["trainings"]
    trained |= {"train": "folded/train/10", "valid": "folded/valid/10"}
    trained |= {"hardware": {"processor": "another"}, "versions": {"sgdml": "0.1"}}
    path = tmp_path / "records" / shipped.name
    path.parent.mkdir()
    path.write_text(json.dumps(record))
    shutil.copy(recorded / "tiny.yaml", tmp_path)
    shutil.copytree(recorded / "runs", tmp_path / "runs")
    return path


def record_again(run, folder):
    return run(
        "baselines", "record", "sgdml", "mini-i", "--subset", "unfolded", "--seeds", 1,
        "--config", folder / "tiny.yaml", "--runs", folder / "runs",
        "--records", folder / "records",
    )  # fmt: skip


def test_a_training_of_another_machine_stays_beside_a_new_one(run, tmp_path, other_subset):
    done = record_again(run, tmp_path)
    assert done.returncode == 0, done.stderr
    assert "dropped" not in done.stderr
    older, newer = accuracy.read_record(other_subset).trainings
    assert (older.subset, older.hardware) == ("folded", {"processor": "another"})
    assert newer.subset == "unfolded"
    assert newer.versions["sgdml"] != "0.1"
    assert newer.hardware["cores"]


def test_trainings_of_other_settings_are_dropped_with_a_word(run, tmp_path, other_subset):
    settings = yaml.safe_load((tmp_path / "tiny.yaml").read_text())
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(settings | {"sigmas": [30]}))
    shutil.rmtree(tmp_path / "runs")
    done = record_again(run, tmp_path)
    assert done.returncode == 0, done.stderr
    assert "its trainings on folded will be dropped" in done.stderr
    assert "(sigmas)" in done.stderr
    assert [training.subset for training in accuracy.read_record(other_subset).trainings] == [
        "unfolded"
    ]
