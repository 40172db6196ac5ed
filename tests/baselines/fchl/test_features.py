"""Rows of the regression and predictions: the same linear map, forwards and backwards."""

from __future__ import annotations

import numpy as np
import pytest

from teadata import load

pytest.importorskip("torch")
pytest.importorskip("vesin")
import torch

from baselines.fchl import rows
from baselines.fchl.dispatch import representation
from baselines.fchl.features import Features, Reduction
from baselines.fchl.representation import Representation
from baselines.fchl.sorf import Sorf


def features(config, frames, device="cpu", reduction=None) -> Features:
    elements = [int(z) for z in np.unique(frames.numbers)]
    if reduction is None:
        reduction = Reduction.of(representation(config, elements), frames, config.npcas, 4)
    sorf = Sorf.draw(
        len(elements), config.npcas, config.nstacks, config.ntransforms, config.sigmas[0], seed=0
    )
    return Features(config, elements, reduction, sorf, device)


def coefficients(config) -> torch.Tensor:
    rng = np.random.default_rng(0)
    return torch.from_numpy(rng.normal(size=(config.features, 2)))


@pytest.fixture(scope="module", params=["molecule", "slab", "crystal"])
def frames(request, mini_i, crystal):
    if request.param == "crystal":
        return crystal
    return (mini_i if request.param == "molecule" else load("mini-iii")).split("complete/test")[:2]


@pytest.mark.parametrize("transforms", [1, 2])
def test_rows_times_coefficients_are_the_prediction(frames, settings, transforms):
    config = settings(ntransforms=transforms, rcut=4.0, acut=4.0)
    model, alpha = features(config, frames), coefficients(config)
    energy, force = model.rows(frames)
    energies, forces, _ = model.predict(frames, alpha)
    torch.testing.assert_close((energy @ alpha).T, energies, rtol=0, atol=1e-10)
    rows = torch.einsum("fk,axf->kax", alpha, force).reshape(forces.shape)
    torch.testing.assert_close(rows, forces, rtol=0, atol=1e-10)


@pytest.mark.parametrize("transforms", [1, 2])
@pytest.mark.parametrize("threads", [1, 2])
def test_compiled_rows_and_those_of_any_device_are_the_same(frames, settings, transforms, threads):
    """What a GPU calculates, on the CPU: the other way to the same numbers."""
    model = features(settings(ntransforms=transforms, rcut=4.0, acut=4.0), frames)
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    _, compiled = model.rows(frames)
    torch.set_num_threads(before)
    made = model.representation
    model.representation = Representation(made.config, made.elements)
    _, general = model.rows(frames)
    torch.testing.assert_close(compiled, general, rtol=0, atol=1e-11)


def test_stacks_that_are_transformed_together_give_the_same_rows(frames, settings, monkeypatch):
    """As a GPU takes them, on the CPU: some of the four stacks together, and all at once."""
    model = features(settings(nstacks=4, rcut=4.0, acut=4.0), frames)
    made = model.representation
    model.representation = Representation(made.config, made.elements)
    _, one_by_one = model.rows(frames)
    for numbers in (3 << 18, 1 << 30):
        monkeypatch.setitem(rows.STACKS, "cpu", numbers)
        _, together = model.rows(frames)
        torch.testing.assert_close(together, one_by_one, rtol=0, atol=1e-13)


def test_batches_change_nothing(mini_i, settings):
    frames = mini_i.split("folded/test")[:5]
    config = settings()
    model, alpha = features(config, frames), coefficients(config)
    energies, forces, _ = model.predict(frames, alpha)
    for n in range(5):
        energy, force, _ = model.predict(frames[n : n + 1], alpha)
        torch.testing.assert_close(energy[:, 0], energies[:, n], rtol=0, atol=1e-11)
        torch.testing.assert_close(force[:, 0], forces[:, n], rtol=0, atol=1e-11)


def test_single_precision(mini_i, settings):
    frames = mini_i.split("folded/test")[:2]
    elements = [int(z) for z in np.unique(frames.numbers)]
    # One set of axes: which way an eigenvector points is decided by rounding.
    axes = Reduction.of(representation(settings(), elements), frames, settings().npcas, 4)
    exact = features(settings(), frames, reduction=axes).predict(frames, coefficients(settings()))
    config = settings(dtype="float32")
    found = features(config, frames, reduction=axes).predict(frames, coefficients(config))
    for single, double in zip(found[:2], exact[:2], strict=True):
        assert single.dtype == torch.float64
        torch.testing.assert_close(single, double, rtol=0, atol=1e-4)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_gpu_gives_the_same(mini_i, settings, dtype):
    frames = mini_i.split("folded/test")[:4]
    config = settings(dtype=dtype)
    alpha = coefficients(config)
    here = features(config, frames).predict(frames, alpha)
    there = features(config, frames, "cuda").predict(frames, alpha.to("cuda"))
    tolerance = 1e-4 if dtype == "float32" else 1e-10
    for gpu, cpu in zip(there, here, strict=True):
        torch.testing.assert_close(gpu.cpu(), cpu, rtol=0, atol=tolerance)


def test_axes_are_orthonormal_and_leading(mini_i, settings):
    """The projection loses of the representations what a singular value decomposition does."""
    frames = mini_i.split("folded/train/8")
    calculated = representation(settings(), [1, 6, 7, 8])
    reduction = Reduction.of(calculated, frames, 16, batch=3)
    values: dict[int, list[torch.Tensor]] = {}
    for env in calculated.environments(frames):
        values.setdefault(env.element, []).append(calculated.values(env))
    for element, parts in values.items():
        matrix, axes = torch.cat(parts), reduction.vectors[element]
        torch.testing.assert_close(axes.T @ axes, torch.eye(16, dtype=torch.float64))
        lost = (matrix - matrix @ axes @ axes.T).square().sum()
        expected = torch.linalg.svdvals(matrix)[16:].square().sum()
        torch.testing.assert_close(lost, expected, rtol=1e-6, atol=1e-9)


def test_few_environments_leave_axes_zero(settings, molecule):
    water = molecule([8, 1, 1], [[[0, 0, 0], [0, 0.76, 0.59], [0, -0.76, 0.6]]])
    reduction = Reduction.of(representation(settings(), [1, 8]), water, 128, batch=1)
    assert (reduction.vectors.abs().sum(dim=1) > 0).sum(dim=1).tolist() == [2, 1]
