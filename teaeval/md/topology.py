"""Covalent bonds of a starting structure, and what becomes of them.

Distances are measured in sums of covalent radii (Cordero et al., Dalton Trans. 2832, 2008).  In
the frames of the embedded molecules (mini-i, mini-ii and mini-iii at 500 K, 11 770 frames) no bond
is longer than 1.25 of them, and no two atoms that are not bonded are nearer than 1.40: the
start's bonds are told between the two.
"""

from __future__ import annotations

import numpy as np

from teadata.elements import COVALENT_RADII
from teadata.typing import Floats, Ints, Mask
from teaeval.observables.system import covalent_atoms

BONDED = 1.33
"""Two atoms of a starting structure are bonded below so many times the sum of their radii."""


def radii_sums(numbers: Ints) -> Floats:
    """Sum of the covalent radii of each two atoms, (A, A), in Å."""
    radii = np.array(COVALENT_RADII)[np.minimum(numbers, len(COVALENT_RADII) - 1)]
    sums: Floats = radii[:, None] + radii
    return sums


class Distances:
    """Distances between atoms, to the nearest image where a cell vector is periodic.

    The nearest image is found by reducing fractional coordinates: exact for distances up to
    half the smallest height of the cell, which bonds are far below.

    Parameters
    ----------
    cell
        (3, 3) in Å.
    pbc
        (3,)
    """

    def __init__(self, cell: Floats, pbc: Mask) -> None:
        self.vectors = np.asarray(cell, dtype=np.float64)[np.asarray(pbc)]
        self.inverse = np.linalg.pinv(self.vectors) if len(self.vectors) else None

    def __call__(self, positions: Floats) -> Floats:
        """Distances of positions (A, 3) in Å: (A, A) in Å, infinite on the diagonal."""
        return np.sqrt(self.squared(positions))

    def squared(self, positions: Floats) -> Floats:
        """Squared distances of positions (A, 3) in Å: (A, A) in Å², infinite on the diagonal."""
        squares: Floats
        if self.inverse is None:  # coordinate by coordinate: three times as fast
            columns = np.ascontiguousarray(positions.T)
            apart = columns[:, :, None] - columns[:, None]
            apart *= apart
            squares = apart[0] + apart[1] + apart[2]
        else:
            between = positions[:, None] - positions
            between -= np.round(between @ self.inverse) @ self.vectors
            squares = np.einsum("abi,abi->ab", between, between)
        squares.ravel()[:: len(squares) + 1] = np.inf  # the diagonal
        return squares


class Topology:
    """The covalent bonds of a starting structure.

    Parameters
    ----------
    numbers
        (A,) atomic numbers.
    start
        (A, A) distances at the start, Å.

    Attributes
    ----------
    bonds
        (B, 2) atoms that are bonded.
    others
        (P, 2) atoms that are not, both of elements that could be.
    """

    def __init__(self, numbers: Ints, start: Floats) -> None:
        sums = radii_sums(numbers)
        self.shape = sums.shape
        covalent = covalent_atoms(numbers)
        watched = np.triu(covalent[:, None] & covalent, 1)
        bonded = start < BONDED * sums
        self.bonds = np.argwhere(watched & bonded)
        self.others = np.argwhere(watched & ~bonded)
        self._bond_sums = sums[tuple(self.bonds.T)]
        self._other_sums = sums[tuple(self.others.T)]

    def limits(self, formed: float, broken: float) -> tuple[Floats, Floats]:
        """Squared distances (A, A) in Å² between which no bond is formed or broken.

        In sums of radii: two atoms that are not bonded are nearer than `formed`, two that are
        bonded are farther than `broken`.
        """
        atoms = self.shape
        least, most = np.zeros(atoms), np.full(atoms, np.inf)
        for pairs, bound, sums, factor in (
            (self.others, least, self._other_sums, formed),
            (self.bonds, most, self._bond_sums, broken),
        ):
            i, j = pairs.T
            bound[i, j] = bound[j, i] = (factor * sums) ** 2
        return least, most

    def stretch(self, distances: Floats) -> Floats:
        """Length of each bond in sums of radii, (B,)."""
        lengths: Floats = distances[tuple(self.bonds.T)] / self._bond_sums
        return lengths

    def approach(self, distances: Floats) -> Floats:
        """Distance of each pair that is not bonded, in sums of radii, (P,)."""
        lengths: Floats = distances[tuple(self.others.T)] / self._other_sums
        return lengths
