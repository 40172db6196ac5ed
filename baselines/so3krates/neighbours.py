"""Pairs of atoms closer than a cutoff, listed by pair and by atom, and padded."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from baselines.so3krates.pairs import Listed
from baselines.toolkit import neighbours
from teadata import Frames
from teadata.typing import Floats

Ints = NDArray[np.int32]


@dataclass(frozen=True)
class Pairs:
    """The pairs of one frame, each in both directions, sorted by their first atom.

    Parameters
    ----------
    first, second
        (P,) atoms.
    images
        (P, 3) cell vectors to be added to the second atom's position.
    vectors
        (P, 3) from the first atom to that image of the second, in Å.
    atoms
        How many atoms the frame has.
    """

    first: Ints
    second: Ints
    images: Ints
    vectors: Floats
    atoms: int

    def __len__(self) -> int:
        return len(self.first)


def find(frames: Frames, index: int, cutoff: float) -> Pairs:
    """Find the pairs of a frame, with every periodic image as a neighbour of its own.

    Parameters
    ----------
    frames, index
        Which frame of which.
    cutoff
        In Å.
    """
    i, j, images, vectors = neighbours.pairs(frames, index, cutoff)
    # In an order of their own, so that sums do not depend on how the search found them
    order = np.lexsort((*images.T[::-1], j, i))
    return Pairs(
        i[order].astype(np.int32),
        j[order].astype(np.int32),
        images[order].astype(np.int32),
        vectors[order],
        frames.n_atoms,
    )


def listed(pairs: list[Pairs], length: int, dtype: str, count: int | None = None) -> Listed:
    """Pad the pairs of frames to a length, with vectors of some type.

    Frames without pairs are added until there are `count`.
    """
    count = count or len(pairs)
    padded = Listed(
        np.zeros((count, length, 3), dtype=dtype),
        np.full((count, length), -1, dtype=np.int32),
        np.full((count, length), -1, dtype=np.int32),
    )
    for n, each in enumerate(pairs):
        padded.vectors[n, : len(each)] = each.vectors
        padded.first[n, : len(each)] = each.first
        padded.second[n, : len(each)] = each.second
    return padded


def places(frames: int) -> int:
    """Round a number of frames up to a power of two, for which one compilation does."""
    return 1 << (frames - 1).bit_length()


def rounded(count: int) -> int:
    """Round up to one of eight lengths between a power of two and the next.

    Lists of similar lengths are padded to the same, for which one compilation does.
    """
    step = max(4, 1 << max(0, count.bit_length() - 4))
    return max(step, -(-count // step) * step)
