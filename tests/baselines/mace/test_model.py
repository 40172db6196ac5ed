"""Files, pickles and the calculator of MACE, and what it refuses."""

from __future__ import annotations

import copy
import dataclasses
import os
import pickle
import subprocess
import sys

import numpy as np
import pytest

from baselines.mace import MACE, backend
from baselines.toolkit.composition import composition_energy
from teadata import Frames, TeaError
from teadata.errors import DataError
from teadata.units import EV

torch = pytest.importorskip("torch")
pytest.importorskip("mace")


def test_a_saved_model_predicts_the_same(trained, settings, mini_i, tmp_path):
    model, _, workdir = trained
    frames = mini_i.split("folded/test")[:5]
    expected = model.predict(frames)
    model.save(tmp_path / "copy.pt")
    assert (tmp_path / "copy.pt").read_bytes() == (workdir / "model.pt").read_bytes()
    loaded = MACE.load(tmp_path / "copy.pt", settings)
    for other in (loaded, pickle.loads(pickle.dumps(model)), copy.deepcopy(loaded)):
        again = other.predict(frames)
        np.testing.assert_array_equal(again.energies, expected.energies)
        np.testing.assert_array_equal(again.forces, expected.forces)


class Harmful:
    """What a file of pickled objects could do."""

    def __reduce__(self):
        return os.mkdir, ("was-run",)


def test_a_file_that_is_no_model(settings, trained, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "model.pt"
    for content in (Harmful(), {"state": {}}, [1, 2], {"format": "tea-benchmark MACE 1"}):
        torch.save(content, path)
        with pytest.raises(DataError, match="expected a MACE model of this package"):
            MACE.load(path, settings)
    assert not (tmp_path / "was-run").exists()
    for damaged in (b"", b"PK not a zip", (trained[2] / "model.pt").read_bytes()[:-3000]):
        path.write_bytes(damaged)
        with pytest.raises(DataError, match="expected a MACE model of this package"):
            MACE.load(path, settings)


def test_calculator_gives_ases_units_and_can_be_pickled(trained, crystals, mini_i):
    for model, frames in ((trained[0], mini_i.split("folded/test")[:1]), crystals["mini-iv"]):
        predicted = model.predict(frames[:1])
        atoms = frames.to_ase()[0]
        atoms.calc = pickle.loads(pickle.dumps(model.calculator()))
        assert atoms.get_potential_energy() == pytest.approx(predicted.energies[0] / EV)
        np.testing.assert_allclose(atoms.get_forces(), predicted.forces[0] / EV)
        if predicted.stress is not None:
            np.testing.assert_allclose(atoms.get_stress(voigt=False), predicted.stress[0] / EV)


def test_prediction_comes_in_batches_with_progress(trained, mini_i):
    model, _, _ = trained
    frames, seen = mini_i.split("folded/test")[:6], []
    together = model.predict(frames, lambda *step: seen.append(step))
    assert seen == [("predict", 4, 6), ("predict", 6, 6)]
    one = model.predict(frames[5])
    np.testing.assert_allclose(together.energies[5], one.energies[0], atol=1e-9)
    np.testing.assert_allclose(together.forces[5], one.forces[0], atol=1e-9)


def test_unknown_elements_are_refused(trained, small):
    numbers = small.numbers.copy()
    numbers[0] = 16
    with pytest.raises(DataError, match=r"trained on H, C, N, O and knows nothing of S"):
        trained[0].predict(dataclasses.replace(small, numbers=numbers))


@pytest.mark.parametrize("name", ["energies", "forces", "positions"])
def test_labels_that_are_not_finite_are_refused(name, small, settings, tmp_path):
    values = {
        field: np.array(getattr(small, field))
        for field in ("numbers", "positions", "energies", "forces")
    }
    values[name][2] = np.nan
    with pytest.raises(
        DataError, match=f"{name} of 1 of .* training frames are not finite, .* frame 2"
    ):
        MACE(settings).fit(Frames(**values), small, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_fewer_frames_than_a_batch_are_refused(small, settings, tmp_path):
    with pytest.raises(
        DataError, match=r"2 training frames, expected at least 3: .* lower batch_size"
    ):
        MACE(settings).fit(small[:2], small, tmp_path)


def test_a_loss_that_is_no_number_ends_the_training(small, settings, tmp_path):
    wild = settings.model_copy(update={"lr": 1e200, "clip_grad": None})
    with pytest.raises(TeaError, match=r"loss became (nan|inf) in .*epoch 1.* lower lr"):
        MACE(wild).fit(small, small, tmp_path)
    assert not (tmp_path / "model.pt").exists()


def test_an_untrained_model_says_so(settings, small, tmp_path):
    with pytest.raises(TeaError, match="not trained"):
        MACE(settings).predict(small)
    with pytest.raises(TeaError, match="nothing to save"):
        MACE(settings).save(tmp_path / "model.pt")
    with pytest.raises(TeaError, match="not trained"):
        MACE(settings).export(tmp_path / "tea.model")
    assert list(tmp_path.iterdir()) == []


def test_the_mean_energy_is_that_of_the_elements(mini_i, settings):
    train = mini_i.split("folded/train/8")
    with backend.backend(settings, "cpu"):
        numbers, energies = backend.atomic_energies(train)
    assert composition_energy(train, numbers, energies, "MACE") * EV == pytest.approx(
        train.energies.mean()
    )


def test_importing_the_model_loads_no_backend_and_a_missing_one_is_named(tmp_path):
    script = """
import sys
from pathlib import Path
from baselines.mace import MACE, MACEConfig
assert not {"torch", "mace", "e3nn"} & set(sys.modules), "a backend was loaded"
sys.modules["mace"] = None
import teadata
small = teadata.load("mini-i").split("folded/train/8")
try:
    model = MACE(MACEConfig(size=8, num_channels=4, max_L=0, batch_size=2))
    model.fit(small, small, Path(sys.argv[1]))
except teadata.TeaError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    assert "needs the package 'mace-torch'" in done.stdout
    assert "tea-benchmark[mace]" in done.stdout


@pytest.mark.gpu
def test_on_a_gpu_as_on_the_cpu(mini_i, settings, tmp_path):
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    train, valid = mini_i.split("folded/train/8"), mini_i.split("folded/valid/8")
    results = {}
    for device in ("cpu", "cuda"):
        (tmp_path / device).mkdir()
        model = MACE(settings, device=device)
        results[device] = model.fit(train, valid, tmp_path / device)
    for entry, expected in zip(results["cuda"].curve, results["cpu"].curve, strict=True):
        assert entry["force_mae"] == pytest.approx(expected["force_mae"], rel=1e-4)
    loaded = MACE.load(tmp_path / "cuda" / "model.pt", settings, "cpu")
    np.testing.assert_allclose(loaded.predict(valid).forces, model.predict(valid).forces, atol=1e-6)
