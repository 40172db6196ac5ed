"""The model: trained on few frames of the real data."""

from __future__ import annotations

import dataclasses
import json
import pickle
import sys
from pathlib import Path

import numpy as np
import pytest

from baselines.config import CONFIGS, names, read
from baselines.fchl import FCHL, FCHLConfig
from baselines.protocol import LOG_FILE
from baselines.toolkit.labels import validation_errors
from teadata import Frames, TeaError, load
from teadata.errors import DataError
from teadata.units import EV

pytest.importorskip("torch")
pytest.importorskip("vesin")
import torch


@pytest.fixture(scope="module")
def config(settings):
    return settings(nstacks=4, sigmas=[4.0, 16.0], lambdas=[1e-6, 1e-3])


@pytest.fixture(scope="module")
def trained(mini_i, config, tmp_path_factory):
    workdir = tmp_path_factory.mktemp("fchl")
    model = FCHL(config)
    result = model.fit(mini_i.split("folded/train/10"), mini_i.split("folded/valid/10"), workdir)
    return model, result, workdir


@pytest.fixture(scope="module")
def periodic(settings, tmp_path_factory):
    data = load("mini-iv")
    config = settings(rcut=4.0, acut=4.0, sigmas=[8.0])
    workdir = tmp_path_factory.mktemp("fchl-periodic")
    model = FCHL(config)
    model.fit(data.split("complete/train/4"), data.split("complete/valid/4"), workdir)
    return model, data.split("complete/test")[:2]


def moved(frames: Frames, positions, cell=None) -> Frames:
    """Frames with other positions; the labels are of no interest."""
    return Frames(
        numbers=frames.numbers,
        positions=positions,
        energies=np.zeros(len(positions)),
        forces=np.zeros(np.shape(positions)),
        cell=cell,
        pbc=frames.pbc,
    )


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


def test_forces_are_minus_the_gradient_of_the_energy(trained, mini_i):
    model, _, _ = trained
    frame = mini_i.split("folded/test")[:1]
    step, rng = 1e-5, np.random.default_rng(0)
    directions = rng.normal(size=(4, *frame.positions.shape[1:]))
    shifted = frame.positions + step * np.concatenate([directions, -directions])
    energies = model.predict(moved(frame, shifted)).energies
    slope = (energies[:4] - energies[4:]) / (2 * step)
    forces = model.predict(frame).forces[0]
    expected = -np.einsum("dai,ai->d", directions, forces)
    np.testing.assert_allclose(slope, expected, rtol=1e-6, atol=1e-4)
    np.testing.assert_allclose(forces.sum(axis=0), 0.0, atol=1e-9)


def test_energy_is_invariant_and_forces_turn_with_the_molecule(trained, mini_i):
    model, _, _ = trained
    frames = mini_i.split("folded/test")[:2]
    rotation, _ = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))
    before = model.predict(frames)
    after = model.predict(moved(frames, frames.positions @ rotation + [3.0, -2.0, 1.0]))
    np.testing.assert_allclose(after.energies, before.energies, atol=1e-7)
    np.testing.assert_allclose(after.forces, before.forces @ rotation, atol=1e-7)
    assert before.stress is None


def test_stress_is_the_strain_derivative(periodic):
    model, frames = periodic
    frame = frames[:1]
    found = model.predict(frame)
    strain = np.random.default_rng(2).normal(size=(3, 3))
    energies = []
    for step in (1e-5, -1e-5):
        deform = np.eye(3) + step * strain
        strained = moved(frame, frame.positions @ deform.T, frame.cell @ deform.T)
        energies.append(model.predict(strained).energies[0])
    slope = (energies[0] - energies[1]) / 2e-5
    expected = frame.volumes[0] * (found.stress[0] * strain).sum()
    assert slope == pytest.approx(expected, rel=1e-5)
    np.testing.assert_allclose(found.stress, found.stress.transpose(0, 2, 1), atol=1e-12)


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


def test_a_saved_model_predicts_the_same(trained, config, mini_i, tmp_path):
    model, _, workdir = trained
    frames = mini_i.split("folded/test")[:3]
    expected = model.predict(frames)
    model.save(tmp_path / "copy.pt")
    for path in (tmp_path / "copy.pt", workdir / FCHL.model_file):
        found = FCHL.load(path, config).predict(frames)
        np.testing.assert_array_equal(found.energies, expected.energies)
        np.testing.assert_array_equal(found.forces, expected.forces)
    assert (tmp_path / "copy.pt").read_bytes() == (workdir / FCHL.model_file).read_bytes()


def test_a_model_can_be_pickled(trained, mini_i):
    model, _, _ = trained
    frames = mini_i.split("folded/test")[:1]
    again = pickle.loads(pickle.dumps(model)).predict(frames)
    np.testing.assert_array_equal(again.forces, model.predict(frames).forces)


def test_an_interrupted_search_goes_on(config, mini_i, trained, tmp_path):
    """After the first width; the result and the model are those of an uninterrupted one."""
    _, expected, workdir = trained
    train, valid = mini_i.split("folded/train/10"), mini_i.split("folded/valid/10")

    def kill(task: str, done: int, total: int) -> None:
        if task == "sigma 16":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        FCHL(config).fit(train, valid, tmp_path, kill)
    assert len(json.loads((tmp_path / "search.json").read_text())["curve"]) == 2
    tasks: set[str] = set()
    resumed = FCHL(config).fit(train, valid, tmp_path, lambda task, *_: tasks.add(task))
    assert "sigma 4" not in tasks
    assert dataclasses.asdict(resumed) == dataclasses.asdict(expected)
    for name in (FCHL.model_file, "search.json"):
        assert (tmp_path / name).read_bytes() == (workdir / name).read_bytes()


def test_the_search_of_another_training_is_refused(config, mini_i, trained):
    _, _, workdir = trained
    train, valid = mini_i.split("folded/train/10"), mini_i.split("folded/valid/10")
    with pytest.raises(DataError, match="another seed; remove it"):
        FCHL(config, seed=1).fit(train, valid, workdir)


def test_a_search_file_that_is_none_is_refused(config, small, tmp_path):
    (tmp_path / "search.json").write_text("[]", encoding="utf-8")
    with pytest.raises(DataError, match=r"expected the search of an FCHL19. training"):
        FCHL(config).fit(small, small, tmp_path)


def test_widths_can_be_compared_on_fewer_frames(settings, mini_i, tmp_path):
    config = settings(sigmas=[0.1, 8.0], search_size=4)
    train, valid = mini_i.split("folded/train/10"), mini_i.split("folded/valid/10")
    result = FCHL(config).fit(train, valid, tmp_path)
    assert [(entry["sigma"], entry["frames"]) for entry in result.curve] == [
        (0.1, 4.0), (8.0, 4.0), (8.0, 10.0),
    ]  # fmt: skip
    assert result.selected["sigma"] == 8.0


def test_calculator_gives_ases_units(periodic):
    pytest.importorskip("ase")
    model, frames = periodic
    predicted = model.predict(frames[:1])
    atoms = frames[:1].to_ase()[0]
    atoms.calc = model.calculator()
    assert atoms.get_potential_energy() == pytest.approx(predicted.energies[0] / EV)
    np.testing.assert_allclose(atoms.get_forces(), predicted.forces[0] / EV)
    stress = atoms.get_stress(voigt=False)
    np.testing.assert_allclose(stress, predicted.stress[0] / EV, atol=1e-12)


def test_progress_is_reported(trained, mini_i):
    model, _, _ = trained
    seen = []
    model.predict(mini_i.split("folded/test")[:10], lambda *step: seen.append(step))
    assert seen == [("predict", 8, 10), ("predict", 10, 10)]


def test_other_elements_are_refused(trained, molecule):
    model, _, _ = trained
    with pytest.raises(DataError, match=r"trained on H, C, N, O and knows nothing of S"):
        model.predict(molecule([16, 1], [[[0, 0, 0], [0, 0, 1.3]]]))


def test_labels_that_are_not_finite_are_refused(config, small, tmp_path):
    energies = small.energies.copy()
    energies[3] = np.nan
    broken = Frames(
        numbers=small.numbers, positions=small.positions, energies=energies, forces=small.forces
    )
    with pytest.raises(DataError, match=r"energies of 1 of .* training frames .* is frame 3"):
        FCHL(config).fit(broken, small, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_an_untrained_model_says_so(config, small, tmp_path):
    with pytest.raises(TeaError, match="not trained"):
        FCHL(config).predict(small)
    with pytest.raises(TeaError, match="nothing to save"):
        FCHL(config).save(tmp_path / "model.pt")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"no model", None])
def test_a_file_that_is_no_model(config, tmp_path, content):
    path = tmp_path / "model.pt"
    if content is None:
        torch.save({"format": "another"}, path)
    else:
        path.write_bytes(content)
    with pytest.raises(DataError, match=r"expected an FCHL19. model of this package"):
        FCHL.load(path, config)


def test_shipped_configurations():
    for name in names("fchl"):
        read(FCHLConfig, "fchl", name)
    assert {path.stem for path in (CONFIGS / "fchl").iterdir()} == {
        "quick", "large", "paper-i", "paper-ii", "paper-iii", "paper-iv",
    }  # fmt: skip


def test_dimensions_that_are_no_power_of_two_are_refused(settings):
    with pytest.raises(ValueError, match="npcas is 100, expected a power of two"):
        settings(npcas=100)


def test_importing_the_model_loads_no_backend(run):
    code = "import sys, baselines.fchl; sys.exit('torch' in sys.modules or 'vesin' in sys.modules)"
    assert run(Path(sys.executable).name, "-c", code).returncode == 0
