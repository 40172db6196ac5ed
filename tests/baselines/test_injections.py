"""Regressions put into a model on purpose: the check of accuracy sees each of them.

Real commands, on warm dense hydrogen, the smallest test set.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

pytestmark = pytest.mark.slow

SETTINGS = {
    "size": 48, "dtype": "float32", "num_channels": 8, "max_L": 0, "max_ell": 2, "correlation": 2,
    "r_max": 3.0, "radial_MLP": [16], "lr": 0.02, "ema_decay": 0.9, "batch_size": 2,
    "scheduler": "ExponentialLR", "lr_scheduler_gamma": 0.8, "max_num_epochs": 8,
}  # fmt: skip


@pytest.fixture(scope="module")
def recorded(run, tmp_path_factory) -> Path:
    """A folder with settings and the record of three seeds."""
    folder = tmp_path_factory.mktemp("injections")
    (folder / "small.yaml").write_text(yaml.safe_dump(SETTINGS))
    done = run(
        "baselines", "record", "mace", "mini-hydrogen", "--config", folder / "small.yaml",
        "--folder", folder / "runs", "--records", folder / "records",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder


def check(folder: Path, environment: dict[str, str] | None = None):
    return subprocess.run(
        [
            sys.executable, "-m", "baselines", "check", "--json",
            "--config", folder / "small.yaml", "--records", folder / "records",
        ],
        capture_output=True,
        text=True,
        env=os.environ | (environment or {}),
        check=False,
    )  # fmt: skip


def regressed(done) -> dict[str, bool]:
    return {line["quantity"]: line["regressed"] for line in json.loads(done.stdout)}


def test_nothing_injected_nothing_found(recorded):
    done = check(recorded)
    assert done.returncode == 0, done.stderr
    assert regressed(done) == {"E": False, "F": False}
    assert "not as it was recorded" not in done.stderr


@pytest.mark.parametrize(
    "change", [{"r_max": SETTINGS["r_max"] / 2}, {"forces_weight": 0.0}], ids=["cutoff", "forces"]
)
def test_a_halved_cutoff_and_a_loss_without_forces_are_found(recorded, change):
    settings = recorded / "small.yaml"
    before = settings.read_text()
    settings.write_text(yaml.safe_dump(SETTINGS | change))
    try:
        done = check(recorded)
    finally:
        settings.write_text(before)
    assert done.returncode == 1
    assert regressed(done)["F"]
    assert f"not as it was recorded: {next(iter(change))} was" in done.stderr


def test_forces_in_the_wrong_unit_are_found(recorded, tmp_path):
    """A bug in the code: the network's eV are passed on as kcal/mol."""
    (tmp_path / "sitecustomize.py").write_text("import baselines.mace.model as m\nm.EV = 1.0\n")
    done = check(recorded, {"PYTHONPATH": str(tmp_path)})
    assert done.returncode == 1
    assert regressed(done) == {"E": True, "F": True}
    assert "ended with status 1" in done.stderr  # it could not even be scored
    assert "eV" in done.stderr
