"""Bonds from distances between atoms, and the molecules that bonds connect."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from teadata.elements import COVALENT_RADII
from teadata.frames import Frames
from teadata.structure.neighbours import distances
from teadata.typing import Floats, Ints

STRETCH = 1.25
"""Two atoms are bonded if they are nearer than this many times the sum of their covalent radii
(Cordero et al., Dalton Trans. 2832, 2008)."""


def bond_reach(numbers: Ints) -> Floats:
    """Distances (A, A) in Å below which two atoms of a system are bonded."""
    radii = np.array(COVALENT_RADII)[np.minimum(numbers, len(COVALENT_RADII) - 1)]
    reach: Floats = STRETCH * (radii[:, None] + radii)
    return reach


def bonded(frame: Frames) -> NDArray[np.bool_]:
    """Which atoms of one frame are bonded, images included, (A, A)."""
    reach = bond_reach(frame.numbers)
    ((_, lengths),) = distances(frame, float(reach.max()))
    bonds: NDArray[np.bool_] = (lengths[0] < reach[:, :, None]).any(axis=2)
    return bonds


def connected_atoms(bonds: NDArray[np.bool_]) -> list[list[int]]:
    """Group atoms by the bonds (A, A) that connect them; groups are ordered by their first atom."""
    label = np.arange(len(bonds))
    while True:  # every atom takes the lowest label among its neighbours, until none changes
        lowest = np.minimum(label, np.where(bonds, label, len(bonds)).min(axis=1))
        if np.array_equal(lowest, label):
            break
        label = lowest
    return [np.flatnonzero(label == first).tolist() for first in np.unique(label)]
