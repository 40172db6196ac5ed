"""Trainings of MACE: whole, interrupted, and such that cannot be."""

from __future__ import annotations

import dataclasses
import logging
import os
import signal
import subprocess
import sys

import numpy as np
import pytest

from baselines import protocol
from baselines.mace import MACE
from baselines.mace.training import CHECKPOINT_FILE
from baselines.toolkit.labels import validation_errors
from teadata.errors import DataError

torch = pytest.importorskip("torch")
pytest.importorskip("mace")


def test_the_best_epoch_is_kept(trained, mini_i):
    model, result, _ = trained
    best = min(result.curve, key=lambda entry: entry["valid_loss"])
    assert result.selected == {"epoch": best["epoch"], "epochs": 4}
    valid = mini_i.split("folded/valid/8")
    for found in (result.valid, validation_errors(model.predict(valid), valid)):
        assert found == pytest.approx({key: best[key] for key in found}, rel=1e-9)


def test_patience_ends_a_training(mini_i, settings, tmp_path):
    impatient = settings.model_copy(update={"patience": 2, "max_num_epochs": 50, "lr": 1.0})
    model = MACE(impatient)
    train, valid = mini_i.split("folded/train/8"), mini_i.split("folded/valid/8")
    result = model.fit(train, valid, tmp_path)
    assert result.selected["epochs"] == result.selected["epoch"] + 2 < 50


KILLED = """
import sys, teadata
from pathlib import Path
from baselines.mace import MACE, MACEConfig
mini = teadata.load("mini-i")
def progress(task, done, total):
    print(done, flush=True)
MACE(MACEConfig.model_validate_json(sys.argv[1]), seed=3).fit(
    mini.split("folded/train/8"), mini.split("folded/valid/8"), Path(sys.argv[2]), progress
)
"""


@pytest.mark.parametrize(
    "end", [signal.SIGKILL, pytest.param(signal.SIGINT, marks=pytest.mark.slow)]
)
def test_a_killed_training_ends_with_the_same_weights(end, mini_i, settings, tmp_path):
    longer = settings.model_copy(update={"max_num_epochs": 8, "scheduler_patience": 0})
    train, valid = mini_i.split("folded/train/8"), mini_i.split("folded/valid/8")
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    for folder in (whole, killed):
        folder.mkdir()
    expected = MACE(longer, seed=3).fit(train, valid, whole)
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, longer.model_dump_json(), str(killed)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ,
    )
    for line in process.stdout:
        if int(line) == 7:  # two frames into the fourth epoch
            process.send_signal(end)
    _, said = process.communicate(timeout=60)
    assert process.returncode != 0
    assert ("KeyboardInterrupt" in said) == (end == signal.SIGINT)
    assert {path.name for path in killed.iterdir()} == {CHECKPOINT_FILE, protocol.LOG_FILE}
    tasks = []
    result = MACE(longer, seed=3).fit(
        train, valid, killed, lambda task, done, total: tasks.append((task, done, total))
    )
    assert tasks[0][0].startswith("epoch ")
    assert tasks[0][1] > 2  # not from the beginning
    assert result.selected == expected.selected
    assert [e["valid_loss"] for e in result.curve] == [e["valid_loss"] for e in expected.curve]
    first, second = (
        torch.load(folder / "model.pt", weights_only=True) for folder in (whole, killed)
    )
    assert first["state"].keys() == second["state"].keys()
    for name, weights in first["state"].items():
        assert torch.equal(weights, second["state"][name]), name


def test_a_finished_training_is_not_repeated(trained, settings, mini_i):
    _, result, workdir = trained
    before = (workdir / "model.pt").read_bytes()
    tasks = []
    repeated = MACE(settings).fit(
        mini_i.split("folded/train/8"),
        mini_i.split("folded/valid/8"),
        workdir,
        lambda task, done, total: tasks.append(task),
    )
    assert dataclasses.asdict(repeated) == dataclasses.asdict(result)
    assert (workdir / "model.pt").read_bytes() == before
    assert set(tasks) <= {"predict"}


def test_another_trainings_checkpoint_is_refused(trained, settings, mini_i, tmp_path):
    _, _, workdir = trained
    (tmp_path / CHECKPOINT_FILE).write_bytes((workdir / CHECKPOINT_FILE).read_bytes())
    train, valid = mini_i.split("folded/train/8"), mini_i.split("folded/valid/8")
    with pytest.raises(DataError, match="a training with another seed; expected 9, found 0"):
        MACE(settings, seed=9).fit(train, valid, tmp_path)
    with pytest.raises(DataError, match="with another config"):
        MACE(settings.model_copy(update={"lr": 0.5})).fit(train, valid, tmp_path)
    (tmp_path / CHECKPOINT_FILE).write_bytes(b"not a checkpoint")
    with pytest.raises(DataError, match="expected a checkpoint of a MACE training; remove it"):
        MACE(settings).fit(train, valid, tmp_path)


def test_progress_and_curve(mini_i, settings, tmp_path):
    seen = []
    model = MACE(settings)
    result = model.fit(
        mini_i.split("folded/train/8"),
        mini_i.split("folded/valid/8"),
        tmp_path,
        lambda *step: seen.append(step),
    )
    steps = [step for step in seen if step[0] != "predict"]
    assert [done for _, done, _ in steps] == list(range(1, 9))  # two batches in each of 4 epochs
    assert {total for _, _, total in steps} == {8}
    best = min(entry["force_mae"] for entry in result.curve[:3])
    assert steps[-1][0] == f"epoch 4, best valid F MAE {best:.3f} kcal/mol/Å"
    assert [entry["epoch"] for entry in result.curve] == [1, 2, 3, 4]
    assert all(np.isfinite(list(entry.values())).all() for entry in result.curve)
    assert "valid_loss" in (tmp_path / protocol.LOG_FILE).read_text()


def test_torch_loggers_and_terminal_are_left_as_they_were(mini_i, settings, tmp_path, capfd):
    dtype, random = torch.get_default_dtype(), torch.get_rng_state()
    threads = torch.get_num_threads()
    handlers, level = list(logging.getLogger().handlers), logging.getLogger().level
    model = MACE(settings)
    model.fit(mini_i.split("folded/train/8"), mini_i.split("folded/valid/8"), tmp_path)
    model.predict(mini_i.split("folded/test")[:2])
    assert torch.get_default_dtype() == dtype
    assert torch.equal(torch.get_rng_state(), random)
    assert torch.get_num_threads() == threads
    assert (list(logging.getLogger().handlers), logging.getLogger().level) == (handlers, level)
    assert capfd.readouterr() == ("", "")
