"""Models and settings that the tests of sGDML share."""

from __future__ import annotations

import pytest

import teadata
from baselines.sgdml import SGDML, SGDMLConfig


@pytest.fixture(scope="session")
def settings(case):
    return case("sgdml").config


@pytest.fixture(scope="session")
def trained(small_model):
    """A model of ten frames of a molecule, what its fit returned, and the workdir."""
    return small_model("sgdml")[:3]


@pytest.fixture(scope="session")
def iterative():
    return SGDMLConfig(
        size=10, sigmas=[10], lam=1e-7, symmetries=True, solver="iterative",
        tolerance=1e-6, preconditioner_memory=0.01, inducing="frames",
    )  # fmt: skip


@pytest.fixture(scope="session")
def solved(iterative, mini_i, tmp_path_factory):
    """A model of ten frames of each solver, what its fit returned, and the workdir."""
    train, valid = mini_i.split("folded/train/10"), mini_i.split("folded/valid/10")
    found = {}
    for solver in ("analytic", "iterative"):
        workdir = tmp_path_factory.mktemp(solver)
        model = SGDML(iterative.model_copy(update={"solver": solver}))
        found[solver] = model, model.fit(train, valid, workdir), workdir
    return found


@pytest.fixture(scope="session")
def periodic(tmp_path_factory):
    """A model of six frames of graphene with a molecule on it."""
    mini_iii = teadata.load("mini-iii")
    config = SGDMLConfig(size=6, sigmas=[80], lam=1e-10, symmetries=False)
    model = SGDML(config)
    workdir = tmp_path_factory.mktemp("periodic")
    model.fit(mini_iii.split("complete/train/6"), mini_iii.split("complete/valid/6"), workdir)
    return model, mini_iii
