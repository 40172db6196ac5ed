"""The real sgdml package, on few frames of the real data."""

from __future__ import annotations

import dataclasses
import json
import multiprocessing
import pickle
import shutil

import numpy as np
import pytest

from baselines.sgdml import SGDML
from baselines.toolkit.labels import validation_errors
from teadata import Frames, TeaError
from teadata.errors import DataError


def moved(frames: Frames, positions: np.ndarray) -> Frames:
    """Frames with other positions; the labels are of no interest."""
    cell = frames.cell
    return Frames(
        numbers=frames.numbers,
        positions=positions,
        energies=np.zeros(len(positions)),
        forces=np.zeros(positions.shape),
        cell=None if cell is None else np.repeat(cell[:1], len(positions), axis=0),
        pbc=frames.pbc,
    )


def assert_forces_are_minus_the_gradient(model: SGDML, frame: Frames) -> None:
    """The slope of the energy along random directions is that of the forces."""
    step = 1e-4
    directions = np.random.default_rng(0).normal(size=(4, *frame.positions.shape[1:]))
    shifted = np.concatenate(
        [frame.positions + step * directions, frame.positions - step * directions]
    )
    energies = model.predict(moved(frame, shifted)).energies
    slope = (energies[:4] - energies[4:]) / (2 * step)
    forces = model.predict(frame).forces[0]
    expected = -np.einsum("dai,ai->d", directions, forces)
    np.testing.assert_allclose(slope, expected, rtol=1e-5, atol=1e-4)


def test_training_frames_are_reproduced(trained, mini_i):
    model, _, _ = trained
    train = mini_i.split("folded/train/10")
    energies, forces, *others = model.predict(train)
    assert others == [None, None]
    assert np.abs(forces - train.forces).mean() < 0.01 * np.abs(train.forces).mean()
    assert energies.mean() == pytest.approx(train.energies.mean(), abs=1e-3)


def test_the_best_sigma_is_kept(trained, mini_i):
    model, result, _ = trained
    best = min(result.curve, key=lambda step: step["force_rmse"])
    assert result.selected["sigma"] == best["sigma"]
    valid = mini_i.split("folded/valid/10")
    assert validation_errors(model.predict(valid), valid) == pytest.approx(result.valid)


@pytest.fixture(scope="module")
def two_sigmas(iterative, mini_i, tmp_path_factory):
    """The workdir of a search of two sigmas."""
    workdir = tmp_path_factory.mktemp("search") / "workdir"
    workdir.mkdir()
    frames = mini_i.split("folded/train/10"), mini_i.split("folded/valid/10")
    SGDML(iterative.model_copy(update={"sigmas": [10, 20]})).fit(*frames, workdir)
    return workdir


@pytest.mark.parametrize(("converged", "searched"), [(1, [10, 20]), (0, [10, 20, 30])])
def test_a_search_ends_once_the_error_rises_after_a_solver_converged(
    iterative, two_sigmas, mini_i, tmp_path, converged, searched
):
    """As the sgdml command's: an error of a solver that gave up says nothing of sigma."""
    frames = mini_i.split("folded/train/10"), mini_i.split("folded/valid/10")
    shutil.copytree(two_sigmas, tmp_path, dirs_exist_ok=True)
    file = tmp_path / "sigmas.json"
    curve = json.loads(file.read_text())["curve"]
    curve[1]["force_rmse"] = 2 * curve[0]["force_rmse"]
    # a list alone, as earlier versions wrote, does not say which sigmas were to be searched
    file.write_text(json.dumps([step | {"converged": converged} for step in curve]))
    again = SGDML(iterative.model_copy(update={"sigmas": [10, 20, 30]})).fit(*frames, tmp_path)
    assert [step["sigma"] for step in again.curve] == searched


def test_other_atoms_are_refused(trained, mini_i):
    model, _, _ = trained
    frame = mini_i.frames[:1]
    swapped = Frames(
        numbers=frame.numbers[::-1],
        positions=frame.positions,
        energies=frame.energies,
        forces=frame.forces,
    )
    with pytest.raises(DataError, match="trained on 42 atoms in another order"):
        model.predict(swapped)


def test_an_atom_at_nan_is_refused(trained, mini_i):
    model, _, _ = trained
    test = mini_i.split("folded/test")[:2]
    positions = test.positions.copy()
    positions[1, 3] = np.nan
    with pytest.raises(DataError, match=rf"frame {test.ids[1]}: the position of atom 3 has NaN"):
        model.predict(dataclasses.replace(test, positions=positions))


def test_too_many_frames_are_refused_before_anything_is_computed(settings, mini_i, tmp_path):
    many = Frames.concatenate([mini_i.split("complete/train/1000")] * 3)
    with pytest.raises(TeaError, match=r"analytic solver needs about \d{4} GiB .* at most \d+ fr"):
        SGDML(settings).fit(many, many, tmp_path)


def test_a_file_of_other_arrays_is_refused(settings, small, tmp_path):
    path = tmp_path / "model.npz"
    np.savez(path, R=small.positions)
    with pytest.raises(DataError, match="expected the arrays type, z, sig"):
        SGDML.load(path, settings)


def test_a_periodic_model_has_forces_of_its_energy(periodic):
    model, mini_iii = periodic
    frame = mini_iii.split("complete/test")[:1]
    assert_forces_are_minus_the_gradient(model, frame)
    image = frame.positions + frame.cell[0, 0] * (np.arange(frame.n_atoms) % 2)[:, None]
    same, wrapped = model.predict(frame), model.predict(moved(frame, image[:1]))
    assert wrapped.energies == pytest.approx(same.energies, abs=1e-6)
    np.testing.assert_allclose(wrapped.forces, same.forces, atol=1e-6)
    assert same.stress is None


def test_another_cell_is_refused(periodic, settings, tmp_path):
    model, mini_iii = periodic
    frames = mini_iii.split("complete/train/6")
    stretched = dataclasses.replace(frames, cell=frames.cell * 1.01)
    with pytest.raises(DataError, match=r"knows the one cell .*17\.2584.* found .*17\.431"):
        model.predict(stretched)
    with pytest.raises(DataError, match="found no cell"):
        model.predict(dataclasses.replace(frames, cell=None, pbc=np.zeros(3, bool)))
    cells = frames.cell.copy()
    cells[1] *= 1.01
    changing = dataclasses.replace(frames, cell=cells)
    for train, valid in ((changing, frames), (frames, changing)):
        with pytest.raises(DataError, match="knows one cell, but 1 of these 6 frames have another"):
            SGDML(settings).fit(train, valid, tmp_path)
    with pytest.raises(DataError, match="knows the one cell"):
        SGDML(settings).fit(frames, stretched, tmp_path)


def test_a_model_travels_without_its_workers(trained, mini_i):
    model, _, _ = trained
    frames = mini_i.split("folded/test")[:20]
    before = model.predict(frames)
    many = model.predict(mini_i.split("folded/test"))  # enough for a pool
    np.testing.assert_allclose(many.forces[:20], before.forces, atol=1e-9)
    assert multiprocessing.active_children() == []
    again = pickle.loads(pickle.dumps(model.calculator())).model.predict(frames)
    np.testing.assert_array_equal(again.forces, before.forces)


def test_a_cuda_device_that_is_not_there_is_an_error(settings, small, tmp_path):
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available():
        pytest.skip("there is one")
    with pytest.raises(TeaError, match="torch finds no CUDA device"):
        SGDML(settings, device="cuda").fit(small, small, tmp_path)
