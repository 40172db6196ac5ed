"""Neighbour lists of frames, by vesin."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from teadata import Frames
from teadata.errors import DataError, MissingExtraError

COINCIDENT = 1e-4
"""Distance in Å below which two atoms are at the same place."""


def pairs(
    frames: Frames, index: int, cutoff: float
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[np.float64]]:
    """Pairs of atoms of a frame, in both orders, with every periodic image a neighbour of its own.

    Parameters
    ----------
    frames, index
        Which frame of which; periodic along the cell vectors that pbc says.
    cutoff
        In Å.

    Returns
    -------
    first, second
        (P,) atoms.
    images
        (P, 3) cell vectors to be added to the second atom's position.
    vectors
        (P, 3) from the first atom to that image of the second, in Å.

    Raises
    ------
    MissingExtraError
        If vesin is not installed.
    DataError
        If two atoms are at the same place.
    """
    try:
        from vesin import NeighborList
    except ImportError:
        raise MissingExtraError("vesin", "fchl", "A neighbour list") from None
    box = np.zeros((3, 3)) if frames.cell is None else frames.cell[index]
    periodic = [bool(axis) for axis in frames.pbc]
    search = NeighborList(cutoff=cutoff, full_list=True)
    i, j, images, vectors = search.compute(frames.positions[index], box, periodic, "ijSD")
    short = (vectors**2).sum(axis=1) < COINCIDENT**2
    if short.any():
        n = int(np.argmax(short))
        raise DataError(
            f"frame {frames.ids[index]}: atoms {i[n]} and {j[n]} are at the same place; leave "
            "this frame out"
        )
    return i, j, images, vectors
