"""What an interrupted prediction keeps: it goes on only with the same model."""

from __future__ import annotations

DYING = """
class Model:
    calls = 0

    def predict(self, frames):
        Model.calls += 1
        if Model.calls > 2:
            raise RuntimeError("node failure")
        return frames.energies + 1.0, frames.forces * 1.01

def make(): return Model()
"""
BIASED = """
import os

class Model:
    calls = 0

    def predict(self, frames):
        with open("weight") as file:
            weight = float(file.read())
        Model.calls += 1
        if Model.calls > 2 and not os.path.exists("repaired"):
            raise RuntimeError("node failure")
        return frames.energies + weight, frames.forces * weight

def make(): return Model()
"""


def test_the_frames_of_a_model_are_never_mixed_with_anothers(predict_small, tmp_path):
    (tmp_path / "model.py").write_text(DYING)
    said = predict_small(tmp_path, "model:make").stderr
    assert "node failure. What was computed before is kept: the same command goes on" in said
    (tmp_path / "model.py").write_text(DYING.replace("1.01", "-1.0").replace("> 2", "> 2000"))
    done = predict_small(tmp_path, "model:make")
    assert done.returncode == 1
    assert "is the checkpoint of another run: the calculator's file (SHA-256) was" in done.stderr
    assert "to predict anew, remove it: rm " in done.stderr
    assert not (tmp_path / "p.npz").exists()


def test_nor_those_of_other_parameters_of_the_same_source(predict_small, tmp_path):
    (tmp_path / "model.py").write_text(BIASED)
    (tmp_path / "weight").write_text("1.0")
    assert "node failure" in predict_small(tmp_path, "model:make").stderr
    (tmp_path / "weight").write_text("1.001")
    done = predict_small(tmp_path, "model:make")
    assert done.returncode == 1
    assert "is the checkpoint of another model: its first frame" in done.stderr
    (tmp_path / "weight").write_text("1.0")
    (tmp_path / "repaired").touch()
    done = predict_small(tmp_path, "model:make")
    assert done.returncode == 0, done.stderr


def test_a_damaged_checkpoint_is_an_error(predict_small, tmp_path):
    (tmp_path / "model.py").write_text(DYING)
    predict_small(tmp_path, "model:make")
    checkpoint = tmp_path / ".p.npz.checkpoint.npz"
    checkpoint.write_bytes(checkpoint.read_bytes()[:300])
    done = predict_small(tmp_path, "model:make")
    assert done.returncode == 1
    assert done.stderr.strip().count("\n") == 0
    assert "checkpoint" in done.stderr


def test_a_first_frame_that_fails_leaves_no_checkpoint(predict_small, tmp_path):
    (tmp_path / "model.py").write_text(
        "class Model:\n    def predict(self, frames):\n        raise RuntimeError('no licence')\n"
    )
    said = predict_small(tmp_path, "model:Model").stderr
    assert "no licence" in said
    assert "What was computed before" not in said  # nothing was
    (tmp_path / "other.py").write_text(
        "class Model:\n"
        "    def predict(self, frames):\n        return frames.energies, frames.forces\n"
    )
    assert predict_small(tmp_path, "other:Model").returncode == 0
    assert sorted(path.name for path in tmp_path.glob("*.npz")) == ["p.npz"]
