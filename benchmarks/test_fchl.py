"""The FCHL19 representation of mini-i with its derivatives, against qmllib's Fortran.

Both single-threaded, on the same frames and settings, in float64; and predictions, in µs/atom.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch

import teadata
from baselines.fchl import FCHLConfig
from baselines.fchl.dispatch import representation
from baselines.fchl.features import Features, Reduction
from baselines.fchl.regression import NormalEquations
from baselines.fchl.rows import add_forces
from baselines.fchl.sorf import Sorf

ELEMENTS = [1, 6, 7, 8]
FRAMES = 16


@pytest.fixture(scope="module")
def frames():
    return teadata.load("mini-i").split(f"folded/train/{FRAMES}")


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def settings(dtype: str) -> FCHLConfig:
    return FCHLConfig(size=FRAMES, nstacks=64, sigmas=(8.0,), lambdas=(1e-5,), dtype=dtype)


@pytest.mark.benchmark(group=f"FCHL19 and derivatives of {FRAMES} frames of 42 atoms")
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_representation(benchmark, frames, dtype):
    calculated = representation(settings(dtype), ELEMENTS)

    def work():
        return [calculated.jacobian(env) for env in calculated.environments(frames)]

    found = benchmark(work)
    assert sum(len(values) for values, _ in found) == FRAMES * 42


@pytest.mark.benchmark(group=f"FCHL19 and derivatives of {FRAMES} frames of 42 atoms")
def test_qmllib(benchmark, frames):
    qmllib = pytest.importorskip("qmllib.representations")

    def work():
        for positions in frames.positions:
            values, _ = qmllib.generate_fchl19(
                frames.numbers, positions, elements=ELEMENTS, rcut=6.0, acut=6.0, gradients=True
            )
        return values

    assert benchmark(work).shape == (42, 496)


@pytest.fixture(scope="module")
def features(frames) -> Features:
    config = settings("float32")
    reduction = Reduction.of(representation(config, ELEMENTS), frames, config.npcas, 8)
    sorf = Sorf.draw(4, config.npcas, config.nstacks, 1, 8.0, seed=0)
    return Features(config, ELEMENTS, reduction, sorf, "cpu")


@pytest.mark.benchmark(group="a training's part of 4 frames, N_f 8192")
@pytest.mark.parametrize("way", ["compiled", "torch"])
def test_rows(benchmark, features, frames, way, monkeypatch):
    if way == "torch":
        monkeypatch.setattr(features.representation, "add_forces", add_forces)
    _, force = benchmark(features.rows, frames[:4])
    assert force.shape == (4 * 42, 3, 8192)


@pytest.mark.benchmark(group="a training's part of 4 frames, N_f 8192")
def test_normal_equations(benchmark, features, frames):
    _, force = features.rows(frames[:4])
    equations, rows = NormalEquations(8192, "cpu"), force.flatten(0, 1)
    benchmark(equations.add, rows, rows[:, 0])


@pytest.mark.benchmark(group=f"energies and forces of {FRAMES} frames of 42 atoms, N_f 8192")
def test_prediction(benchmark, features, frames):
    coefficients = np.random.default_rng(0).normal(size=(features.sorf.features, 1))
    energies, _, _ = benchmark(features.predict, frames, torch.from_numpy(coefficients))
    assert energies.shape == (1, FRAMES)
