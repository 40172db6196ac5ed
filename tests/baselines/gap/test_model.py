"""The real gap_fit and QUIP, on few frames of the real data."""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import pickle
import re
import signal
from collections import namedtuple

import numpy as np
import psutil
import pytest

import teadata
from baselines import config, protocol
from baselines.gap import GAP, GAPConfig, descriptors, fitting, potential
from baselines.gap.config import SoapKernel, soap_kernels
from baselines.toolkit.labels import validation_errors
from teadata import Frames, TeaError
from teadata.errors import DataError, MissingExtraError
from teadata.provenance import sha256_of
from teadata.units import EV

SETTINGS = GAPConfig(
    size=10,
    sparse_two_body=8,
    sparse_soap=20,
    n_max=4,
    l_max=2,
    zeta=4,
    sigma_energy=[0.01],
    sigma_force=[0.01],
    scale_range=1.2,
    sharpness=1.0,
    two_body_range=1.5,
    two_body_sigma_factor=10.0,
    jitter=1e-8,
)


@pytest.fixture(scope="module")
def frames(mini_i):
    return mini_i.split("folded/train/10"), mini_i.split("folded/valid/10")


@pytest.fixture(scope="module")
def trained(frames, tmp_path_factory):
    workdir = tmp_path_factory.mktemp("gap")
    model = GAP(SETTINGS)
    return model, model.fit(*frames, workdir), workdir


@pytest.fixture(scope="module")
def hydrogen():
    """One element, so few kernels: for what does not depend on the system."""
    dataset = teadata.load("mini-hydrogen")
    return dataset.split("complete/train/10"), dataset.split("complete/valid/10")


@pytest.fixture(scope="module")
def fluid(hydrogen, tmp_path_factory):
    workdir = tmp_path_factory.mktemp("gap-hydrogen")
    model = GAP(SETTINGS)
    return model, model.fit(*hydrogen, workdir), workdir


@pytest.fixture(scope="module")
def perovskite():
    return teadata.load("mini-iv").split("complete/train/3")


@pytest.fixture(scope="module")
def periodic(perovskite, tmp_path_factory):
    model = GAP(SETTINGS.model_copy(update={"n_max": 3, "l_max": 1}))
    model.fit(perovskite, perovskite, tmp_path_factory.mktemp("gap-iv"))
    return model


def moved(frames: Frames, positions: np.ndarray, cell: np.ndarray | None = None) -> Frames:
    """Frames with other positions and cells; the labels are of no interest."""
    return Frames(
        numbers=frames.numbers,
        positions=positions,
        energies=np.zeros(len(positions)),
        forces=np.zeros(positions.shape),
        cell=cell,
        pbc=frames.pbc,
    )


def test_what_is_fitted_is_learnt(trained, frames):
    model, result, _ = trained
    train, valid = frames
    error = np.abs(model.predict(train).forces - train.forces).mean()
    assert error < 0.3 * np.abs(train.forces).mean()
    two_body, whole = result.curve
    assert whole["force_rmse"] < two_body["force_rmse"]
    assert validation_errors(model.predict(valid), valid) == pytest.approx(result.valid)
    assert result.selected["sparse"] > 20
    assert result.selected["delta_soap"] == two_body["delta_soap"]


# Tables SI 1 to 4: M of the two kernels, n_max, l_max, sigma_E, sigma_F.
PUBLISHED = {
    "paper-i": ("mini-i", 20, 2000, 8, 4, 0.01, 6.7e-4),
    "paper-ii": ("mini-ii", 25, 2000, 8, 4, 0.01, 5e-4),
    "paper-ii-incomplete": ("mini-ii", 25, 2000, 6, 3, 0.01, 6.7e-4),
    "paper-iii": ("mini-iii", 20, 2000, 8, 4, 0.001, 5e-5),
    "paper-iv": ("mini-iv", 20, 2500, 6, 3, 0.1, 0.002),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_settings_reach_gap_fit(name):
    dataset, two_body, soap, n_max, l_max, sigma_energy, sigma_force = PUBLISHED[name]
    settings = config.read(GAPConfig, "gap", name)
    frames = teadata.load(dataset).frames[:20]
    pairs = descriptors.pairs(frames, settings)
    kernels = [descriptors.two_body(pair, settings, 1.0) for pair in pairs]
    kernels += descriptors.all_soaps(frames.numbers.tolist(), settings, 1.0)
    (number,) = settings.sigma_energy
    (force,) = settings.sigma_force
    text = "\n".join(fitting.Fit(kernels, 0.0, number, force, 1e-8, 0).arguments("frames.xyz"))
    sigmas = re.search(r"default_sigma=\{(\S+) (\S+) 0.0 0.0\}", text)
    assert float(sigmas[1]) * EV == pytest.approx(sigma_energy)
    assert float(sigmas[2]) * EV == pytest.approx(sigma_force)
    elements = len(set(frames.numbers.tolist()))
    soaps = [line for line in text.splitlines() if "soap " in line]
    assert len(soaps) == 2 * elements
    for line in soaps:
        assert f"n_max={n_max} l_max={l_max} " in line
        assert f"n_sparse={soap} sparse_method=cur_points" in line
        assert "covariance_type=dot_product zeta=4" in line
    for line in kernels[: len(pairs)]:
        assert "covariance_type=ard_se" in line
        assert "sparse_method=uniform" in line
        assert int(re.search(r"n_sparse=(\d+)", line)[1]) == two_body
    assert max(map(len, text.splitlines())) < 1000  # gap_fit reads a longer line in pieces


def test_lengths_of_the_universal_soap():
    """By hand: carbon and hydrogen, 1.56 x 0.75 is below 2 Å, 1.56 x 1.4 below 1.2 x 2 Å."""
    assert soap_kernels([6, 1], SETTINGS) == (SoapKernel(2.0, 0.25), SoapKernel(2.4, 0.3))
    assert soap_kernels([82], SETTINGS) == (SoapKernel(4.5, 0.57), SoapKernel(5.5, 0.68))
    with pytest.raises(DataError, match=r"length scales are known here for H, .* not for Au"):
        soap_kernels([79, 1], SETTINGS)


def test_only_pairs_that_are_bonded_have_a_kernel(frames):
    """Counted here from all distances; no two oxygen atoms of the peptide are that near."""
    train, _ = frames
    pairs = {pair.elements: pair for pair in descriptors.pairs(train, SETTINGS)}
    assert (8, 8) not in pairs
    apart = np.linalg.norm(train.positions[:, :, None] - train.positions[:, None], axis=-1)
    carbon = np.flatnonzero(train.numbers == 6)
    first, second = (carbon[half] for half in np.triu_indices(len(carbon), 1))
    expected = apart[:, first, second] < pairs[6, 6].cutoff
    assert pairs[6, 6].distances == expected.sum()
    assert pairs[6, 6].cutoff == pytest.approx(1.5 * 1.4)


def test_gap_fit_was_told_what_the_settings_say(trained):
    _, result, workdir = trained
    text = (workdir / "model" / potential.GAP_FILE).read_text(encoding="utf-8")
    assert f"delta={result.selected['delta_soap'] / EV!r}" in text
    assert "rnd_seed=1" in text


@pytest.mark.parametrize("system", ["molecule", "crystal"])
def test_forces_are_minus_the_gradient_of_the_energy(system, trained, periodic, frames, perovskite):
    model, frame = (
        (trained[0], frames[1][:1]) if system == "molecule" else (periodic, perovskite[:1])
    )
    step = 1e-4
    directions = np.random.default_rng(0).normal(size=(3, *frame.positions.shape[1:]))
    positions = frame.positions + step * np.concatenate([directions, -directions])
    cell = None if frame.cell is None else np.repeat(frame.cell, 6, axis=0)
    energies = model.predict(moved(frame, positions, cell)).energies
    expected = -np.einsum("dai,ai->d", directions, model.predict(frame).forces[0])
    np.testing.assert_allclose(
        (energies[:3] - energies[3:]) / (2 * step), expected, rtol=1e-4, atol=1e-3
    )


def test_stress_is_the_gradient_by_strain(periodic, perovskite):
    frame = perovskite[:1]
    stress = periodic.predict(frame).stress[0]
    np.testing.assert_allclose(stress, stress.T, atol=1e-9)
    volume, step = frame.volumes[0], 1e-5
    components = [(0, 0), (2, 2), (0, 1), (1, 2)]
    strains = np.tile(np.eye(3), (8, 1, 1))
    for row, (i, j) in enumerate(components):
        strains[row, i, j] += step
        strains[4 + row, i, j] -= step
    energies = periodic.predict(
        moved(frame, frame.positions @ strains, frame.cell @ strains)
    ).energies
    slopes = (energies[:4] - energies[4:]) / (2 * step * volume)
    for (i, j), slope in zip(components, slopes, strict=True):
        assert stress[i, j] == pytest.approx(slope, rel=1e-3, abs=1e-6)


def test_a_molecule_has_no_stress(trained, frames):
    assert trained[0].predict(frames[1][:1]).stress is None


def test_energy_is_invariant_and_forces_turn_with_the_molecule(trained, frames):
    model, _, _ = trained
    some = frames[1][:3]
    rotation, _ = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))
    before = model.predict(some)
    turned = model.predict(moved(some, some.positions @ rotation + [3.0, -2.0, 1.0]))
    np.testing.assert_allclose(turned.energies, before.energies, atol=1e-6)
    np.testing.assert_allclose(turned.forces, before.forces @ rotation, atol=1e-6)


def test_the_order_of_the_atoms_does_not_matter(trained, frames):
    model, _, _ = trained
    some = frames[1][:2]
    order = np.random.default_rng(2).permutation(some.n_atoms)
    shuffled = Frames(
        numbers=some.numbers[order],
        positions=some.positions[:, order],
        energies=some.energies,
        forces=some.forces[:, order],
    )
    before, after = model.predict(some), model.predict(shuffled)
    np.testing.assert_allclose(after.energies, before.energies, atol=1e-6)
    np.testing.assert_allclose(after.forces, before.forces[:, order], atol=1e-6)


def test_a_cell_and_its_repetition_are_the_same_crystal(periodic, perovskite):
    frame = perovskite[:1]
    along = frame.cell[0, 0]
    twice = Frames(
        numbers=np.tile(frame.numbers, 2),
        positions=np.concatenate([frame.positions, frame.positions + along], axis=1),
        energies=np.zeros(1),
        forces=np.zeros((1, 2 * frame.n_atoms, 3)),
        cell=frame.cell * np.array([2.0, 1.0, 1.0])[:, None],
        pbc=frame.pbc,
    )
    one, two = periodic.predict(frame), periodic.predict(twice)
    assert two.energies[0] == pytest.approx(2 * one.energies[0], rel=1e-10)
    np.testing.assert_allclose(two.forces[0, : frame.n_atoms], one.forces[0], atol=1e-6)
    np.testing.assert_allclose(two.stress, one.stress, atol=1e-9)


def test_several_processes_predict_what_one_does(fluid):
    model, _, _ = fluid
    many = teadata.load("mini-hydrogen").frames[:130]
    seen = []
    predicted = model.predict(many, lambda *step: seen.append(step))
    assert seen[-1] == ("predict", 130, 130)
    for row in (0, 64, 65, 129):
        alone = model.predict(many[row])
        assert alone.energies[0] == predicted.energies[row]
        np.testing.assert_array_equal(alone.forces[0], predicted.forces[row])


def test_a_model_folder_can_be_moved(fluid, hydrogen, tmp_path):
    model, _, _ = fluid
    model.save(tmp_path / "saved")
    model.save(tmp_path / "saved")  # over another one
    (tmp_path / "saved").rename(tmp_path / "renamed")
    assert [path.name for path in tmp_path.iterdir()] == ["renamed"]
    again = GAP.load(tmp_path / "renamed", SETTINGS)
    expected = model.predict(hydrogen[1])
    for predicted in (
        again.predict(hydrogen[1]),
        pickle.loads(pickle.dumps(again)).predict(hydrogen[1]),
    ):
        np.testing.assert_array_equal(predicted.energies, expected.energies)
        np.testing.assert_array_equal(predicted.forces, expected.forces)


def test_an_incomplete_model_folder_is_refused(fluid, hydrogen, tmp_path):
    model, _, _ = fluid
    with pytest.raises(DataError, match=r"gap\.xml: not a readable GAP"):
        GAP.load(tmp_path, SETTINGS)
    model.save(tmp_path / "saved")
    missing = max((tmp_path / "saved").glob("*sparseX*"))
    missing.unlink()
    with pytest.raises(DataError, match=f"missing: {re.escape(missing.name)}"):
        GAP.load(tmp_path / "saved", SETTINGS)
    (tmp_path / "saved" / potential.GAP_FILE).write_text("<GAP_params>")
    with pytest.raises(DataError, match="not a whole GAP"):
        GAP.load(tmp_path / "saved", SETTINGS)


def test_a_folder_that_has_gone_is_named(fluid, hydrogen, tmp_path):
    model, _, _ = fluid
    model.save(tmp_path / "saved")
    again = GAP.load(tmp_path / "saved", SETTINGS)
    (tmp_path / "saved").rename(tmp_path / "elsewhere")
    with pytest.raises(DataError, match="saved: the files of this GAP are gone"):
        again.predict(hydrogen[1])


def test_the_calculator_can_be_pickled(fluid, hydrogen):
    model, _, _ = fluid
    predicted = model.predict(hydrogen[1][:1])
    atoms = hydrogen[1].to_ase()[0]
    atoms.calc = pickle.loads(pickle.dumps(model.calculator()))
    assert atoms.get_potential_energy() == pytest.approx(predicted.energies[0] / EV)
    np.testing.assert_allclose(atoms.get_forces(), predicted.forces[0] / EV)


def stop_at(wanted):
    """A progress callback that is interrupted when a task begins."""

    def progress(task, done, total):
        if task == wanted:
            raise KeyboardInterrupt

    return progress


def test_an_interrupted_fit_goes_on_and_ends_with_the_same_model(fluid, hydrogen, tmp_path, capfd):
    _, result, workdir = fluid
    with pytest.raises(KeyboardInterrupt):
        GAP(SETTINGS).fit(*hydrogen, tmp_path, stop_at("SOAP fit"))
    assert psutil.Process().children() == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["stages.json", "train.log"]
    (tmp_path / ".fitting-killed").mkdir()
    tasks = []
    resumed_model = GAP(SETTINGS)
    resumed = resumed_model.fit(*hydrogen, tmp_path, lambda task, *_: tasks.append(task))
    assert "two-body fit" not in tasks
    assert dataclasses.asdict(resumed) == dataclasses.asdict(result)
    assert sha256_of(tmp_path / "model") == sha256_of(workdir / "model")
    assert not (tmp_path / ".fitting-killed").exists()
    tasks.clear()
    GAP(SETTINGS).fit(*hydrogen, tmp_path, lambda task, *_: tasks.append(task))
    assert tasks == []
    resumed_model.predict(hydrogen[1])
    assert capfd.readouterr() == ("", "")  # what gap_fit and QUIP print is in the log
    assert "CUR decomposition" in (tmp_path / protocol.LOG_FILE).read_text(encoding="utf-8")


def test_the_sigma_of_lowest_validation_error_is_kept(hydrogen, tmp_path):
    settings = SETTINGS.model_copy(update={"sigma_force": [100.0, 0.01], "sparse_soap": 5})
    model = GAP(settings)
    result = model.fit(*hydrogen, tmp_path)
    assert [step["sigma_force"] for step in result.curve] == [100.0, 100.0, 0.01, 0.01]
    assert result.selected["sigma_force"] == 0.01
    assert json.loads((tmp_path / "stages.json").read_text()) == result.curve
    predicted = model.predict(hydrogen[1])
    assert validation_errors(predicted, hydrogen[1]) == pytest.approx(result.valid)


def test_gap_fit_that_fails_or_is_killed_is_one_error(hydrogen, tmp_path):
    fit = fitting.Fit(["nonsense delta=1.0"], 0.0, 0.01, 0.01, 1e-8, 0)
    folder = tmp_path / "model"
    folder.mkdir()
    with pytest.raises(
        TeaError, match=r"gap_fit failed \(exit status 1\) in the test to 10 frames"
    ):
        fitting.run(fit, hydrogen[0], folder, tmp_path / "log", protocol.no_progress, "test")

    def kill(task, done, total):
        for child in psutil.Process().children():
            child.send_signal(signal.SIGKILL)

    with pytest.raises(TeaError, match="SIGKILL, which the system sends when memory runs out"):
        GAP(SETTINGS).fit(*hydrogen, tmp_path, kill)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["log", "model", "train.log"]


def test_too_many_frames_for_the_memory_are_refused(hydrogen, tmp_path, monkeypatch):
    memory = namedtuple("memory", ["available"])(2**20)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory)
    with pytest.raises(TeaError, match=r"needs about 0\.\d GiB .* for 10 frames .* at most \d fr"):
        GAP(SETTINGS).fit(*hydrogen, tmp_path)
    assert psutil.Process().children() == []


def test_without_gap_fit_the_extra_is_named(hydrogen, tmp_path, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"tea-benchmark\[gap\]"):
        GAP(SETTINGS).fit(*hydrogen, tmp_path)


def test_frames_that_it_cannot_take(trained, perovskite, small, tmp_path):
    model, _, _ = trained
    with pytest.raises(DataError, match="not trained on I, Pb"):
        model.predict(perovskite)
    with pytest.raises(TeaError, match="not trained: call fit"):
        GAP(SETTINGS).predict(small)
    with pytest.raises(TeaError, match="nothing to save"):
        GAP(SETTINGS).save(tmp_path / "model")
    broken = Frames(
        numbers=small.numbers,
        positions=small.positions,
        energies=small.energies,
        forces=np.full(small.forces.shape, np.nan),
    )
    with pytest.raises(TeaError, match="forces of 8 of 8 training frames are not finite"):
        GAP(SETTINGS).fit(broken, small, tmp_path)
    apart = moved(small, 10.0 * small.positions)
    with pytest.raises(DataError, match="nothing to fit a two-body kernel to"):
        GAP(SETTINGS).fit(apart, apart, tmp_path)
    assert list(tmp_path.iterdir()) == []
