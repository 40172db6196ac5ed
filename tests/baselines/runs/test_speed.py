"""How fast a model predicts, by the command."""

from __future__ import annotations

import functools
import json
import time

import pytest
import yaml
from typer.testing import CliRunner

import teadata
from baselines.cli import app
from baselines.runs.folder import make_plan, train
from baselines.runs.record import TrainingRecord
from baselines.runs.speed import bench, repeated
from teadata.provenance import sha256


def test_the_call_that_warms_up_does_not_count():
    waits = iter([1.0, 0.0])
    assert repeated(lambda: time.sleep(next(waits)), seconds=0.0) < 0.5


def test_the_command_times_a_run(run_folder, monkeypatch):
    """In a fifth of a second each way, not in three."""
    monkeypatch.setattr("baselines.runs.speed.bench", functools.partial(bench, seconds=0.2))
    done = CliRunner().invoke(app, ["bench", str(run_folder), "--json"], catch_exceptions=False)
    assert done.exit_code == 0, done.stderr
    speed = json.loads(done.stdout)
    record = TrainingRecord.read(run_folder / "record.json")
    assert (speed["model"], speed["dataset"], speed["device"]) == ("sgdml", "mini-i@1.0.0", "cpu")
    assert speed["train_seconds"] == record.wall_seconds
    assert (speed["train_frames"], speed["many_frames"]) == (10, 64)
    assert speed["train_frames_per_second"] == pytest.approx(10 / record.wall_seconds)
    assert speed["record"] == sha256(run_folder / "record.json")
    for way in ("one", "many", "calculator", "one_cpu"):
        assert speed[f"{way}_us_per_atom"] > 0
    assert speed["hardware"]["cores"]


def test_no_frame_is_timed_that_a_calculator_remembers(case, tmp_path):
    """QUIP's keeps the last one: one frame would take a hundredth of its share of many."""
    pytest.importorskip("quippy")
    config = tmp_path / "tiny.yaml"
    config.write_text(yaml.safe_dump(case("gap").config.model_dump(mode="json")))
    data = teadata.load("mini-i")
    folder = tmp_path / "run"
    train(make_plan("gap", data, "folded", config_name=str(config)), folder)
    speed = bench(folder, seconds=0.1)
    for alone in (speed.one_us_per_atom, speed.calculator_us_per_atom):
        assert alone > speed.many_us_per_atom / 8


def test_a_run_that_has_not_finished_cannot_be_timed(run, tmp_path):
    done = run("baselines", "bench", tmp_path)
    assert done.returncode == 2
    assert "record.json" in done.stderr
    assert "Traceback" not in done.stderr
