"""The two solvers, what they need of memory, and how they predict."""

from __future__ import annotations

import dataclasses
import itertools
import multiprocessing
from collections import namedtuple
from types import SimpleNamespace

import numpy as np
import psutil
import pytest

import teadata
from baselines import protocol
from baselines.sgdml import SGDML
from baselines.sgdml.backend import backend
from baselines.sgdml.factors import Cholesky
from teadata import Frames, TeaError
from teadata.errors import DataError


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


def test_a_system_that_cannot_be_solved_is_an_error_not_a_model(
    settings, iterative, small, tmp_path
):
    """The vector between two atoms that are too far apart for a number is not finite."""
    positions = small.positions.copy()
    positions[:, :2, 0] = 1.5e308, -1.5e308
    broken = dataclasses.replace(small, positions=positions)
    for config in (settings, iterative):
        with np.errstate(all="ignore"), pytest.raises(TeaError, match="could not solve"):
            SGDML(config.model_copy(update={"symmetries": False})).fit(broken, small, tmp_path)
    assert not (tmp_path / SGDML.model_file).exists()


@pytest.mark.parametrize("inducing", ["leverage", "frames"])
def test_both_solvers_find_the_same_model(iterative, solved, mini_i, tmp_path, inducing):
    """The iterative one also where sgdml, having memory, would take the analytic one."""
    exact, analytic, _ = solved["analytic"]
    model, result, workdir = solved["iterative"]
    assert model.config.inducing == "frames"
    if inducing != "frames":
        model, workdir = SGDML(iterative.model_copy(update={"inducing": inducing})), tmp_path
        train, valid = mini_i.split("folded/train/10"), mini_i.split("folded/valid/10")
        result = model.fit(train, valid, workdir)
    assert (analytic.selected["solver"], result.selected["solver"]) == ("analytic", "iterative")
    assert result.selected["converged"] == 1
    assert result.selected["residual"] < 1e-6
    assert result.selected["iterations"] > 10
    test = mini_i.split("folded/test")[:20]
    expected, predicted = exact.predict(test).forces, model.predict(test).forces
    scale = np.abs(expected).mean()
    assert 0 < np.abs(predicted - expected).max() < 1e-3 * scale
    assert "Using iterative solver" in (workdir / protocol.LOG_FILE).read_text()


def test_a_killed_iterative_training_goes_on_from_its_checkpoint(
    iterative, solved, mini_i, tmp_path, monkeypatch
):
    with backend(None):
        import sgdml.solvers.iterative as sgdmls

        from baselines.sgdml import solvers
    # sgdml says how far it is about once a second, and this small system takes about one in all
    a_second_each = SimpleNamespace(default_timer=itertools.count(1.0).__next__)
    monkeypatch.setattr(sgdmls, "timeit", a_second_each)
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
    with pytest.raises(DataError, match=r"solver.npz: is of a training with other training frames"):
        SGDML(iterative).fit(train[::-1], valid, tmp_path)
    monkeypatch.setattr(solvers, "POOL_PAYS", 10**9)
    tasks: list[str] = []
    model = SGDML(iterative)
    result = model.fit(train, valid, tmp_path, lambda task, *_: tasks.append(task))
    assert not checkpoint.exists()
    assert any(task.startswith("sigma 10") for task in tasks)
    assert result.selected["converged"] == 1
    assert result.selected["iterations"] > before
    forces = solved["iterative"][0].predict(valid).forces
    difference = np.abs(model.predict(valid).forces - forces).max()
    assert difference < 1e-3 * np.abs(forces).mean()  # the tolerance, not the digit


def test_torch_predicts_the_same(trained, periodic, tmp_path):
    """What a CUDA device would run, here on the CPU; positions stay in float64."""
    import torch

    frames = {id(periodic[0]): periodic[1].split("complete/test")[:3]}
    for model in (trained[0], periodic[0]):
        test = frames.get(id(model), teadata.load("mini-i").split("folded/test")[:3])
        expected = model.predict(test)
        with backend(None):
            from baselines.sgdml.solvers import Predictor

            model.save(tmp_path / "model.npz")
            with np.load(tmp_path / "model.npz") as file:
                predictor = Predictor(dict(file), use_torch=True)
            energies, forces = predictor.torch_predict(torch.tensor(test.positions))
        np.testing.assert_allclose(energies, expected.energies, rtol=0, atol=1e-6)
        np.testing.assert_allclose(forces, expected.forces, rtol=0, atol=1e-6)


def test_torch_factorises_as_scipy_does():
    """As the analytic solver does on a GPU, on the CPU."""
    scipy = pytest.importorskip("scipy.linalg")
    cholesky = Cholesky("cpu")
    rng = np.random.default_rng(0)
    root = rng.normal(size=(60, 60))
    matrix, right = root @ root.T + np.eye(60), rng.normal(size=60)
    before = matrix.copy()
    factored = cholesky.cho_factor(matrix, overwrite_a=False, check_finite=False)
    found = cholesky.cho_solve(factored, right, overwrite_b=False, check_finite=False)
    np.testing.assert_allclose(found, scipy.cho_solve(scipy.cho_factor(matrix), right), rtol=1e-9)
    np.testing.assert_array_equal(matrix, before)  # sgdml tries another solver if this one fails
    with pytest.raises(np.linalg.LinAlgError):
        cholesky.cho_factor(matrix - 30 * np.eye(60))


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
