"""Run folders: what a training leaves in one, and how a killed one is taken up."""

from __future__ import annotations

import json
import os
import pickle
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from filelock import FileLock

import baselines
import teadata
from baselines.runs import folder as runs
from baselines.runs.record import TrainingRecord
from teadata import formats
from teadata.create import Options, create
from teadata.create.splitting import Wanted
from teadata.errors import UsageError
from teadata.provenance import sha256


def test_record_says_what_was_done_with_what(run_folder, mini_i):
    record = TrainingRecord.read(str(run_folder / "record.json"))
    assert record.plan.dataset == "mini-i@1.0.0"
    assert record.plan.frames_sha256 == mini_i.card.file("frames").sha256
    assert (record.plan.train, record.plan.valid) == ("folded/train/10", "folded/valid/10")
    assert record.plan.config["sigmas"] == [10, 20, 30]
    assert record.model_sha256 == sha256(run_folder / "model.npz")
    assert record.versions["sgdml"] == "1.0.3"
    assert record.versions["tea-benchmark"]
    assert record.hardware["cores"]
    assert record.wall_seconds > 0
    assert record.peak_memory_mib > 50
    assert record.peak_gpu_memory_mib is None
    assert not record.resumed


def test_the_folder_holds_settings_log_and_curve(run, run_folder):
    settings = yaml.safe_load((run_folder / "config.yaml").read_text())
    assert settings["sigmas"] == [10, 20, 30]
    assert (run_folder / "train.log").read_text().strip()
    curve = runs.read_curve(run_folder)
    assert [step["sigma"] for step in curve] == [10, 20, 30][: len(curve)]
    assert (
        sha256(run_folder / "curve.parquet")
        == TrainingRecord.read(run_folder / "record.json").curve_sha256
    )
    again = run("baselines", "train", "sgdml", "mini-i", "--config", run_folder / "config.yaml",
                "--subset", "folded", "-o", run_folder)  # fmt: skip
    assert again.returncode == 0, again.stderr  # the settings are a configuration
    assert "has finished before; nothing was done" in again.stdout


def test_a_loaded_model_is_an_ase_calculator_that_pickles(run_folder, mini_i):
    calculator = baselines.load(run_folder).calculator()
    atoms = mini_i.split("folded/test")[:1].to_ase()[0]
    atoms.calc = calculator
    energy = atoms.get_potential_energy()
    atoms.calc = pickle.loads(pickle.dumps(baselines.load(run_folder).calculator()))
    assert atoms.get_potential_energy() == pytest.approx(energy, rel=1e-12)


def test_two_trainings_do_not_share_a_folder(run, mini_i, tmp_path):
    plan = runs.make_plan("sgdml", mini_i, "folded", 5)
    folder = tmp_path / "run"
    folder.mkdir()
    with (
        FileLock(folder / runs.LOCK_FILE),
        pytest.raises(UsageError, match="another process is training here"),
    ):
        runs.train(plan, folder)
    assert not (folder / "plan.json").exists()


def test_a_finished_run_is_not_overwritten(run, run_folder):
    before = sha256(run_folder / "record.json")
    done = run("baselines", "train", "sgdml", "mini-i", "--subset", "folded", "-o", run_folder)
    assert done.returncode == 2
    assert "with another plan has finished here already" in done.stderr
    assert sha256(run_folder / "record.json") == before


def test_a_killed_training_is_taken_up_where_it_was(run, run_folder, config_file, tmp_path):
    folder = tmp_path / "killed"
    command = [
        str(Path(sys.executable).parent / "baselines"), "train", "sgdml", "mini-i",
        "--subset", "folded", "--config", str(config_file), "-o", str(folder),
    ]  # fmt: skip
    with subprocess.Popen(
        command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True
    ) as process:
        deadline = time.monotonic() + 200
        while not (folder / "sigmas.json").exists():
            assert time.monotonic() < deadline
            assert process.poll() is None
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGKILL)
    (before,) = json.loads((folder / "sessions.json").read_text())["seconds"]
    assert not (folder / "record.json").exists()
    other = run("baselines", "train", "sgdml", "mini-i", "--subset", "unfolded", "-o", folder)
    assert other.returncode == 2
    assert "another plan" in other.stderr
    unfinished = run("baselines", "predict", folder, "-o", tmp_path / "p.npz")
    assert unfinished.returncode == 2
    assert "has not finished" in unfinished.stderr
    assert run("baselines", "resume", folder).returncode == 0
    again = run("baselines", "resume", folder)
    assert again.returncode == 0
    assert "has finished before; nothing was done" in again.stdout
    resumed = TrainingRecord.read(folder / "record.json")
    whole = TrainingRecord.read(run_folder / "record.json")
    assert resumed.resumed
    first, second = resumed.session_seconds
    assert first >= round(before, 1)
    assert first > 0  # until sigmas.json was written
    assert resumed.wall_seconds == pytest.approx(first + second, abs=0.2)
    assert resumed.whole_time
    assert resumed.selected == whole.selected
    assert resumed.valid == pytest.approx(whole.valid)
    curves = [runs.read_curve(path) for path in (folder, run_folder)]
    assert [step["sigma"] for step in curves[0]] == [step["sigma"] for step in curves[1]]


def test_a_folder_of_something_else_is_left_alone(mini_i, tmp_path):
    (tmp_path / "thesis.tex").write_text("precious")
    plan = runs.make_plan("sgdml", mini_i, "folded", 5)
    with pytest.raises(UsageError, match="is not a run folder"):
        runs.train(plan, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_the_same_plan_gives_the_same_folder_name(mini_i):
    plan = runs.make_plan("sgdml", mini_i, "folded", 200)
    assert plan.config["size"] == 200
    assert runs.default_folder(plan) == Path("runs/sgdml-mini-i-folded-200-quick-seed0")


def test_fewer_validation_frames_than_asked_for_are_all_taken():
    plan = runs.make_plan("sgdml", teadata.load("mini-iii"), "complete", 150)
    assert (plan.train, plan.valid) == ("complete/train/150", "complete/valid/100")


def test_what_a_small_dataset_lacks_is_said_with_the_remedy(mini_i, tmp_path, monkeypatch):
    monkeypatch.setenv("TEADATA_HOME", str(tmp_path))
    file = tmp_path / "a.npz"
    formats.write(file, mini_i.split("folded/train/40"))
    create("small", file, Options(wanted=Wanted(valid=5, test=5)))
    small = teadata.load("small")
    with pytest.raises(
        UsageError, match=r"small@0.1.0 complete has 30 .* say how many to take, 30 at most: --size"
    ):
        runs.make_plan("sgdml", small, "complete")
    with pytest.raises(UsageError, match="so sizes 1 to 30 do"):
        runs.make_plan("sgdml", small, "complete", 31)
    assert runs.make_plan("sgdml", small, "complete", 30).valid == "complete/valid/5"
    create("small", file, Options(wanted=Wanted(valid=0, test=5)), version="0.2.0")
    said = (
        r"small@0.2.0 complete has no validation frames, .* with --valid N and the next --version"
    )
    with pytest.raises(UsageError, match=said):
        runs.make_plan("sgdml", teadata.load("small"), "complete", 20)
