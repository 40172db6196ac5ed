"""Small models of the real mace-torch."""

from __future__ import annotations

import pytest

import teadata
from baselines.mace import MACE


@pytest.fixture(scope="session")
def settings(case):
    return case("mace").config


@pytest.fixture(scope="session")
def trained(small_model):
    """A model of a molecule, what its fit returned, and the workdir."""
    return small_model("mace")[:3]


@pytest.fixture(scope="session")
def crystals(settings, tmp_path_factory):
    """A model of a slab and one of a crystal, and a few of their test frames."""
    found = {}
    for name in ("mini-iii", "mini-iv"):
        dataset = teadata.load(name)
        workdir = tmp_path_factory.mktemp(name)
        model = MACE(settings.model_copy(update={"max_num_epochs": 2, "batch_size": 2}))
        model.fit(dataset.split("complete/train/4"), dataset.split("complete/valid/2"), workdir)
        found[name] = model, dataset.split("complete/test")[:2]
    return found
