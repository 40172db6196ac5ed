"""Lengths in another unit than they are taken for are noticed by the distances of bonds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import teadata
from teadata import Frames
from teadata.audit.lengths import other_unit
from teadata.units import BOHR

from .planted import crystal, findings


def scaled(frames: Frames, by: float) -> Frames:
    cell = None if frames.cell is None else frames.cell * by
    return replace(frames, positions=frames.positions * by, cell=cell)


def cluster(symbols: list[int], spacing: float, noise: float = 0.05) -> Frames:
    """Atoms on a line, in Å."""
    rng, count = np.random.default_rng(0), len(symbols)
    positions = rng.normal(scale=noise, size=(20, count, 3))
    positions[:, :, 0] += spacing * np.arange(count)
    return Frames(symbols, positions, np.zeros(20), np.zeros((20, count, 3)))


@pytest.mark.parametrize("name", ["mini-i", "mini-ii", "mini-iii", "mini-iv"])
def test_bohr_is_told_from_angstrom(name):
    frames = teadata.load(name).frames[::600]
    assert other_unit(frames) is None
    assert other_unit(scaled(frames, 1 / BOHR)).name == "Bohr"
    assert other_unit(scaled(frames, BOHR)).name == "Å"
    assert other_unit(scaled(frames, 0.1)).name == "nm"


def test_a_salt_in_bohr_is_told_by_the_audit(dataset):
    found = findings(dataset(scaled(crystal(), 1 / BOHR)))["shortest distances"]
    assert found.outcome == "warning"
    assert "1.89 times shorter" in found.found
    assert "--length-unit Bohr" in found.found
    assert findings(dataset(crystal()))["shortest distances"].outcome == "pass"


@pytest.mark.parametrize(
    "frames",
    [
        cluster([18] * 5, 3.75),
        cluster([2, 36, 54], 4.0),
        cluster([1], 1.0),
        cluster([11, 17], 4.5),  # an ion pair
        cluster([8, 8], 2.2),  # a molecule that is breaking
        cluster([6, 8, 1, 7], 7.0),
        cluster([1] * 6, 3.0, noise=1.0),
    ],
    ids=["argon", "noble gases", "an atom", "ions", "a dimer", "far apart", "a gas"],
)
def test_what_has_no_bonds_is_not_suspected(frames):
    assert other_unit(frames) is None


def test_hydrogen_whose_molecules_come_and_go_is_not_suspected():
    assert other_unit(teadata.load("mini-hydrogen").frames[::100]) is None
