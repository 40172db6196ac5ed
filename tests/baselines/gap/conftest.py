"""Models and frames that the tests of GAP share."""

from __future__ import annotations

import pytest

import teadata
from baselines.gap import GAP


@pytest.fixture(scope="session")
def settings(case):
    return case("gap").config


@pytest.fixture(scope="session")
def trained(small_model):
    """A model of ten frames of a molecule, what its fit returned, and the workdir."""
    return small_model("gap")[:3]


@pytest.fixture(scope="session")
def frames(mini_i):
    return mini_i.split("folded/train/10"), mini_i.split("folded/valid/10")


@pytest.fixture(scope="session")
def hydrogen():
    """One element, so few kernels: for what does not depend on the system."""
    dataset = teadata.load("mini-hydrogen")
    return dataset.split("complete/train/10"), dataset.split("complete/valid/10")


@pytest.fixture(scope="session")
def fluid(settings, hydrogen, tmp_path_factory):
    workdir = tmp_path_factory.mktemp("gap-hydrogen")
    model = GAP(settings)
    return model, model.fit(*hydrogen, workdir), workdir


@pytest.fixture(scope="session")
def perovskite():
    return teadata.load("mini-iv").split("complete/train/3")
