"""Distances between atoms, with periodic images, for many frames at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from teadata.errors import DataError
from teadata.frames import Frames
from teadata.typing import Floats, Ints

CHUNK = 1_000_000
"""Distances computed at a time; some 50 MB, whatever the number of frames."""

MAX_IMAGES = 10_000
"""A cell with more images than this within the cutoff counts as collapsed."""


def image_shifts(inverse: Floats, cutoff: float) -> Ints:
    """Lattice translations (S, P) that reach every image within `cutoff` Å in any frame.

    `inverse` holds the pseudo-inverses (N, 3, P) in 1/Å of the P periodic cell vectors.

    From a vector reduced to fractions of −½ to ½, an image within the cutoff is at most
    cutoff/h + ½ translations away, where h is the distance between lattice planes.

    Raises
    ------
    DataError
        If there are more than :data:`MAX_IMAGES`.
    """
    reach = np.linalg.norm(inverse, axis=1).max(axis=0, initial=0.0)
    most = np.floor(cutoff * reach + 0.5).astype(np.int64)
    if np.prod(2.0 * most + 1) > MAX_IMAGES:
        raise DataError(
            f"a cell is collapsed: over {MAX_IMAGES} of its images lie within {cutoff:g} Å; "
            "correct the cell vectors"
        )
    shifts: Ints = np.array(list(np.ndindex(*(2 * most + 1))), dtype=np.int64) - most
    return shifts


def periodic_vectors(frames: Frames) -> Floats:
    """The cell vectors (N, P, 3) in Å of the P directions in which frames are periodic.

    Raises
    ------
    DataError
        If the frames are periodic without a finite cell.
    """
    if not frames.periodic:
        return np.empty((len(frames), 0, 3))
    if frames.cell is None or not np.isfinite(frames.cell).all():
        raise DataError("periodic frames need finite cell vectors, and some have none")
    return frames.cell[:, frames.pbc]


def count_images(frames: Frames, cutoff: float) -> int:
    """Number of images, the atom itself among them, that :func:`distances` lists of each atom."""
    return len(image_shifts(_inverse(periodic_vectors(frames)), cutoff))


def _inverse(vectors: Floats) -> Floats:
    """Pseudo-inverses (N, 3, P) in 1/Å of the periodic vectors (N, P, 3), which give fractions.

    Fractions of the periodic vectors alone: a slab needs no cell vector along its normal.
    """
    return np.asarray(np.linalg.pinv(vectors), dtype=np.float64)


def arms(frames: Frames, first: Ints, second: Ints) -> Floats:
    """Vectors (N, B, 3) in Å from atoms `first` to the nearest images of atoms `second`, (B,) each.

    The image whose fractions of each cell vector are from −½ to ½, which is the nearest one in
    cells that are not skewed, and below half of the shortest distance of lattice planes in all.

    Raises
    ------
    DataError
        If the frames are periodic without a finite cell.
    """
    vectors = periodic_vectors(frames)
    between: Floats = frames.positions[:, second] - frames.positions[:, first]
    between -= np.round(between @ _inverse(vectors)) @ vectors
    return between


@dataclass(frozen=True)
class Near:
    """Pairs of atoms that are near each other in some frames, one after the other, Q in all.

    Parameters
    ----------
    frames
        The frames.
    row, pair
        (Q,) row of the frame, and number of the pair, for each.
    arm, length
        (Q, 3) vector in Å from the first atom to the nearest image of the second, and its length.
    """

    frames: Frames
    row: Ints
    pair: Ints
    arm: Floats
    length: Floats


def near_pairs(
    frames: Frames, first: Ints, second: Ints, reach: Floats | float, size: int = 1
) -> Iterator[Near]:
    """Yield some frames at a time, with those of the pairs (B,) that are nearer than `reach` Å.

    Parameters
    ----------
    frames
        Frames.
    first, second
        (B,) the atoms of each pair.
    reach
        (B,) or one for all, in Å.
    size
        Numbers that the caller makes of each frame, if more than B: so many fewer are taken.
    """
    step = max(1, CHUNK // max(len(first), size))
    for start in range(0, len(frames), step):
        some = frames[start : start + step]
        between = arms(some, first, second)
        row, pair = np.nonzero(np.linalg.norm(between, axis=2) < reach)
        arm = between[row, pair]
        yield Near(some, row, pair, arm, np.maximum(np.linalg.norm(arm, axis=1), 1e-9))


def distances(frames: Frames, cutoff: float) -> Iterator[tuple[slice, Floats]]:
    """Yield some rows at a time, and the distances in them from each atom to all images of each.

    Distances are (n, A, A, S), in Å.

    All images within the cutoff are listed, and some beyond it.  An atom's distance to itself
    is infinite; its distances to its own images are not.

    Parameters
    ----------
    frames
        Frames; wrapped into the cell or not.
    cutoff
        Å.

    Raises
    ------
    DataError
        If the frames are periodic without a finite cell, or a cell is collapsed.
    """
    vectors = periodic_vectors(frames)
    inverse = _inverse(vectors)
    shifts = image_shifts(inverse, cutoff)
    origin = int(np.flatnonzero((shifts == 0).all(axis=1))[0])
    diagonal = np.arange(frames.n_atoms)
    step = max(1, CHUNK // (frames.n_atoms**2 * max(len(shifts), 6)))
    for start in range(0, len(frames), step):
        rows = slice(start, min(start + step, len(frames)))
        cell, position = vectors[rows, None], frames.positions[rows]
        between = position[:, :, None] - position[:, None]
        between -= np.round(between @ inverse[rows, None]) @ cell
        lengths = _lengths(between, shifts @ vectors[rows])
        lengths[:, diagonal, diagonal, origin] = np.inf
        yield rows, lengths


def _lengths(between: Floats, translations: Floats) -> Floats:
    """Lengths (n, A, A, S) in Å of vectors (n, A, A, 3), each moved by translations (n, S, 3)."""
    squares: Floats = np.zeros((*between.shape[:3], translations.shape[1]))
    for axis in range(3):
        along = between[..., axis, None] + translations[:, None, None, :, axis]
        squares += np.multiply(along, along, out=along)
    lengths: Floats = np.sqrt(squares, out=squares)
    return lengths
