"""What every model's fit does: it refuses bad frames, and goes on where it was interrupted."""

from __future__ import annotations

import dataclasses
import json
import pickle
import re
import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest

from baselines import load_model
from baselines.registry import MODELS
from teadata import TeaError
from teadata.errors import DataError, UsageError
from teadata.provenance import sha256_of

RESUMED = ["mace", "sgdml", "gap", "fchl", "so3krates", "physnet", "tersoff"]
"""Models whose fit goes on with what it finds in its workdir; the others begin again."""

BATCHES = ["mace", "so3krates", "physnet"]
"""Models that are trained on batches, step by step."""

WITH_CUDA = [name for name, entry in MODELS.items() if "cuda" in entry.devices]


def test_the_reported_errors_are_those_of_the_validation_frames(trained, data):
    model, result = trained.model, trained.result
    predicted = model.predict(data.valid)
    for quantity in ("energies", "forces"):
        error = np.abs(getattr(predicted, quantity) - getattr(data.valid, quantity))
        key = {"energies": "energy", "forces": "force"}[quantity]
        assert result.valid[f"{key}_mae"] == pytest.approx(error.mean(), rel=1e-4)
        assert result.valid[f"{key}_rmse"] == pytest.approx(np.sqrt((error**2).mean()), rel=1e-4)


@pytest.mark.parametrize("role", ["training", "validation"])
def test_frames_that_cannot_be_trained_on_are_refused(role, untrained, data, tmp_path):
    """None at all, or with a value that is not finite; the workdir stays empty."""

    def refusal(frames) -> str:
        both = (frames, data.valid) if role == "training" else (data.train, frames)
        with pytest.raises(DataError) as refused:
            untrained().fit(*both, tmp_path)
        assert list(tmp_path.iterdir()) == []
        return str(refused.value)

    frames = data.train if role == "training" else data.valid
    assert f"no {role} frames; expected at least one" in refusal(frames[:0])
    for quantity in ("energies", "forces", "positions"):
        values = getattr(frames, quantity).copy()
        values[1] = np.nan
        message = refusal(dataclasses.replace(frames, **{quantity: values}))
        assert f"{quantity} of 1 of {len(frames)} {role} frames are not finite" in message
        assert f"frame {frames.ids[1]}" in message


def test_elements_that_were_not_trained_on_are_refused(trained, data):
    numbers = data.test.numbers.copy()
    numbers[0] = 16
    with pytest.raises(DataError, match="trained on") as refused:
        trained.model.predict(dataclasses.replace(data.test, numbers=numbers))
    assert "S" in re.findall(r"[A-Z][a-z]?", str(refused.value))


@pytest.mark.parametrize("name", BATCHES, indirect=True)
def test_fewer_frames_than_a_batch_are_refused(untrained, data, tmp_path):
    size = data.config.batch_size
    message = f"{size - 1} training frames, expected at least {size}: .* lower batch_size"
    with pytest.raises(DataError, match=message):
        untrained().fit(data.train[: size - 1], data.valid, tmp_path)


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("mace", {"lr": 1e200, "clip_grad": None}),
        pytest.param("so3krates", {"lr": 1e30}, marks=pytest.mark.slow),
        pytest.param("physnet", {"lr": 1e30}, marks=pytest.mark.slow),
    ],
    indirect=["name"],
)
def test_a_loss_that_is_no_number_ends_the_training(changes, untrained, data, tmp_path):
    model = untrained(**changes)
    with pytest.raises(TeaError, match=r"loss (became (nan|inf)|is not a number) .* lower lr"):
        model.fit(data.train, data.valid, tmp_path)
    assert not (tmp_path / model.model_file).exists()


@pytest.mark.parametrize(
    "name", [name for name in MODELS if name not in ("mace", "so3krates")], indirect=True
)
def test_an_interrupted_fit_ends_with_the_same_model(name, trained, untrained, data, tmp_path):
    """Interrupted two thirds through; models that begin again too, since the seed is the same.

    The two models that are not here are killed in earnest below.
    """
    whole = untrained()
    calls: list[str] = []

    def count(task, done, total) -> None:
        calls.append(task)
        if len(calls) == stop:
            raise KeyboardInterrupt

    stop, expected = len(trained.steps) * 2 // 3, trained.result
    with pytest.raises(KeyboardInterrupt):
        whole.fit(data.train, data.valid, tmp_path, count)
    assert not (tmp_path / whole.model_file).exists() or name in ("sgdml", "fchl")
    calls.clear()
    resumed = untrained()
    result = resumed.fit(data.train, data.valid, tmp_path, lambda task, *_: calls.append(task))
    if name in RESUMED:
        assert len(calls) < len(trained.steps)
    assert result.selected == expected.selected
    if name == "sgdml":  # whose sums depend on how its processes share the work
        assert result.valid == pytest.approx(expected.valid, rel=1e-6)
        return
    assert result.valid == expected.valid
    assert sha256_of(tmp_path / whole.model_file) == sha256_of(trained.workdir / whole.model_file)


KILLED = """
import os, pickle, sys
from pathlib import Path
from baselines import MODELS
name, config, train, valid, calls, end = pickle.loads(Path(sys.argv[1]).read_bytes())
def progress(*step):
    global calls
    calls -= 1
    if calls == 0:
        os.kill(os.getpid(), end)
MODELS[name].classes()[0](config).fit(train, valid, Path(sys.argv[2]), progress)
"""
"""Fits, and gets a signal after so many reports of progress."""


@pytest.mark.parametrize(
    ("name", "end"),
    [
        ("mace", signal.SIGKILL),
        ("so3krates", signal.SIGKILL),
        *(
            pytest.param(name, end, marks=pytest.mark.slow)
            for name, end in [
                ("mace", signal.SIGINT),
                ("so3krates", signal.SIGINT),
                ("physnet", signal.SIGKILL),
                ("physnet", signal.SIGINT),
            ]
        ),
    ],
    indirect=["name"],
)
def test_a_killed_training_ends_with_the_same_weights(
    run, name, end, trained, untrained, data, tmp_path
):
    """Its process is killed two thirds through, between two validations or after one."""
    workdir, there = tmp_path / "killed", tmp_path / "fit.pickle"
    workdir.mkdir()
    calls = len(trained.steps) * 2 // 3
    there.write_bytes(pickle.dumps((name, data.config, data.train, data.valid, calls, end)))
    (tmp_path / "killed.py").write_text(KILLED)
    killed = run(tmp_path / "killed.py", there, workdir)
    assert killed.returncode == -signal.SIGKILL or end == signal.SIGINT, killed.stderr
    assert killed.returncode != 0
    assert ("KeyboardInterrupt" in killed.stderr) == (end == signal.SIGINT)
    model_file = trained.model.model_file
    assert not (workdir / model_file).exists()
    steps = []
    result = untrained().fit(
        data.train, data.valid, workdir, lambda task, done, total: steps.append(done)
    )
    assert steps[0] > trained.steps[0]  # not from the beginning
    assert result.selected == trained.result.selected
    assert sha256_of(workdir / model_file) == sha256_of(trained.workdir / model_file)


@pytest.mark.parametrize("name", RESUMED, indirect=True)
def test_a_finished_fit_is_not_repeated(trained, untrained, data, tmp_path):
    workdir = tmp_path / "finished"
    shutil.copytree(trained.workdir, workdir)
    before = sha256_of(workdir / trained.model.model_file)
    tasks: set[str] = set()
    result = untrained().fit(data.train, data.valid, workdir, lambda task, *_: tasks.add(task))
    assert dataclasses.asdict(result) == dataclasses.asdict(trained.result)
    assert sha256_of(workdir / trained.model.model_file) == before
    assert tasks <= {"predict"}


@pytest.mark.parametrize("name", RESUMED, indirect=True)
def test_what_another_fit_left_is_refused(trained, untrained, data, tmp_path):
    """Other settings, another seed, other frames to train on or to validate with."""
    workdir = tmp_path / "finished"
    shutil.copytree(trained.workdir, workdir)
    train, valid = data.train, data.valid
    moved = dataclasses.replace(valid, energies=valid.energies + 1e-9)
    for other, frames, message in (
        (untrained(seed=9), (train, valid), "another seed .expected 9, found 0"),
        (untrained(size=data.config.size + 1), (train, valid), r"another config \(size: expected"),
        (untrained(), (train[::-1], valid), "other training frames"),
        (untrained(), (train, moved), "other validation frames"),
    ):
        with pytest.raises(DataError, match=message) as refused:
            other.fit(*frames, workdir)
        assert str(workdir) in str(refused.value)
        assert "remove it, or train in another folder" in str(refused.value)


@pytest.mark.parametrize(
    ("name", "file", "kept"),
    [
        ("gap", "stages.json", None),
        ("sgdml", "sigmas.json", None),
        ("fchl", "search.json", ("config", "seed", "curve", "lost")),
        ("tersoff", "starts.json", ("config", "seed", "results")),
    ],
    indirect=["name"],
)
def test_what_an_earlier_version_left_is_taken_up(file, kept, trained, untrained, data, tmp_path):
    """It wrote no checksums of frames; some wrote a list of results alone."""
    workdir = tmp_path / "finished"
    shutil.copytree(trained.workdir, workdir)
    now = json.loads((workdir / file).read_text())
    before = now["curve"] if kept is None else {key: now[key] for key in kept}
    (workdir / file).write_text(json.dumps(before))
    tasks: set[str] = set()
    result = untrained().fit(data.train, data.valid, workdir, lambda task, *_: tasks.add(task))
    assert dataclasses.asdict(result) == dataclasses.asdict(trained.result)
    assert tasks <= {"predict"}


def test_a_seed_beyond_the_range_is_refused_and_none_is_left_behind(name, untrained, trained):
    before = np.random.get_state()[1].tolist()  # noqa: NPY002
    for seed in (-1, 2**31 - 1, 2**32, 1.5):
        with pytest.raises(UsageError, match=r"seed: expected a (whole )?number"):
            untrained(seed=seed)
    assert untrained(seed=2**31 - 2).seed == 2**31 - 2
    assert np.random.get_state()[1].tolist() == before  # noqa: NPY002


@pytest.mark.parametrize("name", [n for n in MODELS if n not in WITH_CUDA], indirect=True)
def test_a_device_that_a_model_does_not_have_is_refused(name):
    with pytest.raises(UsageError, match=f"unknown device of {name} 'cuda'"):
        load_model(name, device="cuda")


def test_importing_the_models_loads_no_backend_and_missing_ones_are_named(tmp_path):
    """In one process that has none of the backends."""
    script = """
import json, sys
from pathlib import Path
import teadata
from baselines import MODELS, load_model
for entry in MODELS.values():
    entry.classes()
loaded = {"torch", "jax", "tensorflow", "vesin"} | {entry.backend for entry in MODELS.values()}
loaded &= set(sys.modules)
sys.modules |= {entry.backend: None for entry in MODELS.values()}
said = {}
for name, entry in MODELS.items():
    frames = teadata.load(entry.datasets[0]).split("complete/train/12")
    try:
        load_model(name).fit(frames, frames, Path(sys.argv[1]))
    except teadata.TeaError as error:
        said[name] = str(error)
print(json.dumps([sorted(loaded), said]))
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    loaded, said = json.loads(done.stdout)
    assert loaded == []
    for name, entry in MODELS.items():
        # the neighbour list, which several models share, is in the smallest extra that has it
        extras = (entry.extra, "md")
        assert any(f"[{extra}]'" in said[name] for extra in extras)
