"""MACE as mace-torch's own command and calculator have it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from baselines.mace import MACE, MACEConfig
from teadata.units import EV

torch = pytest.importorskip("torch")
pytest.importorskip("mace")


def command(settings: MACEConfig, seed: int) -> list[str]:
    """The settings as options of mace_run_train."""
    options = []
    for name, value in settings.arguments(seed, "cpu").items():
        if value is True:
            options.append(f"--{name}")
        elif value is not False:
            options.append(f"--{name}={value}")
    return options


@pytest.mark.parametrize(
    "changed",
    [
        {},
        pytest.param(
            {
                "ema_decay": None,
                "scheduler": "ExponentialLR",
                "lr_scheduler_gamma": 0.5,
                "scaling": "std_scaling",
                "clip_grad": None,
            },
            marks=pytest.mark.slow,
        ),
    ],
)
def test_every_epoch_is_as_mace_run_trains(changed, mini_i, settings, tmp_path):
    from ase.io import write

    settings = settings.model_copy(update=changed)
    frames = {role: mini_i.split(f"folded/{role}/8") for role in ("train", "valid")}
    for role, part in frames.items():
        images = part.to_ase()
        for atoms in images:
            atoms.info["REF_energy"] = atoms.get_potential_energy()
            atoms.arrays["REF_forces"] = atoms.get_forces()
            atoms.calc = None
        write(tmp_path / f"{role}.xyz", images, format="extxyz")
    script = Path(sys.executable).with_name("mace_run_train")
    done = subprocess.run(
        [
            str(script),
            "--name=oracle",
            f"--work_dir={tmp_path}",
            *(f"--{role}_file={tmp_path / role}.xyz" for role in frames),
            *command(settings, seed=5),
            "--plot=False",
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    (file,) = (tmp_path / "results").glob("*_train.txt")
    logged = [json.loads(line) for line in file.read_text().splitlines()]
    oracle = [e for e in logged if e["mode"] == "eval" and e["epoch"] is not None]
    workdir = tmp_path / "ours"
    workdir.mkdir()
    model = MACE(settings, seed=5)
    result = model.fit(frames["train"], frames["valid"], workdir)
    assert len(oracle) == len(result.curve) == settings.max_num_epochs
    for entry, expected in zip(result.curve, oracle, strict=True):
        assert entry["valid_loss"] == pytest.approx(expected["loss"], rel=1e-6)
        assert entry["force_mae"] == pytest.approx(expected["mae_f"] * EV, rel=1e-6)
        assert entry["energy_rmse"] == pytest.approx(expected["rmse_e"] * EV, rel=1e-6)


@pytest.mark.parametrize("name", ["mini-i", "mini-iv"])
def test_an_exported_model_predicts_the_same_in_maces_calculator(
    name, trained, crystals, mini_i, tmp_path
):
    model, frames = (
        (trained[0], mini_i.split("folded/test")[:2]) if name == "mini-i" else crystals[name]
    )
    model.export(tmp_path / "tea.model")
    from mace.calculators import MACECalculator

    calculator = MACECalculator(str(tmp_path / "tea.model"), device="cpu", default_dtype="float64")
    predicted = model.predict(frames)
    for i, atoms in enumerate(frames.to_ase()):
        atoms.calc = calculator
        assert atoms.get_potential_energy() == pytest.approx(predicted.energies[i] / EV, abs=1e-8)
        np.testing.assert_allclose(atoms.get_forces(), predicted.forces[i] / EV, atol=1e-8)
        if predicted.stress is not None:
            found = atoms.get_stress(voigt=False)
            np.testing.assert_allclose(found, predicted.stress[i] / EV, atol=1e-10)
