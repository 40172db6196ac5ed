"""Residues of a peptide, from the bonds of one frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from teadata.elements import formula
from teadata.frames import Frames
from teadata.structure.bonds import bonded, connected_atoms
from teadata.typing import Ints

CARBON, NITROGEN, OXYGEN = 6, 7, 8

NAMES = {
    "C2H3O": "ACE",
    "CH4N": "NME",
    "C3H5NO": "ALA",
    "C9H9NO": "PHE",
    "C6H13N2O2": "LYS",
    "C6H12N2O": "LYS",
}
"""Names by composition: caps, residues within a chain, and lysine with a carboxyl group too."""


@dataclass(frozen=True)
class Residue:
    """A residue: its name with its place in the chain from 1, and its atoms."""

    name: str
    atoms: tuple[int, ...]


def residues(frame: Frames) -> list[Residue]:
    """Residues of a peptide in one frame, from the N terminus; empty if it is no peptide.

    The chain is cut at every bond from a carbonyl carbon (with an oxygen that has no other
    bond) to a nitrogen.  A residue of unknown composition is named by its formula.

    Parameters
    ----------
    frame
        One frame; not periodic.
    """
    numbers = frame.numbers
    if frame.periodic or not {CARBON, NITROGEN, OXYGEN} <= set(numbers.tolist()):
        return []
    bonds = bonded(frame)
    cuts = _peptide_bonds(numbers, bonds)
    if not cuts:
        return []
    cut = bonds.copy()
    for carbon, nitrogen in cuts:
        cut[carbon, nitrogen] = cut[nitrogen, carbon] = False
    parts = connected_atoms(cut)
    label = np.empty(len(numbers), dtype=np.int64)
    for i, part in enumerate(parts):
        label[part] = i
    after = {int(label[carbon]): int(label[nitrogen]) for carbon, nitrogen in cuts}
    first = [i for i in range(len(parts)) if i not in after.values()]
    if len(after) != len(parts) - 1 or len(first) != 1 or len(after) != len(cuts):
        return []  # a ring, a branch or several molecules: no chain
    order = first
    while order[-1] in after:
        order.append(after[order[-1]])
    names = [formula(numbers[parts[i]]) for i in order]
    return [
        Residue(f"{NAMES.get(name, name)}{place}", tuple(parts[i]))
        for place, (i, name) in enumerate(zip(order, names, strict=True), 1)
    ]


def _peptide_bonds(numbers: Ints, bonds: np.ndarray) -> list[tuple[int, int]]:
    """Carbon and nitrogen of every bond between two residues."""
    degree = bonds.sum(axis=1)
    carbonyl = bonds & (numbers == OXYGEN) & (degree == 1)
    carbons = np.flatnonzero((numbers == CARBON) & (carbonyl.sum(axis=1) == 1))
    return [
        (int(carbon), int(nitrogen))
        for carbon in carbons
        for nitrogen in np.flatnonzero(bonds[carbon] & (numbers == NITROGEN))
    ]
