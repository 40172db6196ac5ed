"""Molecules, from the distances between atoms."""

from __future__ import annotations

import numpy as np

from teadata.elements import COVALENT_RADII, formula
from teadata.errors import DataError
from teadata.frames import Frames
from teadata.neighbours import distances

STRETCH = 1.25
"""Two atoms are bonded if they are nearer than so many times the sum of their covalent radii
(Cordero et al., Dalton Trans. 2832, 2008)."""


def molecules(frame: Frames) -> list[list[int]]:
    """Atoms of each connected piece of one frame, images included, by their first atom."""
    radii = np.array(COVALENT_RADII)[np.minimum(frame.numbers, len(COVALENT_RADII) - 1)]
    reach = STRETCH * (radii[:, None] + radii)
    ((_, found),) = distances(frame, float(reach.max()))
    bonded = (found[0] < reach[:, :, None]).any(axis=2)
    label = np.arange(frame.n_atoms)
    while True:  # every atom takes the lowest label among its neighbours, until none changes
        lowest = np.minimum(label, np.where(bonded, label, frame.n_atoms).min(axis=1))
        if np.array_equal(lowest, label):
            break
        label = lowest
    return [np.flatnonzero(label == first).tolist() for first in np.unique(label)]


def groups(frame: Frames, wanted: dict[str, str]) -> dict[str, list[list[int]]]:
    """The molecules of each group, found by their formula.

    Parameters
    ----------
    frame
        One frame.
    wanted
        Hill formula of the molecules of each group.

    Raises
    ------
    DataError
        If a group has no molecule.
    """
    pieces = molecules(frame)
    formulas = [formula(frame.numbers[piece]) for piece in pieces]
    result = {}
    for name, composition in wanted.items():
        result[name] = [
            p for p, found in zip(pieces, formulas, strict=True) if found == composition
        ]
        if not result[name]:
            raise DataError(
                f"expected molecules {composition} for the group {name!r}; bonds shorter than "
                f"{STRETCH} times the covalent radii make {', '.join(sorted(set(formulas)))}; "
                "check units, cell and atom order"
            )
    return result
