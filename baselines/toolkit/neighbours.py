"""Neighbour lists of frames, by vesin."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from teadata import Frames
from teadata.errors import DataError
from teadata.structure.vesin_lists import neighbour_list

COINCIDENT = 1e-4
"""Distance in Å below which two atoms are at the same place."""


def pairs(
    frames: Frames, index: int, cutoff: float
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[np.float64]]:
    """Find pairs of atoms of a frame, in both orders; every periodic image is its own neighbour.

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
    search = neighbour_list("A neighbour list", cutoff)
    box = np.zeros((3, 3)) if frames.cell is None else frames.cell[index]
    periodic = [bool(axis) for axis in frames.pbc]
    i, j, images, vectors = search.compute(frames.positions[index], box, periodic, "ijSD")
    short = (vectors**2).sum(axis=1) < COINCIDENT**2
    if short.any():
        n = int(np.argmax(short))
        raise DataError(
            f"frame {frames.ids[index]}: atoms {i[n]} and {j[n]} are at the same place; leave "
            "this frame out"
        )
    return i, j, images, vectors


class AllPairs(NamedTuple):
    """Pairs of the atoms of N frames of A atoms, in both orders, sorted by the first atom.

    The atoms of all frames are numbered through: frame · A + atom.

    Parameters
    ----------
    first, second
        (P,) atoms.
    vectors
        (P, 3) from the first to that image of the second, in Å.
    lengths
        (P,) in Å.
    """

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    vectors: NDArray[np.float64]
    lengths: NDArray[np.float64]


def all_pairs(frames: Frames, cutoff: float) -> AllPairs:
    """Find the pairs of all frames within a cutoff in Å; raises what :func:`pairs` raises."""
    by_frame = [pairs(frames, row, cutoff) for row in range(len(frames))]
    start = np.repeat(np.arange(len(frames)) * frames.n_atoms, [len(row[0]) for row in by_frame])
    first = np.concatenate([row[0] for row in by_frame]).astype(np.int64) + start
    second = np.concatenate([row[1] for row in by_frame]).astype(np.int64) + start
    vectors = np.concatenate([row[3] for row in by_frame])
    order = np.argsort(first, kind="stable")
    vectors = vectors[order]
    lengths = np.sqrt((vectors**2).sum(axis=1))
    return AllPairs(first[order], second[order], vectors, lengths)


def pairs_of_pairs(
    first: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Match the pairs that share their first atom, in both orders.

    Parameters
    ----------
    first
        (P,) first atoms of pairs, sorted.

    Returns
    -------
    ij, ik
        (T,) places of the two pairs.
    """
    _, starts, counts = np.unique(first, return_index=True, return_counts=True)
    partners = np.repeat(counts, counts)
    ij = np.repeat(np.arange(len(first)), partners)
    begins = np.cumsum(partners) - partners
    ik = np.arange(len(ij)) - begins[ij] + np.repeat(starts, counts)[ij]
    other = ij != ik
    return ij[other], ik[other]
