"""The real sgdml package, on few frames of the real data."""

from __future__ import annotations

import dataclasses
import logging
import multiprocessing
import os
import pickle
from collections import namedtuple

import numpy as np
import psutil
import pytest
from threadpoolctl import threadpool_info

import teadata
from baselines import protocol
from baselines.sgdml import SGDML, SGDMLConfig
from baselines.sgdml.backend import backend, sound_blas
from baselines.toolkit.labels import validation_errors
from teadata import Frames, TeaError
from teadata.errors import DataError
from teadata.units import EV


@pytest.fixture(scope="module")
def settings():
    return SGDMLConfig(size=10, sigmas=[10, 20], lam=1e-10, symmetries=True)


@pytest.fixture(scope="module")
def iterative():
    return SGDMLConfig(
        size=10, sigmas=[10], lam=1e-7, symmetries=True, solver="iterative",
        tolerance=1e-6, preconditioner_memory=0.01, inducing="frames",
    )  # fmt: skip


@pytest.fixture(scope="module")
def periodic(tmp_path_factory):
    """A model of six frames of graphene with a molecule on it."""
    mini_iii = teadata.load("mini-iii")
    config = SGDMLConfig(size=6, sigmas=[80], lam=1e-10, symmetries=False)
    model = SGDML(config)
    workdir = tmp_path_factory.mktemp("periodic")
    model.fit(mini_iii.split("complete/train/6"), mini_iii.split("complete/valid/6"), workdir)
    return model, mini_iii


@pytest.fixture(scope="module")
def trained(mini_i, settings, tmp_path_factory):
    workdir = tmp_path_factory.mktemp("sgdml")
    model = SGDML(settings)
    result = model.fit(mini_i.split("folded/train/10"), mini_i.split("folded/valid/10"), workdir)
    return model, result, workdir


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


def test_forces_are_minus_the_gradient_of_the_energy(trained, mini_i):
    assert_forces_are_minus_the_gradient(trained[0], mini_i.split("folded/test")[:1])


def test_energy_is_invariant_and_forces_turn_with_the_molecule(trained, mini_i):
    model, _, _ = trained
    frames = mini_i.split("folded/test")[:3]
    rotation, _ = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))
    energies, forces, *_ = model.predict(frames)
    turned = model.predict(moved(frames, frames.positions @ rotation + [3.0, -2.0, 1.0]))
    np.testing.assert_allclose(turned[0], energies, atol=1e-6)
    np.testing.assert_allclose(turned[1], forces @ rotation, atol=1e-6)


def test_a_saved_model_predicts_the_same(trained, settings, mini_i, tmp_path):
    model, _, workdir = trained
    frames = mini_i.split("folded/test")[:5]
    model.save(tmp_path / "copy.npz")
    for path in (tmp_path / "copy.npz", workdir / SGDML.model_file):
        again = SGDML.load(path, settings).predict(frames)
        np.testing.assert_array_equal(again[0], model.predict(frames)[0])
        np.testing.assert_array_equal(again[1], model.predict(frames)[1])


def test_a_finished_search_is_not_repeated(trained, settings, mini_i):
    """What is resumed is the checkpoint: no sigma is trained again."""
    _, result, workdir = trained
    before = (workdir / SGDML.model_file).read_bytes()
    tasks: list[str] = []
    again = SGDML(settings)
    repeated = again.fit(
        mini_i.split("folded/train/10"),
        mini_i.split("folded/valid/10"),
        workdir,
        lambda task, done, total: tasks.append(task),
    )
    assert dataclasses.asdict(repeated) == dataclasses.asdict(result)
    assert (workdir / SGDML.model_file).read_bytes() == before
    assert not [task for task in tasks if "sigma" in task]


def test_calculator_gives_ases_units(trained, mini_i):
    model, _, _ = trained
    frame = mini_i.split("folded/test")[:1]
    energies, forces, *_ = model.predict(frame)
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


def test_labels_that_are_not_finite_are_refused(settings, small, tmp_path):
    broken = dataclasses.replace(small, forces=np.full(small.forces.shape, np.nan))
    for frames in ((broken, small), (small, broken)):
        with pytest.raises(
            DataError, match=r"of 8 of 8 .* frames are not finite, the first is frame"
        ):
            SGDML(settings).fit(*frames, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_system_that_cannot_be_solved_is_an_error_not_a_model(
    settings, iterative, small, tmp_path
):
    """Atoms in one place have no finite descriptor."""
    positions = small.positions.copy()
    positions[:, 1] = positions[:, 0]
    broken = dataclasses.replace(small, positions=positions)
    for config in (settings, iterative):
        with np.errstate(all="ignore"), pytest.raises(TeaError, match="could not solve"):
            SGDML(config.model_copy(update={"symmetries": False})).fit(broken, small, tmp_path)
    assert not (tmp_path / SGDML.model_file).exists()


def test_where_sgdml_would_end_the_process_there_is_an_error(trained, small):
    with backend(None):
        trained[0].predict(small)  # calls the backend too, within

        from sgdml.solvers.iterative import Iterative

        solver = Iterative(None, None, max_memory=1, max_processes=1, use_torch=False)
        with pytest.raises(TeaError, match="sgdml gave up: Failed to factorize despite strong"):
            solver._cho_factor_stable(-100.0 * np.eye(3))
    assert Iterative.solve.__globals__["os"] is os


@pytest.mark.parametrize(("rows", "single"), [(25_200, True), (1_000, False)])
def test_openblas_is_held_to_one_thread_where_it_fails_with_more(rows, single):
    before = {lib["filepath"]: lib["num_threads"] for lib in threadpool_info()}
    with sound_blas(rows):
        for lib in threadpool_info():
            if lib["internal_api"] == "openblas":
                expected = 1 if single else before[lib["filepath"]]
                assert lib["num_threads"] == expected
    assert {lib["filepath"]: lib["num_threads"] for lib in threadpool_info()} == before


def test_memory_at_the_limit_is_refused_not_solved_iteratively(monkeypatch):
    """sgdml itself would change its solver unasked."""
    with backend(None):  # importing sgdml elsewhere would change the logger class for good
        from baselines.sgdml.solvers import Analytic, analytic_memory
    needed = Analytic.est_memory_requirement(200, 42)  # 14.2 GiB
    memory = namedtuple("memory", ["available"])
    for spare, fits in ((1.0, False), (1.25, True)):
        found = memory(available=spare * needed)
        monkeypatch.setattr(psutil, "virtual_memory", lambda found=found: found)
        if fits:
            assert analytic_memory(200, 42) == pytest.approx(14.5, abs=0.1)
        else:
            with pytest.raises(TeaError, match="analytic solver needs about 14 GiB"):
                analytic_memory(200, 42)


@pytest.mark.parametrize(
    ("allowed", "message"),
    [(1e-3, "needs at least 0.5 GiB for 1000 frames of 42"), (1e5, "lower preconditioner_memory")],
)
def test_memory_of_the_preconditioner_is_checked(iterative, mini_i, tmp_path, allowed, message):
    config = iterative.model_copy(update={"preconditioner_memory": allowed})
    many = Frames.concatenate([mini_i.split("folded/train/1000")])
    with pytest.raises(TeaError, match=message):
        SGDML(config).fit(many, many[:10], tmp_path)


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


@pytest.mark.parametrize("inducing", ["leverage", "frames"])
def test_both_solvers_find_the_same_model(iterative, mini_i, tmp_path, inducing):
    """The iterative one also where sgdml, having memory, would take the analytic one."""
    train, valid = mini_i.split("folded/train/10"), mini_i.split("folded/valid/10")
    test = mini_i.split("folded/test")[:20]
    predicted = {}
    for solver in ("analytic", "iterative"):
        changes = {"solver": solver, "inducing": inducing}
        model = SGDML(iterative.model_copy(update=changes))
        folder = tmp_path / solver
        folder.mkdir()
        result = model.fit(train, valid, folder)
        assert result.selected["solver"] == solver
        predicted[solver] = model.predict(test)
    assert result.selected["converged"] == 1
    assert result.selected["residual"] < 1e-6
    assert result.selected["iterations"] > 10
    scale = np.abs(predicted["analytic"].forces).mean()
    difference = np.abs(predicted["iterative"].forces - predicted["analytic"].forces).max()
    assert 0 < difference < 1e-3 * scale
    assert "Using iterative solver" in (tmp_path / "iterative" / protocol.LOG_FILE).read_text()


def test_a_killed_iterative_training_goes_on_from_its_checkpoint(
    iterative, mini_i, tmp_path, monkeypatch
):
    with backend(None):
        from baselines.sgdml import solvers
    monkeypatch.setattr(solvers, "CHECKPOINT_SECONDS", 0.0)
    monkeypatch.setattr(solvers, "POOL_PAYS", 0)
    train, valid = mini_i.split("folded/train/10"), mini_i.split("folded/valid/10")
    checkpoint = tmp_path / "solver.npz"

    def interrupt(task: str, done: int, total: int) -> None:
        if checkpoint.exists():
            raise KeyboardInterrupt

    children = multiprocessing.active_children()
    with pytest.raises(KeyboardInterrupt):
        SGDML(iterative).fit(train, valid, tmp_path, interrupt)
    assert multiprocessing.active_children() == children
    with np.load(checkpoint) as state:
        before = int(state["iterations"])
    assert solvers.resumed(checkpoint, 10)["solver_iters"] == before > 0
    assert solvers.resumed(checkpoint, 20) == {}
    monkeypatch.setattr(solvers, "POOL_PAYS", 10**9)
    tasks: list[str] = []
    model = SGDML(iterative)
    result = model.fit(train, valid, tmp_path, lambda task, *_: tasks.append(task))
    assert not checkpoint.exists()
    assert any(task.startswith("sigma 10") for task in tasks)
    assert result.selected["converged"] == 1
    assert result.selected["iterations"] > before
    whole = SGDML(iterative)
    (tmp_path / "whole").mkdir()
    whole.fit(train, valid, tmp_path / "whole")
    forces = whole.predict(valid).forces
    difference = np.abs(model.predict(valid).forces - forces).max()
    assert difference < 1e-3 * np.abs(forces).mean()  # the tolerance, not the digit


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


class OnTorch(SGDML):
    """sGDML with torch, whatever the device."""

    def by_torch(self) -> bool:
        return True


def test_torch_predicts_the_same(trained, periodic):
    """What a CUDA device would run, here on the CPU; positions stay in float64."""
    frames = {id(periodic[0]): periodic[1].split("complete/test")[:3]}
    for model in (trained[0], periodic[0]):
        test = frames.get(id(model), teadata.load("mini-i").split("folded/test")[:3])
        expected = model.predict(test)
        twin = OnTorch(model.config)
        twin.use(model.trained())
        found = twin.predict(test)
        np.testing.assert_allclose(found.energies, expected.energies, rtol=0, atol=1e-6)
        np.testing.assert_allclose(found.forces, expected.forces, rtol=0, atol=1e-6)


def test_a_cuda_device_that_is_not_there_is_an_error(settings, small, tmp_path):
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available():
        pytest.skip("there is one")
    with pytest.raises(TeaError, match="torch finds no CUDA device"):
        SGDML(settings, device="cuda").fit(small, small, tmp_path)


@pytest.mark.gpu
@pytest.mark.parametrize("solver", ["analytic", "iterative"])
def test_a_gpu_gives_the_model_of_the_cpu(iterative, mini_i, tmp_path, solver):
    if not pytest.importorskip("torch").cuda.is_available():
        pytest.skip("no CUDA device")
    train, valid = mini_i.split("folded/train/10"), mini_i.split("folded/valid/10")
    found = []
    for device in ("cpu", "cuda"):
        model = SGDML(iterative.model_copy(update={"solver": solver}), device=device)
        (tmp_path / device).mkdir()
        model.fit(train, valid, tmp_path / device)
        found.append(model.predict(valid).forces)
    assert np.abs(found[1] - found[0]).max() < 1e-3 * np.abs(found[0]).mean()


def test_loggers_are_left_as_they_were(trained):
    assert logging.getLoggerClass() is logging.Logger
