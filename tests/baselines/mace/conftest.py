"""Tiny models of the real mace-torch, on few frames of the real data."""

from __future__ import annotations

import pytest

import teadata
from baselines.mace import MACE, MACEConfig

TINY = {
    "size": 8,
    "num_channels": 4,
    "max_L": 1,
    "max_ell": 2,
    "correlation": 2,
    "r_max": 3.5,
    "radial_MLP": [8],
    "ema_decay": 0.9,
    "batch_size": 3,
    "valid_batch_size": 4,
    "max_num_epochs": 4,
}
"""Settings of which a training takes a second."""


@pytest.fixture(scope="session")
def settings():
    return MACEConfig(**TINY)


@pytest.fixture(scope="session")
def trained(mini_i, settings, tmp_path_factory):
    workdir = tmp_path_factory.mktemp("mace")
    model = MACE(settings)
    result = model.fit(mini_i.split("folded/train/8"), mini_i.split("folded/valid/8"), workdir)
    return model, result, workdir


@pytest.fixture(scope="session")
def crystals(settings, tmp_path_factory):
    """A model of each periodic system, and a few of its test frames."""
    found = {}
    for name in ("mini-iii", "mini-iv", "mini-hydrogen"):
        dataset = teadata.load(name)
        workdir = tmp_path_factory.mktemp(name)
        model = MACE(settings.model_copy(update={"max_num_epochs": 2, "batch_size": 2}))
        model.fit(dataset.split("complete/train/4"), dataset.split("complete/valid/2"), workdir)
        found[name] = model, dataset.split("complete/test")[:2]
    return found
