"""The model: trained on few frames of the real data."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from baselines.fchl import FCHL
from baselines.protocol import LOG_FILE
from baselines.toolkit.labels import validation_errors
from teadata import load
from teadata.errors import DataError, TeaError, UsageError

pytest.importorskip("torch")
pytest.importorskip("vesin")


@pytest.fixture(scope="module")
def trained(small_model):
    """A model of ten frames of a molecule, what its fit returned, and the workdir."""
    return small_model("fchl")[:3]


def test_energies_and_forces_are_learned(trained, mini_i):
    model, result, _ = trained
    valid = mini_i.split("folded/valid/10")
    assert result.valid["force_mae"] < 0.3 * np.abs(valid.forces).mean()
    assert validation_errors(model.predict(valid), valid) == pytest.approx(result.valid)
    assert result.selected["sigma"] in (4.0, 16.0)
    assert len(result.curve) == 4


def test_the_best_width_and_regularisation_are_kept(trained):
    _, result, workdir = trained
    best = min(result.curve, key=lambda entry: entry["energy_mae"] + entry["force_mae"])
    assert result.selected == {"sigma": best["sigma"], "lambda": best["lambda"]}
    assert len((workdir / LOG_FILE).read_text(encoding="utf-8").splitlines()) == 4


def test_the_constant_of_the_energy_needs_energies(settings, tmp_path):
    """Forces alone leave it undetermined: MAE and RMSE become one, far above the spread."""
    data = load("mini-iii")
    train, valid = data.split("complete/train/10"), data.split("complete/valid/10")
    errors = {}
    for fitted in (True, False):
        config = settings(fit_energies=fitted, rcut=4.0, acut=4.0, nstacks=4)
        folder = tmp_path / str(fitted)
        folder.mkdir()
        errors[fitted] = FCHL(config).fit(train, valid, folder).valid
    assert errors[False]["force_mae"] == pytest.approx(errors[True]["force_mae"], rel=0.1)
    assert errors[False]["energy_mae"] > 3.0 * errors[True]["energy_mae"]
    assert errors[False]["energy_rmse"] < 1.1 * errors[False]["energy_mae"]


def test_a_search_file_that_is_none_is_refused(settings, small, tmp_path):
    (tmp_path / "search.json").write_text("[]", encoding="utf-8")
    with pytest.raises(DataError, match=r"expected the search of an FCHL19. training"):
        FCHL(settings()).fit(small, small, tmp_path)


def test_kernels_that_are_not_installed_are_said_to_be(settings, small, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "qml_lightning", None)
    config = settings(backend="qml-lightning", dtype="float32")
    with pytest.raises(UsageError, match="qml_lightning is not installed") as refused:
        FCHL(config, device="cuda").fit(small, small, tmp_path)
    assert "github.com/nickjbrowning/qml-lightning" in str(refused.value)
    assert "or set backend: torch" in str(refused.value)
    assert list(tmp_path.iterdir()) == []


def test_widths_can_be_compared_on_fewer_frames(settings, mini_i, tmp_path):
    config = settings(sigmas=[0.1, 8.0], search_size=4)
    train, valid = mini_i.split("folded/train/10"), mini_i.split("folded/valid/10")
    result = FCHL(config).fit(train, valid, tmp_path)
    assert [(entry["sigma"], entry["frames"]) for entry in result.curve] == [
        (0.1, 4.0), (8.0, 4.0), (8.0, 10.0),
    ]  # fmt: skip
    assert result.selected["sigma"] == 8.0


def test_a_lambda_without_a_solution_is_left_out_of_the_search(settings, mini_i, tmp_path):
    """It is named in the log, and the others go on; only if none is left does the training end."""
    train, valid = mini_i.split("folded/train/10"), mini_i.split("folded/valid/10")
    many = {"nstacks": 16, "sigmas": [1e4, 8.0]}  # more features than rows, all but constant
    config = settings(lambdas=[1e-300, 1e-5], **many)
    result = FCHL(config).fit(train, valid, tmp_path)
    assert result.selected == {"sigma": 8.0, "lambda": 1e-5}
    log = (tmp_path / LOG_FILE).read_text(encoding="utf-8").splitlines()
    lost = [line for line in log if "left out, the normal equations are not positive" in line]
    assert [line.partition(", frames")[0] for line in lost] == [
        "sigma 10000, lambda 1e-300", "sigma 8, lambda 1e-300",
    ]  # fmt: skip
    (tmp_path / "none").mkdir()
    with pytest.raises(TeaError, match=r"none of the sigmas and lambdas has a solution.*svd"):
        FCHL(settings(lambdas=[1e-300], **many)).fit(train, valid, tmp_path / "none")
