"""Calculators over test sets: right units, resumed, refused with a reason."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import teaeval
from teadata import units

MODELS = '''
import os, time
import numpy as np
from ase.calculators.calculator import Calculator
from teadata import units

class Spring(Calculator):
    """Every atom bound to the origin: energy k r²/2 in eV."""
    implemented_properties = ["energy", "forces"]

    def calculate(self, *args):
        super().calculate(*args)
        time.sleep(float(os.environ.get("PAUSE", "0")))
        with open("calls", "a") as calls:
            calls.write(".")
        x = self.atoms.positions
        self.results = {"energy": 0.5 * (x**2).sum(), "forces": -x}

class Batches:
    def predict(self, frames):
        x = frames.positions
        with open("calls", "a") as calls:
            calls.write(".")
        return 0.5 * (x**2).sum(axis=(1, 2)) * units.EV, -x * units.EV

def fails():
    spring = Spring()
    calculate = spring.calculate
    def bad(*args):
        if os.path.exists("calls") and os.path.getsize("calls") >= 7:
            raise FloatingPointError("SCF did not converge")
        calculate(*args)
    spring.calculate = bad
    return spring

def needs(argument):
    pass
'''


@pytest.fixture
def models(tmp_path, monkeypatch) -> Path:
    (tmp_path / "models.py").write_text(MODELS)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def ask(run, models: Path, calculator: str, output: str = "p.npz"):
    return run("teaeval", "predict", "mini-iii", "--subset", "complete", "--calculator", calculator,
               "-o", output, cwd=models)  # fmt: skip


def check(path: Path) -> None:
    found = teaeval.read_prediction(path)
    np.testing.assert_allclose(found.forces, -found.positions * units.EV, rtol=1e-14)
    expected = 0.5 * (found.positions**2).sum(axis=(1, 2)) * units.EV
    np.testing.assert_allclose(found.energies, expected, rtol=1e-12)


@pytest.mark.parametrize("factory", ["Spring", "Batches"])
def test_a_calculator_over_a_test_set(run, models, factory):
    done = ask(run, models, f"models:{factory}")
    assert done.returncode == 0, done.stderr
    assert "p.npz: 200 frames of mini-iii@1.0.0 complete/test" in done.stdout
    check(models / "p.npz")
    assert len((models / "calls").read_text()) == (200 if factory == "Spring" else 7)
    assert sorted(p.name for p in models.iterdir() if p.name.startswith(".")) == []
    done = run("teaeval", "score", models / "p.npz")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_goes_on(run, models, how):
    command = [str(Path(sys.executable).parent / "teaeval"), "predict", "mini-iii"]
    command += ["--subset", "complete", "--calculator", "models:Spring", "-o", "p.npz"]
    slow = subprocess.Popen(command, cwd=models, env=os.environ | {"PAUSE": "0.05"})
    calls = models / "calls"
    while not calls.exists() or len(calls.read_text()) < 20:
        time.sleep(0.05)
    slow.send_signal(how)
    slow.wait()
    before = len(calls.read_text())
    assert not (models / "p.npz").exists()
    done = ask(run, models, "models:Spring")
    assert done.returncode == 0, done.stderr
    check(models / "p.npz")
    again = len(calls.read_text()) - before
    if how == signal.SIGINT:
        assert again in (200 - before, 200 - before + 1)  # the frame that was interrupted


def test_a_calculator_that_fails(run, models):
    done = ask(run, models, "models:fails")
    assert done.returncode == 1
    assert "failed on frame" in done.stderr
    assert "FloatingPointError: SCF did not converge" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (models / "p.npz").exists()
    assert (models / ".p.npz.checkpoint.npz").exists()
    done = ask(run, models, "models:Spring")
    assert done.returncode == 1
    assert "is the checkpoint of another run" in done.stderr


def test_where_it_cannot_be_written_nothing_is_computed(run, models):
    done = ask(run, models, "models:Spring", "p.txt")
    assert done.returncode == 2
    assert "unknown file suffix '.txt'" in done.stderr
    assert not (models / "calls").exists()
