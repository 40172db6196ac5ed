"""PACE: a tiny fit by the real package to real frames of hydrogen."""

from __future__ import annotations

import numpy as np
import pytest

from baselines.pace import PACE
from teadata import Frames
from teadata.errors import DataError


def test_what_is_fitted_is_learnt(small_model, case):
    model, _, workdir, _ = small_model("pace")
    train = case("pace").train
    error = np.abs(model.predict(train).forces - train.forces).mean()
    assert error < 0.7 * np.abs(train.forces).mean()
    assert (workdir / "train.log").read_text().strip()


def test_atoms_that_meet_repel(small_model):
    """Below every distance that was trained on: a pair in a large cell."""
    apart = np.array([0.2, 0.3, 0.4])
    positions = np.zeros((3, 2, 3))
    positions[:, 1, 0] = apart
    pair = Frames(
        numbers=[1, 1], positions=positions, energies=np.zeros(3), forces=np.zeros((3, 2, 3)),
        cell=np.tile(20.0 * np.eye(3), (3, 1, 1)), pbc=[True] * 3,
    )  # fmt: skip
    predicted = small_model("pace").model.predict(pair)
    assert (predicted.forces[:, 1, 0] > 0).all()
    assert (np.diff(predicted.energies) < 0).all()


def test_a_file_of_another_format_is_refused(case, tmp_path):
    (tmp_path / "model.json").write_text('{"format": "another"}')
    with pytest.raises(DataError, match=r"model\.json: expected a"):
        PACE.load(tmp_path / "model.json", case("pace").config)


def test_the_regularisation_of_lowest_validation_error_is_kept(small_model):
    result = small_model("pace").result
    assert [step["ridge"] for step in result.curve] == [1e-2, 1e-10]
    assert result.selected["ridge"] == min(result.curve, key=lambda s: s["force_rmse"])["ridge"]
    assert result.selected["functions"] == 60
