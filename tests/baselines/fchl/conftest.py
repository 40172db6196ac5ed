"""Settings and molecules that the tests of FCHL19* share."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from baselines.fchl import FCHLConfig
from teadata import Frames


@pytest.fixture(scope="session")
def settings() -> Callable[..., FCHLConfig]:
    """Settings of a small model; what a test is about it states."""

    def make(**values: object) -> FCHLConfig:
        small = {"size": 10, "nstacks": 2, "sigmas": [8.0], "lambdas": [1e-5]}
        return FCHLConfig.model_validate(small | values)

    return make


def unlabelled(numbers, positions, cell=None) -> Frames:
    """Frames of positions (N, A, 3); the labels are of no interest."""
    positions = np.asarray(positions, dtype=float)
    return Frames(
        numbers=numbers,
        positions=positions,
        energies=np.zeros(len(positions)),
        forces=np.zeros(positions.shape),
        cell=cell,
        pbc=np.full(3, cell is not None),
    )


@pytest.fixture(scope="session")
def molecule() -> Callable[..., Frames]:
    return unlabelled


@pytest.fixture(scope="session")
def crystal() -> Frames:
    """One triclinic cell of four atoms, smaller than the cutoffs."""
    rng = np.random.default_rng(3)
    cell = np.array([[3.9, 0.0, 0.0], [0.7, 4.1, 0.0], [-0.5, 0.6, 4.4]])
    fractional = np.array([[0, 0, 0], [0.5, 0.5, 0.1], [0.2, 0.7, 0.6], [0.6, 0.1, 0.5]])
    positions = (fractional + 0.03 * rng.normal(size=(4, 3))) @ cell
    return unlabelled([6, 1, 8, 1], positions[None], cell[None])
