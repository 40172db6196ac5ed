"""The real sgdml package, on few frames of the real data."""

from __future__ import annotations

import dataclasses
import logging
from collections import namedtuple

import numpy as np
import psutil
import pytest
from threadpoolctl import threadpool_info

from baselines import protocol
from baselines.sgdml import SGDML, SGDMLConfig, _backend, _check_memory, _sound_blas
from teadata import Frames, TeaError
from teadata.errors import DataError
from teadata.units import EV


@pytest.fixture(scope="module")
def settings():
    return SGDMLConfig(size=10, sigmas=[10, 20], lam=1e-10, symmetries=True)


@pytest.fixture(scope="module")
def trained(mini_i, settings, tmp_path_factory):
    workdir = tmp_path_factory.mktemp("sgdml")
    model = SGDML(settings)
    result = model.fit(mini_i.split("folded/train/10"), mini_i.split("folded/valid/10"), workdir)
    return model, result, workdir


def moved(frames: Frames, positions: np.ndarray) -> Frames:
    """Frames with other positions; the labels are of no interest."""
    return Frames(
        numbers=frames.numbers,
        positions=positions,
        energies=np.zeros(len(positions)),
        forces=np.zeros(positions.shape),
    )


def test_training_frames_are_reproduced(trained, mini_i):
    model, _, _ = trained
    train = mini_i.split("folded/train/10")
    energies, forces = model.predict(train)
    assert np.abs(forces - train.forces).mean() < 0.01 * np.abs(train.forces).mean()
    assert energies.mean() == pytest.approx(train.energies.mean(), abs=1e-3)


def test_the_best_sigma_is_kept(trained, mini_i):
    model, result, _ = trained
    best = min(result.curve, key=lambda step: step["force_rmse"])
    assert result.selected["sigma"] == best["sigma"]
    valid = mini_i.split("folded/valid/10")
    assert protocol.validation_errors(model.predict(valid), valid) == pytest.approx(result.valid)


def test_forces_are_minus_the_gradient_of_the_energy(trained, mini_i):
    model, _, _ = trained
    frame = mini_i.split("folded/test")[:1]
    step = 1e-4
    rng = np.random.default_rng(0)
    directions = rng.normal(size=(4, *frame.positions.shape[1:]))
    shifted = np.concatenate(
        [frame.positions + step * directions, frame.positions - step * directions]
    )
    energies, _ = model.predict(moved(frame, shifted))
    slope = (energies[:4] - energies[4:]) / (2 * step)
    _, forces = model.predict(frame)
    np.testing.assert_allclose(
        slope, -np.einsum("dai,ai->d", directions, forces[0]), rtol=1e-5, atol=1e-5
    )


def test_energy_is_invariant_and_forces_turn_with_the_molecule(trained, mini_i):
    model, _, _ = trained
    frames = mini_i.split("folded/test")[:3]
    rotation, _ = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))
    energies, forces = model.predict(frames)
    turned = model.predict(moved(frames, frames.positions @ rotation + [3.0, -2.0, 1.0]))
    np.testing.assert_allclose(turned[0], energies, atol=1e-6)
    np.testing.assert_allclose(turned[1], forces @ rotation, atol=1e-6)


def test_a_saved_model_predicts_the_same(trained, settings, mini_i, tmp_path):
    model, _, workdir = trained
    frames = mini_i.split("folded/test")[:5]
    model.save(tmp_path / "copy.npz")
    for path in (tmp_path / "copy.npz", workdir / protocol.MODEL_FILE):
        again = SGDML.load(path, settings).predict(frames)
        np.testing.assert_array_equal(again[0], model.predict(frames)[0])
        np.testing.assert_array_equal(again[1], model.predict(frames)[1])


def test_a_finished_search_is_not_repeated(trained, settings, mini_i):
    """What is resumed is the checkpoint: no sigma is trained again."""
    _, result, workdir = trained
    before = (workdir / protocol.MODEL_FILE).read_bytes()
    tasks: list[str] = []
    again = SGDML(settings)
    repeated = again.fit(
        mini_i.split("folded/train/10"),
        mini_i.split("folded/valid/10"),
        workdir,
        lambda task, done, total: tasks.append(task),
    )
    assert dataclasses.asdict(repeated) == dataclasses.asdict(result)
    assert (workdir / protocol.MODEL_FILE).read_bytes() == before
    assert not [task for task in tasks if "sigma" in task]


def test_calculator_gives_ases_units(trained, mini_i):
    model, _, _ = trained
    frame = mini_i.split("folded/test")[:1]
    energies, forces = model.predict(frame)
    atoms = frame.to_ase()[0]
    atoms.calc = model.calculator()
    assert atoms.get_potential_energy() == pytest.approx(energies[0] / EV)
    np.testing.assert_allclose(atoms.get_forces(), forces[0] / EV)


def test_progress_is_reported(trained, mini_i):
    model, _, _ = trained
    seen = []
    model.predict(mini_i.split("folded/test")[:150], lambda *step: seen.append(step))
    assert seen == [("predict", 100, 150), ("predict", 150, 150)]


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


def test_too_many_frames_are_refused_before_anything_is_computed(settings, mini_i, tmp_path):
    many = Frames.concatenate([mini_i.split("complete/train/1000")] * 3)
    with pytest.raises(TeaError, match=r"analytic solver needs about \d{4} GiB .* at most \d+ fr"):
        SGDML(settings).fit(many, many, tmp_path)


def test_a_system_that_cannot_be_solved_is_an_error_not_a_model(settings, small, tmp_path):
    broken = Frames(
        numbers=small.numbers,
        positions=small.positions,
        energies=small.energies,
        forces=np.full(small.forces.shape, np.nan),
    )
    with pytest.raises(TeaError, match="could not solve for the coefficients"):
        SGDML(settings).fit(broken, small, tmp_path)
    assert not (tmp_path / protocol.MODEL_FILE).exists()


@pytest.mark.parametrize(("rows", "single"), [(25_200, True), (1_000, False)])
def test_openblas_is_held_to_one_thread_where_it_fails_with_more(rows, single):
    before = {lib["filepath"]: lib["num_threads"] for lib in threadpool_info()}
    with _sound_blas(rows):
        for lib in threadpool_info():
            if lib["internal_api"] == "openblas":
                expected = 1 if single else before[lib["filepath"]]
                assert lib["num_threads"] == expected
    assert {lib["filepath"]: lib["num_threads"] for lib in threadpool_info()} == before


def test_memory_at_the_limit_is_refused_not_solved_iteratively(monkeypatch):
    """Between sgdml's whole GiB and the memory there is, it would change its solver unasked."""
    with _backend(None):  # importing sgdml elsewhere would change the logger class for good
        from sgdml.solvers.analytic import Analytic
    needed = Analytic.est_memory_requirement(200, 42)  # 14.2 GiB
    memory = namedtuple("memory", ["total", "available"])
    for spare, fits in ((1.0, False), (1.25, True)):
        found = memory(total=spare * needed, available=spare * needed)
        monkeypatch.setattr(psutil, "virtual_memory", lambda found=found: found)
        if fits:
            assert _check_memory(200, 42) == found.total // 2**30
        else:
            with pytest.raises(TeaError, match="analytic solver needs about 14 GiB"):
                _check_memory(200, 42)


def test_an_untrained_model_says_so(settings, small, tmp_path):
    with pytest.raises(TeaError, match="not trained"):
        SGDML(settings).predict(small)
    with pytest.raises(TeaError, match="nothing to save"):
        SGDML(settings).save(tmp_path / "model.npz")
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_model(settings, small, tmp_path):
    path = tmp_path / "model.npz"
    np.savez(path, R=small.positions)
    with pytest.raises(DataError, match="expected the arrays type, z, sig"):
        SGDML.load(path, settings)


def test_loggers_are_left_as_they_were(trained):
    assert logging.getLoggerClass() is logging.Logger
