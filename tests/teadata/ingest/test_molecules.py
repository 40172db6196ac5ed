"""Molecules from distances."""

from __future__ import annotations

import dataclasses
import importlib

import numpy as np
import pytest

from teadata import Frames
from teadata.errors import DataError
from teadata.ingest.molecules import groups, molecules


@pytest.fixture
def perovskite(repository, monkeypatch) -> Frames:
    """The 2 x 2 x 2 cell of MAPbI3, its eight ions turned at random."""
    monkeypatch.syspath_prepend(str(repository / "datasets" / "recipes"))
    atoms = importlib.import_module("mini_iv").start_structure(1)
    return Frames(
        numbers=atoms.numbers,
        positions=atoms.positions[None],
        energies=[0.0],
        forces=np.zeros((1, len(atoms), 3)),
        cell=atoms.cell.array[None],
        pbc=(True,) * 3,
    )


def test_the_eight_ions_of_challenge_iv(perovskite):
    found = groups(perovskite, {"mol": "CH6N"})
    assert found == {"mol": [list(range(32 + 8 * k, 40 + 8 * k)) for k in range(8)]}
    assert molecules(perovskite)[0] == list(range(32))  # lead and iodine, across the faces
    with pytest.raises(DataError, match=r"molecules CH4 for the group 'mol'; .* make CH6N, I24Pb8"):
        groups(perovskite, {"mol": "CH4"})


def test_molecules_of_several_kinds_and_across_the_cell(mini_i):
    frames = mini_i.split("folded/train/1")
    middle = frames.positions[0, 20]
    moved = dataclasses.replace(
        frames,
        cell=np.eye(3)[None] * 40,
        pbc=(True,) * 3,
        positions=(frames.positions - middle) % 40,  # cut in two by the cell's faces
    )
    assert molecules(moved) == [list(range(42))]
