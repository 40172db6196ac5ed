"""Fingerprints of geometries, whose distance says in Å how much two frames differ.

The fingerprint of a frame lists, for every ordered pair of elements, the distances of each
atom of the first to its nearest atoms of the second, shortest first, and sorts each rank
over the atoms.  Translation, rotation, reflection, exchange of like atoms, another choice
of periodic image or of an equivalent cell change nothing.

If no atom moves by more than δ, no entry changes by more than 2 δ, so near geometries
are never far in fingerprint.  Different geometries with one fingerprint can be constructed;
what independent frames of real data are apart is measured in ``docs/audit.md``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from teadata.frames import Frames
from teadata.structure.neighbours import count_images, distances
from teadata.typing import Floats, Ints

CUTOFF = 6.0
"""Cutoff in Å: a neighbour beyond it counts as at this distance, so entries never jump."""

NEIGHBOURS = 8
"""Neighbours of each element that are kept per atom, the nearest ones."""

SAME = 1e-3
"""Tolerance in Å: fingerprints whose entries all agree within it are of the same geometry."""

BLOCK = 1024
"""Rows compared at a time, in one matrix product."""

Singles = NDArray[np.float32]


@dataclass(frozen=True)
class Fingerprints:
    """Fingerprints of N frames.

    Parameters
    ----------
    values
        (N, D) in Å, in single precision.
    shortest
        For each pair of atomic numbers, first not above second, the shortest distance in
        each frame, (N,) in Å; :data:`CUTOFF` where it is longer.
    """

    values: Singles
    shortest: dict[tuple[int, int], Singles]


def fingerprints(frames: Frames) -> Fingerprints:
    """Fingerprints of frames.

    Only fingerprints of one call can be compared: how many periodic images are looked at
    depends on the smallest cell.

    Raises
    ------
    DataError
        If the frames are periodic without a finite cell, or a cell is collapsed.
    """
    if len(frames) == 0:
        return Fingerprints(np.empty((0, 1), np.float32), {})
    blocks = _blocks(frames)
    flat = [block.reshape(len(frames), -1) for block in blocks.values()]
    return Fingerprints(
        values=np.concatenate(flat, axis=1) if flat else np.zeros((len(frames), 1), np.float32),
        shortest={(a, b): block[:, 0, 0] for (a, b), block in blocks.items() if a <= b},
    )


def _blocks(frames: Frames) -> dict[tuple[int, int], Singles]:
    """For each ordered pair of elements, the distances (N, A, K) in Å of its nearest neighbours.

    In small cells, half of the cutoff has a fraction of the images, and mostly all neighbours that
    are asked for: only frames where one is farther are looked at again.
    """
    half, images = CUTOFF / 2, count_images(frames, CUTOFF)
    if not NEIGHBOURS < count_images(frames, half) < images:
        return _blocks_within(CUTOFF, frames, images)
    blocks = _blocks_within(half, frames, images)
    farther = np.any([(block >= half).any(axis=(1, 2)) for block in blocks.values()], axis=0)
    if farther.any():
        for pair, block in _blocks_within(CUTOFF, frames[farther], images).items():
            blocks[pair][farther] = block
    return blocks


def _blocks_within(cutoff: float, frames: Frames, images: int) -> dict[tuple[int, int], Singles]:
    """The blocks as found among images within a cutoff in Å; what is beyond it may be wrong.

    Each is sorted over the atoms of the first element.  `images` are there within
    :data:`CUTOFF`; if that is the atom alone, it is the last neighbour of its own kind.
    """
    members = {int(z): np.flatnonzero(frames.numbers == z) for z in np.unique(frames.numbers)}
    parts: dict[tuple[int, int], list[Singles]] = {(a, b): [] for a in members for b in members}
    for _, lengths in distances(frames, cutoff):
        near = np.minimum(lengths, CUTOFF, out=lengths).astype(np.float32)
        for b, second in members.items():
            ranked = _nearest_of_each(near[:, :, second])
            for a, first in members.items():
                width = len(second) - (a == b) if images == 1 else NEIGHBOURS
                if width:
                    parts[a, b].append(np.sort(ranked[:, first, :width], axis=1))
    return {pair: np.concatenate(part) for pair, part in parts.items() if part}


def _nearest_of_each(near: Singles) -> Singles:
    """Shortest distances per atom, (n, A, at most NEIGHBOURS) from (n, A, B, S), ascending."""
    flat = near.reshape(*near.shape[:2], -1)
    if flat.shape[2] > NEIGHBOURS:
        flat = np.partition(flat, NEIGHBOURS - 1, axis=2)[:, :, :NEIGHBOURS]
    ordered: Singles = np.sort(flat, axis=2)
    return ordered


def rms(first: Singles, second: Singles) -> Floats:
    """Root mean square difference (N,) in Å of fingerprints, row by row, from (N, D) each."""
    return np.sqrt(np.mean((first - second) ** 2, axis=1, dtype=np.float64))


def nearest(
    queries: Singles, references: Singles, apart: tuple[Ints, Ints] | None = None
) -> tuple[Floats, Ints]:
    """Distance in Å from each query to its nearest reference, (Q,), and the reference's row, (Q,).

    Infinite, and −1, where there is none.

    Parameters
    ----------
    queries, references
        Fingerprints, (Q, D) and (R, D) in Å.
    apart
        Labels (Q,) and (R,); a reference with the label of the query is left out.
    """
    distance, row = np.full(len(queries), np.inf), np.full(len(queries), -1)
    if len(references) == 0:
        return distance, row
    # Centring keeps the squares small, so that their difference loses few digits.
    centre = references.mean(axis=0)
    centred = references - centre
    squares = np.einsum("ij,ij->i", centred, centred)
    for start in range(0, len(queries), BLOCK):
        rows = slice(start, start + BLOCK)
        # The query's own square is the same for all references.
        gap = squares - 2 * ((queries[rows] - centre) @ centred.T)
        if apart is not None:
            gap[apart[0][rows, None] == apart[1]] = np.inf
        best = gap.argmin(axis=1)
        there = np.isfinite(gap[np.arange(len(gap)), best])
        distance[rows] = np.where(there, rms(queries[rows], references[best]), np.inf)
        row[rows] = np.where(there, best, -1)
    return distance, row
