"""Predictions with what a run folder holds, and their scores."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

import teaeval
from baselines.runs import predictions
from teadata.errors import DataError
from teadata.provenance import sha256


def test_prediction_is_scored_and_traces_back(run, run_folder, tmp_path):
    path = tmp_path / "prediction.npz"
    done = run("baselines", "predict", run_folder, "-o", path, "--subset", "unfolded")
    assert done.returncode == 0, done.stderr
    written = path.stat().st_mtime_ns
    done = run("baselines", "predict", run_folder, "-o", path, "--subset", "unfolded")
    assert done.returncode == 0, done.stderr
    assert "was written before; nothing was done" in done.stdout
    assert path.stat().st_mtime_ns == written
    done = run("baselines", "predict", run_folder, "-o", path, "--subset", "folded")
    assert done.returncode == 2  # the prediction of another test set
    assert "is there already, and is not replaced" in done.stderr
    score = json.loads(run("teaeval", "score", path, "--json").stdout)
    assert score["dataset"]["subset"] == "unfolded"
    assert score["prediction"]["train"] == "folded/train/10"
    assert score["prediction"]["record"] == sha256(run_folder / "record.json")
    prediction = teaeval.read_prediction(path)
    assert teaeval.score(prediction).task == "folded->unfolded"


def test_score_keeps_prediction_and_score_beside_the_model(run, run_folder):
    done = run("baselines", "score", run_folder, "--json", "--bootstrap", 0)
    assert done.returncode == 0, done.stderr
    score = json.loads(done.stdout)
    kept = run_folder / "predictions" / "folded.npz"
    assert score["prediction"]["record"] == sha256(run_folder / "record.json")
    assert json.loads((run_folder / "scores" / "folded.json").read_text()) == score
    before = kept.stat().st_mtime_ns
    run("baselines", "score", run_folder, "--bootstrap", 0)
    assert kept.stat().st_mtime_ns == before  # it is not predicted twice
    by_teaeval = json.loads(run("teaeval", "score", kept, "--json", "--bootstrap", 0).stdout)
    assert by_teaeval["rows"] == score["rows"]


@pytest.mark.parametrize("damage", ["truncated", "train"])
def test_a_prediction_that_cannot_be_read_is_made_again(run, run_folder, tmp_path, damage):
    copy = tmp_path / "copy"
    shutil.copytree(run_folder, copy)
    command = ["baselines", "score", copy, "--frames", 40, "--bootstrap", 0, "--json"]
    first = run(*command)
    assert first.returncode == 0, first.stderr
    kept = copy / "predictions" / "folded-40.npz"
    if damage == "truncated":
        kept.write_bytes(kept.read_bytes()[:300])
    else:
        with np.load(kept) as file:
            arrays = dict(file)
        np.savez(kept, **arrays | {"train": np.array("folded")})
    again = run(*command)
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["rows"] == json.loads(first.stdout)["rows"]


def test_a_changed_model_is_not_used(run_folder, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(run_folder, copy)
    with open(copy / "model.npz", "ab") as stream:
        stream.write(b"\0")
    with pytest.raises(DataError, match="is not the one that was trained here"):
        predictions.predict(copy)


def test_predictions_are_those_of_the_test_set_in_its_order(run_folder, mini_i):
    prediction = predictions.predict(run_folder)
    test = mini_i.split("folded/test")
    np.testing.assert_array_equal(prediction.frame_ids, test.ids)
    np.testing.assert_array_equal(prediction.numbers, test.numbers)
