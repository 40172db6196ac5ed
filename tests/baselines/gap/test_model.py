"""The real gap_fit and QUIP, on few frames of the real data."""

from __future__ import annotations

import dataclasses
import json
import pickle

import numpy as np
import psutil
import pytest

from baselines import protocol
from baselines.gap import GAP
from baselines.toolkit.labels import validation_errors
from teadata.errors import DataError
from teadata.provenance import sha256_of


def test_what_is_fitted_is_learnt(trained, frames):
    model, result, _ = trained
    train, valid = frames
    error = np.abs(model.predict(train).forces - train.forces).mean()
    assert error < 0.3 * np.abs(train.forces).mean()
    two_body, whole = result.curve
    assert whole["force_rmse"] < two_body["force_rmse"]
    assert validation_errors(model.predict(valid), valid) == pytest.approx(result.valid)
    assert result.selected["sparse"] > 20
    assert result.selected["delta_soap"] == two_body["delta_soap"]


def test_a_model_folder_can_be_moved(settings, fluid, hydrogen, tmp_path):
    model, _, _ = fluid
    model.save(tmp_path / "saved")
    model.save(tmp_path / "saved")  # over another one
    (tmp_path / "saved").rename(tmp_path / "renamed")
    assert [path.name for path in tmp_path.iterdir()] == ["renamed"]
    again = GAP.load(tmp_path / "renamed", settings)
    expected = model.predict(hydrogen[1])
    for predicted in (
        again.predict(hydrogen[1]),
        pickle.loads(pickle.dumps(again)).predict(hydrogen[1]),
    ):
        np.testing.assert_array_equal(predicted.energies, expected.energies)
        np.testing.assert_array_equal(predicted.forces, expected.forces)


def stop_at(wanted):
    """A progress callback that is interrupted when a task begins."""

    def progress(task, done, total):
        if task == wanted:
            raise KeyboardInterrupt

    return progress


def test_an_interrupted_fit_leaves_only_its_stages_and_goes_on(
    settings, fluid, hydrogen, tmp_path, capfd
):
    _, result, workdir = fluid
    before = set(psutil.Process().children())
    with pytest.raises(KeyboardInterrupt):
        GAP(settings).fit(*hydrogen, tmp_path, stop_at("SOAP fit"))
    assert set(psutil.Process().children()) <= before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["stages.json", "train.log"]
    (tmp_path / ".fitting-killed").mkdir()
    tasks = []
    resumed_model = GAP(settings)
    resumed = resumed_model.fit(*hydrogen, tmp_path, lambda task, *_: tasks.append(task))
    assert "two-body fit" not in tasks
    assert dataclasses.asdict(resumed) == dataclasses.asdict(result)
    assert sha256_of(tmp_path / "model") == sha256_of(workdir / "model")
    assert not (tmp_path / ".fitting-killed").exists()
    tasks.clear()
    GAP(settings).fit(*hydrogen, tmp_path, lambda task, *_: tasks.append(task))
    assert tasks == []
    resumed_model.predict(hydrogen[1])
    assert capfd.readouterr() == ("", "")  # what gap_fit and QUIP print is in the log
    assert "CUR decomposition" in (tmp_path / protocol.LOG_FILE).read_text(encoding="utf-8")


def test_the_sigma_of_lowest_validation_error_is_kept(settings, hydrogen, tmp_path):
    settings = settings.model_copy(update={"sigma_force": [100.0, 0.01], "sparse_soap": 5})
    model = GAP(settings)
    result = model.fit(*hydrogen, tmp_path)
    assert [step["sigma_force"] for step in result.curve] == [100.0, 100.0, 0.01, 0.01]
    assert result.selected["sigma_force"] == 0.01
    assert json.loads((tmp_path / "stages.json").read_text())["curve"] == result.curve
    predicted = model.predict(hydrogen[1])
    assert validation_errors(predicted, hydrogen[1]) == pytest.approx(result.valid)


def test_frames_that_it_cannot_take(settings, trained, perovskite, small, tmp_path):
    with pytest.raises(DataError, match="not trained on I, Pb"):
        trained[0].predict(perovskite)
    apart = dataclasses.replace(small, positions=10.0 * small.positions)
    with pytest.raises(DataError, match="nothing to fit a two-body kernel to"):
        GAP(settings).fit(apart, apart, tmp_path)
    assert list(tmp_path.iterdir()) == []
