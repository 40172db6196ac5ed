"""Records of accuracy: what they hold, and that the shipped ones are of what is shipped."""

from __future__ import annotations

import json
import shutil

import pytest
import yaml

import teadata
from baselines.accuracy import record as accuracy
from baselines.config import CONFIGS
from baselines.runs import folder as runs
from teadata.errors import UsageError


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
        # long trainings: one seed
        one = record.config_name.startswith(("reference", "paper"))
        assert len(trained.seeds) >= (1 if one else 3)
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


def record_again(run, folder, *more):
    return run(
        "baselines", "record", "sgdml", "mini-i", "--subset", "unfolded", "--seeds", 1,
        "--config", folder / "tiny.yaml", "--runs", folder / "runs",
        "--records", folder / "records", *more,
    )  # fmt: skip


def test_a_training_of_another_machine_stays_beside_a_new_one(run, tmp_path, other_subset):
    done = record_again(run, tmp_path)
    assert done.returncode == 0, done.stderr
    assert "lost" not in done.stderr
    older, newer = accuracy.read_record(other_subset).trainings
    assert (older.subset, older.hardware) == ("folded", {"processor": "another"})
    assert newer.subset == "unfolded"
    assert newer.versions["sgdml"] != "0.1"
    assert newer.hardware["cores"]


def test_trainings_of_other_settings_are_lost_only_if_that_is_said(run, tmp_path, other_subset):
    settings = yaml.safe_load((tmp_path / "tiny.yaml").read_text())
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(settings | {"sigmas": [30]}))
    shutil.rmtree(tmp_path / "runs")
    before = other_subset.read_bytes()
    refused = record_again(run, tmp_path)
    assert refused.returncode == 2
    said = "mini-i@1.0.0 folded/train/10 (2 seeds) would be lost to mini-i@1.0.0 unfolded/train/10"
    assert said in refused.stderr
    assert "(sigmas); give another folder with --records, or --replace" in refused.stderr
    assert not (tmp_path / "runs").exists()  # nothing was trained in vain
    assert other_subset.read_bytes() == before
    done = record_again(run, tmp_path, "--replace")
    assert done.returncode == 0, done.stderr
    assert said in done.stderr
    assert [training.subset for training in accuracy.read_record(other_subset).trainings] == [
        "unfolded"
    ]


@pytest.mark.parametrize(
    ("dataset", "size", "seeds", "lost"),
    [
        ("mini-hydrogen@1.0.0", 192, 3, ""),
        ("mini-hydrogen@1.0.0", 192, 1, "complete/train/192 (3 seeds) would be lost"),
        ("mini-hydrogen@1.0.0", 4, 3, "would be lost to mini-hydrogen@1.0.0 complete/train/4"),
        ("mini-hydrogen", 192, 3, "with other data or settings (dataset, frames_sha256, splits"),
    ],
)
def test_what_is_shipped_is_lost_only_if_that_is_said(dataset, size, seeds, lost):
    """Also by the plain command, whose version of the data is a newer one by now."""
    plan = runs.make_plan("yukawa", teadata.load(dataset), "complete", size)
    said = accuracy.losses(accuracy.record_file(plan), plan, seeds)
    assert lost in said
    assert bool(said) == bool(lost)


def test_a_configuration_of_ones_own_is_not_recorded_as_a_shipped_one(run, tmp_path):
    shutil.copy(CONFIGS / "yukawa" / "quick.yaml", tmp_path / "quick.yaml")
    command = ["baselines", "record", "yukawa", "mini-hydrogen", "--size", 4, "--seeds", 1]
    command += ["--records", tmp_path / "records", "--runs", tmp_path / "runs", "--config"]
    refused = run(*command, tmp_path / "quick.yaml", "--replace")
    assert refused.returncode == 2
    assert "the name of the shipped configuration quick" in refused.stderr
    assert f"e.g. {tmp_path / 'my-quick.yaml'}" in refused.stderr
    assert not (tmp_path / "records").exists()


def test_nothing_is_recorded_into_an_installed_package(monkeypatch, tmp_path):
    accuracy.check_place(accuracy.RECORDS)  # of a clone
    monkeypatch.setattr(accuracy, "RECORDS", tmp_path / "baselines" / "records")
    with pytest.raises(UsageError, match="--records FOLDER"):
        accuracy.check_place(accuracy.RECORDS)
    accuracy.check_place(tmp_path)
