"""Frames that the tests of the classical potentials share."""

from __future__ import annotations

import pytest

import teadata


@pytest.fixture(scope="session")
def frames():
    """One frame of each state point."""
    dataset = teadata.load("mini-hydrogen")
    return dataset.split("complete/train/12"), dataset.split("complete/valid/12")


@pytest.fixture(scope="session")
def molecule():
    """Two atoms of hydrogen without a cell."""
    return teadata.Frames(
        numbers=[1, 1], positions=[[[0, 0, 0], [0.74, 0, 0]]], energies=[0.0],
        forces=[[[0.0, 0.0, 0.0]] * 2],
    )  # fmt: skip
