"""UF3 and PACE: tiny fits by the real packages to real frames."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

import teadata
from baselines import config
from baselines.pace import PACE, PACEConfig
from baselines.toolkit.labels import validation_errors
from baselines.uf3 import UF3, UF3Config
from teadata import Frames, TeaError
from teadata.errors import DataError
from teadata.units import EV

SETTINGS = {
    "uf3": config.read(UF3Config, "uf3", "quick").model_copy(
        update={"trio_cutoff": 1.6, "trio_intervals": 5}
    ),
    "pace": config.read(PACEConfig, "pace", "quick").model_copy(
        update={"functions": 60, "ridges": [1e-2, 1e-10]}
    ),
}
KINDS = {"uf3": UF3, "pace": PACE}


@pytest.fixture(scope="module")
def frames():
    """One frame of each density at 1000 K."""
    dataset = teadata.load("mini-hydrogen")
    return dataset.split("complete/train/12")[:6], dataset.split("complete/valid/12")[:6]


@pytest.fixture(scope="module")
def fitted(frames, tmp_path_factory):
    """Of each model: the model, what its fit says, its workdir."""
    made = {}
    for name, kind in KINDS.items():
        workdir = tmp_path_factory.mktemp(name)
        model = kind(SETTINGS[name])
        made[name] = model, model.fit(*frames, workdir), workdir
    return made


def moved(frames: Frames, positions: np.ndarray, cell: np.ndarray) -> Frames:
    """Frames with other positions and cells; the labels are of no interest."""
    return Frames(
        numbers=frames.numbers, positions=positions, energies=np.zeros(len(positions)),
        forces=np.zeros(positions.shape), cell=cell, pbc=frames.pbc,
    )  # fmt: skip


@pytest.mark.parametrize("name", KINDS)
def test_what_is_fitted_is_learnt(name, fitted, frames):
    model, result, workdir = fitted[name]
    train, valid = frames
    error = np.abs(model.predict(train).forces - train.forces).mean()
    assert error < 0.7 * np.abs(train.forces).mean()
    assert validation_errors(model.predict(valid), valid) == pytest.approx(result.valid)
    assert (workdir / "train.log").read_text().strip()


@pytest.mark.parametrize("name", KINDS)
def test_forces_and_stress_are_gradients(name, fitted, frames):
    """Central differences of the energy, of the densest of the frames."""
    model, frame, step = fitted[name][0], frames[0][5:6], 1e-4
    predicted = model.predict(frame)
    direction = np.random.default_rng(0).normal(size=frame.positions.shape)
    components = [(0, 0), (2, 2), (0, 1), (1, 2)]
    strains = np.tile(np.eye(3), (8, 1, 1))
    for row, (i, j) in enumerate(components):
        strains[row, i, j] += step
        strains[4 + row, i, j] -= step
    positions = np.concatenate(
        [frame.positions + step * direction, frame.positions - step * direction,
         frame.positions @ strains]
    )  # fmt: skip
    cell = np.concatenate([frame.cell, frame.cell, frame.cell @ strains])
    energies = model.predict(moved(frame, positions, cell)).energies
    slope = (energies[0] - energies[1]) / (2 * step)
    assert slope == pytest.approx(-(direction * predicted.forces).sum(), rel=1e-3, abs=0.05)
    volume = frame.volumes[0]
    slopes = (energies[2:6] - energies[6:]) / (2 * step * volume)
    np.testing.assert_allclose(
        [predicted.stress[0][component] for component in components], slopes, rtol=1e-3, atol=1e-2
    )


@pytest.mark.parametrize("name", KINDS)
def test_a_file_and_a_pickled_calculator_predict_the_same(name, fitted, frames, tmp_path):
    model, _, workdir = fitted[name]
    frame = frames[1][:1]
    predicted = model.predict(frame)
    again = KINDS[name].load(workdir / "model.json", SETTINGS[name])
    np.testing.assert_allclose(again.predict(frame).forces, predicted.forces, atol=1e-6)
    again.save(tmp_path / "model.json")
    assert (tmp_path / "model.json").read_text() == (workdir / "model.json").read_text()
    (atoms,) = frame.to_ase()
    atoms.calc = pickle.loads(pickle.dumps(model.calculator()))
    assert atoms.get_potential_energy() == pytest.approx(predicted.energies[0] / EV)
    np.testing.assert_allclose(atoms.get_stress(voigt=False), predicted.stress[0] / EV, atol=1e-9)


@pytest.mark.parametrize("name", KINDS)
def test_atoms_that_meet_repel(name, fitted):
    """Below every distance that was trained on: a pair in a large cell."""
    apart = np.array([0.2, 0.3, 0.4])
    positions = np.zeros((3, 2, 3))
    positions[:, 1, 0] = apart
    pair = Frames(
        numbers=[1, 1], positions=positions, energies=np.zeros(3), forces=np.zeros((3, 2, 3)),
        cell=np.tile(20.0 * np.eye(3), (3, 1, 1)), pbc=[True] * 3,
    )  # fmt: skip
    predicted = fitted[name][0].predict(pair)
    assert (predicted.forces[:, 1, 0] > 0).all()
    assert (np.diff(predicted.energies) < 0).all()


def test_the_regularisation_of_lowest_validation_error_is_kept(fitted):
    _, result, _ = fitted["pace"]
    assert [step["ridge"] for step in result.curve] == [1e-2, 1e-10]
    assert result.selected["ridge"] == min(result.curve, key=lambda s: s["force_rmse"])["ridge"]
    assert result.selected["functions"] == 60


@pytest.mark.parametrize("name", KINDS)
def test_other_frames_and_files_are_refused(name, fitted, tmp_path):
    perovskite = teadata.load("mini-iv").split("complete/train/3")
    with pytest.raises(TeaError, match="is not trained"):
        KINDS[name](SETTINGS[name]).predict(perovskite)
    with pytest.raises(DataError, match="was trained on H and knows nothing of"):
        fitted[name][0].predict(perovskite)
    (tmp_path / "model.json").write_text('{"format": "another"}')
    with pytest.raises(DataError, match=r"model\.json: expected a"):
        KINDS[name].load(tmp_path / "model.json", SETTINGS[name])


def test_impossible_settings_are_refused():
    with pytest.raises(DataError, match="radial has 3 body orders, angular 2"):
        config.parse(PACEConfig, SETTINGS["pace"].model_dump() | {"angular": [0, 2]}, "mine.yaml")
    with pytest.raises(DataError, match=r"trio_cutoff 5 Å is above pair_cutoff 4 Å"):
        config.parse(UF3Config, SETTINGS["uf3"].model_dump() | {"trio_cutoff": 5.0}, "mine.yaml")


@pytest.mark.slow
def test_features_and_predictions_are_those_of_uf3(fitted, frames):
    """Of the loosest frame; compiling uf3's own code and running it takes a minute or so."""
    from uf3.forcefield.calculator import UFCalculator
    from uf3.representation.process import BasisFeaturizer

    from baselines.uf3 import backend
    from teadata.typing import no_progress

    model, frame = fitted["uf3"][0], frames[0][:1]
    (atoms,) = frame.to_ase()
    atoms.wrap()  # of atoms outside their cell uf3 0.4.0 loses neighbours
    frame = moved(frame, atoms.positions[None], frame.cell)
    linear = model.trained()
    found = BasisFeaturizer(linear.bspline_config).evaluate_configuration(
        atoms, energy=0.0, forces=np.zeros((3, len(atoms)))
    )
    by_energy, by_force = backend.features(linear, frame, no_progress)
    kept = linear.mask
    np.testing.assert_allclose(
        len(atoms) * by_energy[0][kept], found["energy"][1:][kept], atol=1e-9
    )
    own = by_force[0][: 3 * len(atoms)].reshape(len(atoms), 3, -1)
    peer = np.array(
        [[found[f"{axis}_{atom}"][1:] for axis in ("fx", "fy", "fz")] for atom in range(len(atoms))]
    )
    np.testing.assert_allclose(own[..., kept], peer[..., kept], atol=1e-9)
    calculator = UFCalculator(linear)
    predicted = model.predict(frame)
    assert calculator.get_potential_energy(atoms) * EV == pytest.approx(
        predicted.energies[0], rel=1e-8
    )
    np.testing.assert_allclose(calculator.get_forces(atoms) * EV, predicted.forces[0], atol=1e-2)
