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

import teadata
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
    asked = len((models / "calls").read_text())
    done = ask(run, models, f"models:{factory}")
    assert done.returncode == 0, done.stderr
    assert "p.npz: this prediction was written before; nothing was done" in done.stdout
    assert len((models / "calls").read_text()) == asked + 1  # the first frame again
    done = run("teaeval", "score", models / "p.npz")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_goes_on(run, models, how):
    command = [str(Path(sys.executable).parent / "teaeval"), "predict", "mini-iii"]
    command += ["--subset", "complete", "--calculator", "models:Spring", "-o", "p.npz"]
    slow = subprocess.Popen(command, cwd=models, env=os.environ | {"PAUSE": "0.05"})
    calls = models / "calls"
    while not calls.exists() or len(calls.read_text()) < 20:
        assert slow.poll() is None
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
        # the first frame again, and perhaps the frame that was interrupted
        assert again in (200 - before + 1, 200 - before + 2)


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


SHAPES = """
import numpy as np

class Model:
    def __init__(self, energies=lambda e: e, forces=lambda f: f, pack=tuple):
        self.energies, self.forces, self.pack = energies, forces, pack

    def predict(self, frames):
        e, f = frames.energies + 1.0, frames.forces * 1.01
        return self.pack((self.energies(e), self.forces(f)))

def good(): return Model()
def column(): return Model(lambda e: e[:, None])
def lists(): return Model(lambda e: e.tolist(), lambda f: f.tolist(), list)
def single(): return Model(lambda e: e.astype(np.float32), lambda f: f.astype(np.float32))
def tensors():
    import torch
    return Model(lambda e: torch.tensor(e), lambda f: torch.tensor(f, requires_grad=True))
def gaps(): return Model(lambda e: np.where(np.arange(len(e)) == 1, np.nan, e))
def failed(): return Model(lambda e: e * np.nan)
def scalar(): return Model(lambda e: float(e.mean()))
def one(): return Model(lambda e: e[:1])
def row(): return Model(lambda e: e[None])
def fewer(): return Model(lambda e: e[:-1], lambda f: f[:-1])
def flat(): return Model(forces=lambda f: f.reshape(-1, 3))
def words(): return Model(lambda e: ["low"] * len(e))
def ragged(): return Model(forces=lambda f: [g[: k + 1] for k, g in enumerate(f)])
def three(): return Model(pack=lambda pair: (*pair, None))
def named(): return Model(pack=lambda pair: {"energy": pair[0], "forces": pair[1]})
def leaves(): return Model(lambda e: exit(3))
def no_file(): return open("/nowhere/model.pt")
def wrong_head(): raise ValueError("unknown head")
def out_of_memory(): raise RuntimeError("CUDA out of memory")
def nothing(): return None
def ends(): raise SystemExit(0)
instance = Model()
"""


@pytest.fixture
def shapes(tmp_path) -> Path:
    (tmp_path / "shapes.py").write_text(SHAPES)
    return tmp_path


@pytest.mark.parametrize("factory", ["good", "column", "lists", "tensors", "single"])
def test_what_a_calculator_may_give(predict_small, shapes, factory):
    if factory == "tensors":
        pytest.importorskip("torch")
    done = predict_small(shapes, f"shapes:{factory}")
    assert done.returncode == 0, done.stderr
    found = teaeval.read_prediction(shapes / "p.npz")
    test = teadata.load("mini-hydrogen").split("complete/test")
    np.testing.assert_allclose(found.energies, test.energies + 1, rtol=1e-6)
    np.testing.assert_allclose(found.forces, test.forces * 1.01, rtol=1e-6)


def test_frames_that_are_no_numbers_are_said(run, predict_small, shapes):
    done = predict_small(shapes, "shapes:gaps")
    assert done.returncode == 0
    assert "warning: 25 of them have energies or forces that are not finite" in done.stderr
    command = done.stderr.rpartition("to score the others: ")[2].split()
    scored = run(*command, "--bootstrap", "0", cwd=shapes)
    assert scored.returncode == 0
    assert "775" in scored.stdout


def test_where_every_frame_failed_no_other_is_to_be_scored(predict_small, shapes):
    done = predict_small(shapes, "shapes:failed")
    assert "no frame is left to score: mend the model" in done.stderr
    assert "--allow-failed" not in done.stderr


@pytest.mark.parametrize(
    ("factory", "said"),
    [
        ("scalar", "energies of shape () for 32 frames, expected (32,)"),
        ("one", "energies of shape (1,) for 32 frames"),
        ("row", "energies of shape (1, 32) for 32 frames"),
        ("fewer", "energies of shape (31,) for 32 frames"),
        ("flat", ", 3), expected (32, "),
        ("words", "energies are no numbers"),
        ("ragged", "forces are no numbers"),
        ("three", "gave 3 values, expected a pair"),
        ("named", "gave dict, expected a pair"),
        ("leaves", "failed on frame"),
    ],
)
def test_what_it_may_not_give(predict_small, shapes, factory, said):
    done = predict_small(shapes, f"shapes:{factory}")
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert not (shapes / "p.npz").exists()


ASE = """
import numpy as np
from ase.calculators.calculator import Calculator, all_changes

class Ase(Calculator):
    implemented_properties = ["energy", "forces"]

    def __init__(self, energy=lambda e: e, forces=lambda f: f, moves=False):
        super().__init__()
        self.energy, self.push, self.moves = energy, forces, moves

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        self.results = {"energy": self.energy(atoms.positions.sum() / len(atoms))}
        if self.push is not None:
            self.results["forces"] = self.push(np.sin(atoms.positions))
        if self.moves:
            atoms.positions += 100.0

def good(): return Ase()
def one(): return Ase(lambda e: np.array([e]))
def square(): return Ase(lambda e: np.array([[e]]))
def single(): return Ase(np.float32, lambda f: f.astype(np.float32))
def lists(): return Ase(forces=lambda f: f.tolist())
def moves(): return Ase(moves=True)
def flat(): return Ase(forces=lambda f: f.ravel())
def two(): return Ase(lambda e: np.array([e, e]))
def no_forces(): return Ase(forces=None)
"""


@pytest.mark.parametrize("factory", ["one", "square", "single", "lists", "moves"])
def test_what_a_calculator_of_ase_may_give(predict_small, tmp_path, factory):
    pytest.importorskip("ase")
    (tmp_path / "shapes.py").write_text(ASE)
    predicted = []
    for name in ("good", factory):
        done = predict_small(tmp_path, f"shapes:{name}")
        assert done.returncode == 0, done.stderr
        predicted.append(teaeval.read_prediction(tmp_path / "p.npz"))
        (tmp_path / "p.npz").unlink()
    np.testing.assert_allclose(predicted[1].energies, predicted[0].energies, rtol=1e-6)
    np.testing.assert_allclose(predicted[1].forces, predicted[0].forces, atol=1e-5)


@pytest.mark.parametrize(
    ("factory", "said"),
    [
        ("flat", "expected (32, 3): a vector for each atom"),
        ("two", "energies of shape (2,) for 1 frames"),
        ("no_forces", "failed on frame"),
    ],
)
def test_what_a_calculator_of_ase_may_not_give(predict_small, tmp_path, factory, said):
    pytest.importorskip("ase")
    (tmp_path / "shapes.py").write_text(ASE)
    done = predict_small(tmp_path, f"shapes:{factory}")
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("shapes:no_file", "no_file() failed: FileNotFoundError"),
        ("shapes:wrong_head", "wrong_head() failed: ValueError: unknown head"),
        ("shapes:out_of_memory", "out_of_memory() failed: RuntimeError: CUDA out of memory"),
        ("shapes:nothing", "nothing() made a NoneType"),
        ("shapes:ends", "ends() failed: SystemExit: 0"),
        ("shapes:instance", "instance is a Model, expected a function or class"),
        ("shapes:unknown", "shapes has no unknown"),
        ("..shapes:good", "the module failed"),
        ("broken:make", "the module failed: ZeroDivisionError"),
        ("unwritten:make", "there is no unwritten.py in "),
        ("sys:exit", "exit() failed: SystemExit"),
    ],
)
def test_a_factory_that_fails(predict_small, shapes, reference, said):
    (shapes / "broken.py").write_text("1 / 0\n")
    done = predict_small(shapes, reference)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_two_at_once_do_not_share_a_file(run, models):
    command = [str(Path(sys.executable).parent / "teaeval"), "predict", "mini-iii"]
    command += ["--subset", "complete", "--calculator", "models:Spring", "-o", "p.npz"]
    first = subprocess.Popen(command, cwd=models, env=os.environ | {"PAUSE": "0.1"})
    while not (models / "calls").exists():
        assert first.poll() is None
        time.sleep(0.05)
    done = ask(run, models, "models:Spring")
    assert done.returncode == 2
    assert "another process is predicting it" in done.stderr
    first.kill()
    first.wait()
    assert ask(run, models, "models:Spring").returncode == 0
    check(models / "p.npz")
