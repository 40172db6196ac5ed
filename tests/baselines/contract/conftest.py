"""Every model in turn: a test here that asks for `name` runs once for each."""

from __future__ import annotations

import numpy as np
import pytest

from baselines.registry import MODELS
from teadata import Frames


@pytest.fixture(scope="session", params=MODELS)
def name(request) -> str:
    return request.param


@pytest.fixture(scope="session")
def data(name, case):
    """Settings of the model, and frames to train on, validate with and try it on."""
    return case(name)


@pytest.fixture(scope="session")
def trained(name, small_model):
    """The trained model, and what its fit returned and left."""
    return small_model(name)


@pytest.fixture(scope="session")
def untrained(name, data):
    """A new model with the settings of the trained one, or with some changed."""

    def make(seed: int = 0, device: str = "cpu", **changes: object):
        config = data.config.model_copy(update=changes)
        return MODELS[name].classes()[0](config, seed, device)

    return make


@pytest.fixture(scope="session")
def exact(trained, data):
    """The trained model in float64, which finite differences need."""
    if data.config.dtype == "float64":
        return trained.model
    config = data.config.model_copy(update={"dtype": "float64"})
    return type(trained.model).load(trained.workdir / trained.model.model_file, config)


@pytest.fixture(scope="session")
def crystal(data) -> Frames:
    """One frame that is periodic in space, of elements that the model was trained on."""
    if data.test.periodic:
        return data.test[:1]
    cell = np.array([[2.6, 0.0, 0.0], [0.7, 4.1, 0.0], [-0.5, 0.6, 4.4]])
    places = np.array([[0, 0, 0], [0.5, 0.5, 0.1], [0.2, 0.7, 0.6], [0.6, 0.1, 0.5]])
    positions = (places + 0.03 * np.random.default_rng(3).normal(size=(4, 3))) @ cell
    return Frames(
        numbers=[6, 1, 8, 1],
        positions=positions[None],
        energies=np.zeros(1),
        forces=np.zeros((1, 4, 3)),
        cell=cell[None],
        pbc=[True] * 3,
    )
