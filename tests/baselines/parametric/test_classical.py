"""Yukawa and Tersoff: gradients, recovered parameters, files and refusals."""

from __future__ import annotations

import json
import pickle

import numpy as np
import pytest
from ase.calculators.tersoff import Tersoff as AseTersoff
from ase.calculators.tersoff import TersoffParameters as AseParameters

import teadata
from baselines import config
from baselines.parametric import Tersoff, TersoffConfig, Yukawa, YukawaConfig
from baselines.parametric.tersoff import START, TersoffParameters, form_of, vector_of
from baselines.parametric.yukawa import YukawaParameters
from baselines.toolkit.labels import validation_errors
from teadata import Frames, TeaError
from teadata.errors import DataError
from teadata.units import EV

YUKAWA = config.read(YukawaConfig, "yukawa", "quick")
TERSOFF = config.read(TersoffConfig, "tersoff", "quick").model_copy(
    update={"starts": 1, "evaluations": 3}
)
FORM = form_of(vector_of((5.0, 0.75, 1.5, 2.0, 8.0, 1.2, 0.6, 0.9, 0.1, 2.0)), 1.1, 1.7)


@pytest.fixture(scope="module")
def frames():
    """One frame of each state point."""
    dataset = teadata.load("mini-hydrogen")
    return dataset.split("complete/train/12"), dataset.split("complete/valid/12")


def yukawa(kappa: float = 1.5, amplitude: float = 40.0) -> Yukawa:
    model = Yukawa(YUKAWA)
    parameters = YukawaParameters(
        format=model.layout, element=1, energy_per_atom=-300.0, kappa=kappa, amplitude=amplitude,
        cutoff=4.0, switch=1.0,
    )  # fmt: skip
    model.use(parameters)
    return model


def tersoff(element: int = 1) -> Tersoff:
    model = Tersoff(TERSOFF)
    parameters = TersoffParameters(
        format=model.layout, element=element, energy_per_atom=-250.0, form=FORM
    )
    model.use(parameters)
    return model


MODELS = {"yukawa": yukawa, "tersoff": tersoff}


def labelled(frames: Frames, model) -> Frames:
    """Frames with a model's own predictions for labels."""
    predicted = model.predict(frames)
    return Frames(
        numbers=frames.numbers, positions=frames.positions, energies=predicted.energies,
        forces=predicted.forces, cell=frames.cell, pbc=frames.pbc, stress=predicted.stress,
    )  # fmt: skip


def moved(frames: Frames, positions: np.ndarray, cell: np.ndarray) -> Frames:
    """Frames with other positions and cells; the labels are of no interest."""
    return Frames(
        numbers=frames.numbers, positions=positions, energies=np.zeros(len(positions)),
        forces=np.zeros(positions.shape), cell=cell, pbc=frames.pbc,
    )  # fmt: skip


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("row", [0, 11])
def test_forces_and_stress_are_gradients(name, row, frames):
    """Central differences of the energy, of the loosest and of the densest state point."""
    model, frame = MODELS[name](), frames[0][row : row + 1]
    predicted, step = model.predict(frame), 1e-5
    directions = np.random.default_rng(0).normal(size=(3, *frame.positions.shape[1:]))
    positions = frame.positions + step * np.concatenate([directions, -directions])
    energies = model.predict(moved(frame, positions, np.repeat(frame.cell, 6, axis=0))).energies
    np.testing.assert_allclose(
        (energies[:3] - energies[3:]) / (2 * step),
        -np.einsum("dai,ai->d", directions, predicted.forces[0]),
        rtol=1e-4,
    )
    components = [(0, 0), (2, 2), (0, 1), (1, 2)]
    strains = np.tile(np.eye(3), (8, 1, 1))
    for number, (i, j) in enumerate(components):
        strains[number, i, j] += step
        strains[4 + number, i, j] -= step
    energies = model.predict(moved(frame, frame.positions @ strains, frame.cell @ strains)).energies
    slopes = (energies[:4] - energies[4:]) / (2 * step * frame.volumes[0])
    np.testing.assert_allclose(
        [predicted.stress[0][component] for component in components], slopes, rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize("name", MODELS)
def test_frames_do_not_see_each_other(name, frames):
    model, some = MODELS[name](), frames[0]
    together = model.predict(some)
    alone = model.predict(some[7])
    assert alone.energies[0] == pytest.approx(together.energies[7], rel=1e-12)
    np.testing.assert_allclose(alone.forces[0], together.forces[7], atol=1e-9)
    np.testing.assert_allclose(alone.stress[0], together.stress[7], atol=1e-12)


@pytest.mark.parametrize("name", MODELS)
def test_a_file_and_a_pickled_calculator_predict_the_same(name, frames, tmp_path):
    model, frame = MODELS[name](), frames[1][:1]
    model.save(tmp_path / "model.json")
    predicted = type(model).load(tmp_path / "model.json", model.config).predict(frame)
    np.testing.assert_array_equal(predicted.forces, model.predict(frame).forces)
    atoms = frame.to_ase()[0]
    atoms.calc = pickle.loads(pickle.dumps(model.calculator()))
    assert atoms.get_potential_energy() == pytest.approx(predicted.energies[0] / EV)
    np.testing.assert_allclose(atoms.get_stress(voigt=False), predicted.stress[0] / EV, atol=1e-12)


def test_atoms_without_a_cell_have_no_stress(frames):
    molecule = Frames(
        numbers=[1, 1], positions=[[[0, 0, 0], [0.74, 0, 0]]], energies=[0.0],
        forces=np.zeros((1, 2, 3)),
    )  # fmt: skip
    for model in (yukawa(), tersoff()):
        predicted = model.predict(molecule)
        assert predicted.stress is None
        np.testing.assert_allclose(predicted.forces[0, 0], -predicted.forces[0, 1])
    alone = yukawa().predict(molecule).energies[0] + 600.0
    assert alone == pytest.approx(40.0 * np.exp(-1.5 * 0.74) / 0.74)


def test_tersoff_is_that_of_ase(frames):
    names = {"lambda2": "mu", "lambda1": "lambda"}
    own = {name: FORM[names.get(name, name)] for name in
           ("A", "B", "lambda1", "lambda2", "lambda3", "beta", "n", "c", "d", "h")}  # fmt: skip
    peer = AseTersoff({("H", "H", "H"): AseParameters(m=1, gamma=1, R=1.4, D=0.3, **own)})
    frame = frames[0][2:3]
    predicted = tersoff().predict(frame)
    (atoms,) = frame.to_ase()
    atoms.calc = peer
    whole = atoms.get_potential_energy() * EV - 250.0 * len(atoms)
    assert predicted.energies[0] == pytest.approx(whole, rel=1e-12)
    np.testing.assert_allclose(predicted.forces[0], atoms.get_forces() * EV, atol=1e-9)
    np.testing.assert_allclose(predicted.stress[0], atoms.get_stress(voigt=False) * EV, atol=1e-9)


def test_the_start_is_the_published_bond():
    """A lone pair at the minimum has the depth it is said to have."""
    form = form_of(vector_of(START), 1.1, 1.7)
    r = np.linspace(0.6, 1.0, 4001)
    bond = form["A"] * np.exp(-form["lambda"] * r) - form["B"] * np.exp(-form["mu"] * r)
    assert bond.min() == pytest.approx(-4.7509, rel=1e-6)
    assert r[bond.argmin()] == pytest.approx(0.74144, abs=2e-4)


def test_a_yukawa_potential_is_recovered_from_its_own_labels(frames, tmp_path):
    train, valid = (labelled(each, yukawa()) for each in frames)
    model = Yukawa(YUKAWA)
    result = model.fit(train, valid, tmp_path)
    assert model.trained().kappa == pytest.approx(1.5, rel=1e-3)
    assert model.trained().amplitude == pytest.approx(40.0, rel=3e-3)
    assert model.trained().energy_per_atom == pytest.approx(-300.0, rel=1e-4)
    assert result.valid["force_mae"] < 1e-2
    assert (tmp_path / "train.log").read_text().count("\n") == len(result.curve) > YUKAWA.grid


def test_what_yukawa_finds_is_the_least_loss(frames, tmp_path):
    """On the real labels: no κ that was tried is better, and the file is the model."""
    model = Yukawa(YUKAWA)
    result = model.fit(*frames, tmp_path)
    assert result.selected["loss"] == min(step["loss"] for step in result.curve)
    assert result.selected["amplitude"] > 0
    again = Yukawa.load(tmp_path / "model.json", YUKAWA)
    assert validation_errors(again.predict(frames[1]), frames[1]) == result.valid


def test_yukawa_refuses_what_attracts(frames, tmp_path):
    train = labelled(frames[0], yukawa(amplitude=-40.0))
    with pytest.raises(DataError, match="a Yukawa potential repels"):
        Yukawa(YUKAWA).fit(train, train, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def fitted(frames, tmp_path_factory):
    workdir = tmp_path_factory.mktemp("tersoff")
    train, valid = frames[0][:2], frames[1][:2]
    model = Tersoff(TERSOFF.model_copy(update={"starts": 2}))
    return model, model.fit(train, valid, workdir), workdir


def test_tersoff_comes_nearer_to_the_labels(fitted, frames):
    model, result, _ = fitted
    start = Tersoff(TERSOFF)
    form = form_of(vector_of(START), TERSOFF.inner, TERSOFF.outer)
    start.use(model.trained().model_copy(update={"form": form}))
    train = frames[0][:2]
    before, after = (validation_errors(each.predict(train), train) for each in (start, model))
    assert after["force_rmse"] < 0.8 * before["force_rmse"]
    first, second = result.curve
    assert first["length"] != second["length"]
    assert result.selected["start"] == min(result.curve, key=lambda r: r["valid_loss"])["start"]


def test_an_interrupted_tersoff_fit_ends_with_the_same_model(fitted, frames, tmp_path):
    model, result, _ = fitted

    def stop(task, done, total):
        if task == "fit 2/2":
            raise KeyboardInterrupt

    again = Tersoff(model.config)
    with pytest.raises(KeyboardInterrupt):
        again.fit(frames[0][:2], frames[1][:2], tmp_path, stop)
    tasks = set()
    resumed = again.fit(frames[0][:2], frames[1][:2], tmp_path, lambda task, *_: tasks.add(task))
    assert "fit 1/2" not in tasks
    assert again.trained() == model.trained()
    assert resumed == result
    other = Tersoff(model.config, seed=1)
    with pytest.raises(DataError, match=r"starts\.json: the starts of a fit with other settings"):
        other.fit(frames[0][:2], frames[1][:2], tmp_path)


@pytest.mark.parametrize("kind", [Yukawa, Tersoff])
def test_other_frames_and_files_are_refused(kind, frames, tmp_path):
    settings = YUKAWA if kind is Yukawa else TERSOFF
    with pytest.raises(TeaError, match="is not trained"):
        kind(settings).predict(frames[0])
    perovskite = teadata.load("mini-iv").split("complete/train/3")
    with pytest.raises(DataError, match="is fitted to one element here"):
        kind(settings).fit(perovskite, perovskite, tmp_path)
    model = MODELS[kind.title.lower()]()
    with pytest.raises(DataError, match="was trained on H and knows nothing of"):
        model.predict(perovskite)
    with pytest.raises(DataError, match="expected parameters of a"):
        kind.load(tmp_path / "missing.json", settings)
    model.save(tmp_path / "model.json")
    values = json.loads((tmp_path / "model.json").read_text()) | {"format": "another"}
    (tmp_path / "model.json").write_text(json.dumps(values))
    with pytest.raises(DataError, match="found 'another'"):
        kind.load(tmp_path / "model.json", settings)


def test_impossible_settings_are_refused():
    with pytest.raises(DataError, match=r"switch 5 Å is more than the cutoff 4 Å"):
        config.parse(YukawaConfig, YUKAWA.model_dump() | {"switch": 5.0}, "mine.yaml")
    with pytest.raises(DataError, match="expected a rising pair"):
        config.parse(YukawaConfig, YUKAWA.model_dump() | {"kappa": (2.0, 1.0)}, "mine.yaml")
    with pytest.raises(DataError, match=r"inner 2 Å is not below outer 1\.7 Å"):
        config.parse(TersoffConfig, TERSOFF.model_dump() | {"inner": 2.0}, "mine.yaml")
