"""Residues are found from the bonds alone."""

from __future__ import annotations

import numpy as np
import pytest

import teadata
from teadata import Frames
from teadata.structure.residues import residues


@pytest.mark.parametrize(
    ("dataset", "subset", "names"),
    [
        ("mini-i", "folded", "ACE1 ALA2 ALA3 ALA4 NME5"),
        ("mini-ii", "complete", "ACE1 PHE2 ALA3 ALA4 ALA5 ALA6 ALA7 LYS8"),
    ],
)
def test_of_the_peptides(dataset, subset, names):
    frames = teadata.load(dataset).split(f"{subset}/train/100")
    found = residues(frames[0])
    assert [residue.name for residue in found] == names.split()
    atoms = [atom for residue in found for atom in residue.atoms]
    assert sorted(atoms) == list(range(frames.n_atoms))
    for i in range(1, 100, 11):  # bonds vibrate, residues stay
        assert residues(frames[i]) == found


def test_the_order_of_atoms_does_not_matter(mini_i):
    frame = mini_i.split("folded/train/1")
    order = np.random.default_rng(0).permutation(frame.n_atoms)
    moved = Frames(
        frame.numbers[order], frame.positions[:, order], frame.energies, frame.forces[:, order]
    )
    place = np.argsort(order)
    expected = [(r.name, sorted(int(place[a]) for a in r.atoms)) for r in residues(frame)]
    assert [(r.name, sorted(r.atoms)) for r in residues(moved)] == expected


def test_what_is_no_peptide_has_none(mini_i):
    assert residues(teadata.load("mini-iii").split("complete/train/1")) == []
    water = Frames([8, 1, 1], [[[0, 0, 0], [0.96, 0, 0], [0, 0.96, 0]]], [0.0], np.zeros((1, 3, 3)))
    assert residues(water) == []
    one = mini_i.split("folded/train/1")
    two = Frames(
        np.tile(one.numbers, 2),
        np.concatenate([one.positions, one.positions + 50], axis=1),
        one.energies,
        np.zeros((1, 84, 3)),
    )
    assert residues(two) == []
