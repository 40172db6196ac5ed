"""How long interrupted trainings took, by what their sessions left in the run folder."""

from __future__ import annotations

import functools
import json
import shutil
import time

import pytest
from typer.testing import CliRunner

from baselines.accuracy.record import SeedResult
from baselines.cli import app
from baselines.runs.record import TrainingRecord
from baselines.runs.sessions import Stopwatch
from baselines.runs.speed import bench
from teadata.typing import no_progress


def test_a_session_counts_until_its_last_checkpoint(tmp_path, monkeypatch):
    monkeypatch.setattr("baselines.runs.sessions.PAUSE", 0.0)
    watch = Stopwatch(tmp_path, resumed=False)
    told = watch.noting(no_progress)
    time.sleep(0.3)
    (tmp_path / "checkpoint").write_text("")
    told("epoch", 1, 3)
    time.sleep(0.3)
    told("epoch", 2, 3)  # killed here: what came after the checkpoint is done again
    again = Stopwatch(tmp_path, resumed=True)
    before, now = again.sessions()
    assert before == pytest.approx(0.3, abs=0.15)
    assert now < 0.3
    assert again.seconds() == pytest.approx(before + now, abs=0.15)


def test_a_checkpoint_that_nobody_noted_counts(tmp_path):
    Stopwatch(tmp_path, resumed=False)
    time.sleep(0.3)
    (tmp_path / "checkpoint").write_text("")
    before, _ = Stopwatch(tmp_path, resumed=True).sessions()
    assert before == pytest.approx(0.3, abs=0.15)


def test_of_a_folder_of_an_earlier_version_the_whole_time_is_not_known(tmp_path):
    (tmp_path / "checkpoint").write_text("")
    watch = Stopwatch(tmp_path, resumed=True)
    assert watch.sessions() is None
    assert watch.seconds() < 1
    assert Stopwatch(tmp_path, resumed=True).sessions() is None  # nor is it later


def test_no_rate_is_made_of_the_time_of_a_last_session(run_folder, tmp_path, monkeypatch):
    copy = tmp_path / "copy"
    shutil.copytree(run_folder, copy)
    record = json.loads((copy / "record.json").read_text())
    record["resumed"] = True
    del record["session_seconds"]  # as records of earlier versions were
    (copy / "record.json").write_text(json.dumps(record))
    quick = functools.partial(bench, seconds=0.0)
    monkeypatch.setattr("baselines.runs.speed.bench", quick)
    done = CliRunner().invoke(app, ["bench", str(copy)], catch_exceptions=False)
    assert "frames/s not known: the time is of its last session" in " ".join(done.stdout.split())
    done = CliRunner().invoke(app, ["bench", str(copy), "--json"], catch_exceptions=False)
    assert json.loads(done.stdout)["train_frames_per_second"] is None
    assert SeedResult.of(TrainingRecord.read(copy / "record.json"), {}).last_session_only
