"""Neighbour lists of frames, by vesin."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from teadata import Frames
from teadata.errors import UsageError
from teadata.structure.neighbours import arms
from teadata.structure.vesin_lists import neighbour_list

FEW_ATOMS = 256
"""Atoms of a frame up to which all distances are computed faster than a search finds the short."""

DISTANCES = 1 << 20
"""Distances that are computed at a time, which bounds the memory."""

LOOKED_AT = 8
"""Frames whose shortest distance a cutoff is compared with."""


def check_cutoff(frames: Frames, name: str, cutoff: float) -> None:
    """Refuse a cutoff within which no atom has a neighbour: the model would learn a constant.

    Parameters
    ----------
    frames
        Training frames, of which the first are looked at.
    name, cutoff
        What the configuration calls the cutoff, and its value in Å.

    Raises
    ------
    UsageError
        If no two atoms are that near.
    """
    pairs = np.triu_indices(frames.n_atoms, 1)
    if not len(pairs[0]):
        return
    nearest = np.linalg.norm(arms(frames[:LOOKED_AT], *pairs), axis=2).min()
    if cutoff < nearest:
        raise UsageError(
            f"{name} is {cutoff:g} Å, expected more than the shortest distance of two atoms, "
            f"{nearest:.3g} Å: within it no atom has a neighbour, and nothing can be learned; "
            "write it in Å, 4 to 6 for most models"
        )


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
    """
    search = neighbour_list("A neighbour list", cutoff)
    box = np.zeros((3, 3)) if frames.cell is None else frames.cell[index]
    periodic = [bool(axis) for axis in frames.pbc]
    i, j, images, vectors = search.compute(frames.positions[index], box, periodic, "ijSD")
    return i, j, images, vectors


class IsolatedPairs(NamedTuple):
    """Pairs of atoms of frames that are not periodic, in both orders.

    They are sorted by frame, first atom and second atom.

    Parameters
    ----------
    frame
        (P,) which frame.
    first, second
        (P,) atoms of that frame.
    """

    frame: NDArray[np.int64]
    first: NDArray[np.int64]
    second: NDArray[np.int64]


def isolated_pairs(frames: Frames, cutoff: float) -> IsolatedPairs:
    """Find the pairs of all frames within a cutoff in Å; periodic images are left out.

    Raises
    ------
    MissingExtraError
        If vesin is not installed, and the frames are large.
    """
    count, atoms = len(frames), frames.n_atoms
    if atoms > FEW_ATOMS:
        near = [pairs(frames, row, cutoff)[:2] for row in range(count)]
        orders = [np.lexsort((j, i)) for i, j in near]
        frame = np.repeat(np.arange(count), [len(order) for order in orders])
        first, second = (
            np.concatenate([ends[end][order] for ends, order in zip(near, orders, strict=True)])
            for end in (0, 1)
        )
        return IsolatedPairs(frame, first.astype(np.int64), second.astype(np.int64))
    step = max(1, DISTANCES // (atoms * atoms))
    places = [
        _near(frames, slice(start, min(start + step, count)), cutoff)
        for start in range(0, count, step)
    ]
    frame, rest = np.divmod(np.concatenate(places), atoms * atoms)
    return IsolatedPairs(frame, *np.divmod(rest, atoms))


def _near(frames: Frames, part: slice, cutoff: float) -> NDArray[np.int64]:
    """Places (P,) of the pairs within a cutoff among all pairs, frame · A² + first · A + second."""
    atoms = frames.n_atoms
    x = frames.positions[part].transpose(2, 0, 1)  # (3, n, A)
    squares = np.zeros((x.shape[1], atoms, atoms))
    for axis in x:
        squares += (axis[:, :, None] - axis[:, None, :]) ** 2
    squares[:, np.arange(atoms), np.arange(atoms)] = np.inf
    places = np.flatnonzero(squares <= cutoff**2)
    numbered: NDArray[np.int64] = places + part.start * atoms * atoms
    return numbered


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
