"""Find geometries that are there twice, among millions of frames.

Two frames are the same geometry if their positions and cells are equal bit by bit, or if neither
an entry of their fingerprints nor one of their sizes differs by :data:`~.fingerprint.SAME` or more.
Sizes are a few lengths that stay the same if a frame is moved, turned or mirrored, like atoms are
exchanged, or other images written.  They take little time and memory, so candidates are looked for
by them; and beyond the cutoff of fingerprints they see what these do not.

If no atom moves by more than half of :data:`~.fingerprint.SAME`, no entry and no size changes by
more than it: every such copy is found.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from typing import Literal

import numpy as np

from teadata.frames import Frames
from teadata.structure.fingerprint import SAME, Singles, fingerprints
from teadata.structure.neighbours import CHUNK, periodic_vectors
from teadata.typing import Array, Floats, Ints, Mask

POWERS = (2, 8, 4)
"""The sizes of a molecule are means of these powers of its atoms' distances from the centre."""

WAVES: dict[int, Floats] = {
    1: np.array([[1.0], [2.0], [3.0]]),
    2: np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]),
    3: np.eye(3),
}
"""The sizes of periodic frames are amplitudes of these waves, in cell vectors, by their number."""

GRID = 3
"""Sizes by which frames are sorted into boxes; the others are compared in neighbouring boxes."""

SIDES: tuple[Literal["left", "right"], ...] = ("left", "right")

ROWS = 4096
"""Frames whose neighbouring boxes are looked through at a time."""

CONFIRMED = 256
"""Pairs whose fingerprints are compared together."""


@dataclass(frozen=True)
class Signatures:
    """What N frames are compared by.

    ``hashes`` (N,) are of positions and cell, bit by bit; ``sizes`` (N, 6) are in Å.
    """

    hashes: Array
    sizes: Singles

    @classmethod
    def of(cls, frames: Frames) -> Signatures:
        """Signatures of frames of one system."""
        parts = [frames.positions] if frames.cell is None else [frames.positions, frames.cell]
        rows = np.ascontiguousarray(np.concatenate(parts, axis=1)) + 0.0  # makes −0 equal to 0
        digests = b"".join(hashlib.blake2b(row.data, digest_size=8).digest() for row in rows)
        return cls(np.frombuffer(digests, np.uint64), sizes(frames))

    @classmethod
    def joined(cls, parts: list[Signatures]) -> Signatures:
        """Signatures of all parts, one after another."""
        return cls(
            np.concatenate([part.hashes for part in parts]),
            np.concatenate([part.sizes for part in parts]),
        )


def sizes(frames: Frames) -> Singles:
    """Sizes (N, 6) in Å of frames: three of all atoms alike, three weighted by atomic number.

    NaN where positions or cell vectors are not finite, or periodic frames have no cell.
    """
    values = np.full((len(frames), 6), np.nan, np.float32)
    rows = np.flatnonzero(_finite(frames))
    if len(rows) == 0:
        return values
    measure = _amplitudes if frames.periodic else _extents
    weights = [np.ones(frames.n_atoms), frames.numbers.astype(np.float64)]
    step = max(1, CHUNK // (6 * frames.n_atoms))
    for some in np.split(rows, range(step, len(rows), step)):
        columns = [measure(frames[some], weight / weight.sum()) for weight in weights]
        values[some] = np.concatenate(columns, axis=1)
    return values


def _finite(frames: Frames) -> Mask:
    """Whether the positions of each frame (N,), and its cell if it is periodic, are finite."""
    finite: Mask = np.all(np.isfinite(frames.positions), axis=(1, 2))
    if not frames.periodic:
        return finite
    if frames.cell is None:
        return np.zeros_like(finite)
    finite &= np.isfinite(frames.cell).all(axis=(1, 2))
    return finite


def _extents(frames: Frames, weights: Floats) -> Floats:
    """Means (N, 3) in Å of powers of the atoms' distances from the centre."""
    arms = frames.positions - frames.positions.mean(axis=1, keepdims=True)
    lengths = np.linalg.norm(arms, axis=2)
    means = [(lengths**power @ weights) ** (1 / power) for power in POWERS]
    return np.stack(means, axis=1)


def _amplitudes(frames: Frames, weights: Floats) -> Floats:
    """Amplitudes (N, 3) in Å of waves of the cell in the density of atoms.

    Of a wave with vector k, twice the modulus of the mean of exp(i k·r), over |k|: no atom that
    moves by δ changes it by more than its share of 2 δ.
    """
    inverse = np.linalg.pinv(periodic_vectors(frames))
    waves = 2 * np.pi * inverse @ WAVES[inverse.shape[2]].T
    phases = frames.positions @ waves
    means = np.einsum("naw,a->nw", np.exp(1j * phases), weights)
    amplitudes: Floats = 2 * np.abs(means) / np.linalg.norm(waves, axis=1)
    return amplitudes


def first_alike(signed: Signatures, read: Callable[[Ints], Frames]) -> Ints:
    """For each frame, the first one of the same geometry, (N,); itself where there is none.

    No two frames that are their own first ones are the same geometry.

    Parameters
    ----------
    signed
        Signatures of the frames.
    read
        Gives the frames in some rows, for those that must be compared.
    """
    _, place, inverse = np.unique(signed.hashes, return_index=True, return_inverse=True)
    distinct, rank = np.unique(place, return_inverse=True)
    first = np.arange(len(distinct))
    near = _near(signed.sizes[distinct])
    same = np.concatenate(
        [
            _confirmed(some, lambda rows: read(distinct[rows]))
            for some in np.split(near, range(CONFIRMED, len(near), CONFIRMED))
        ]
    )
    for one, other in same[np.lexsort(same.T)].tolist():
        if first[one] == one and first[other] == other:
            first[other] = one
    alike: Ints = distinct[first][rank[inverse.reshape(-1)]]
    return alike


def copies(frames: Frames) -> tuple[Ints, Ints]:
    """Rows of frames whose geometry was there before, and the first rows of those geometries."""
    first = first_alike(Signatures.of(frames), lambda rows: frames[rows])
    later = np.flatnonzero(first != np.arange(len(first)))
    return later, first[later]


def _near(values: Singles) -> Ints:
    """Pairs of rows (P, 2), the lower first, whose sizes all differ by less than SAME.

    Frames are sorted into boxes of that width, and compared with those in neighbouring ones.
    """
    finite = np.flatnonzero(np.isfinite(values).all(axis=1))
    boxes = np.floor(values[finite, :GRID].astype(np.float64) / SAME).astype(np.int64)
    boxes -= boxes.min(axis=0, initial=0) - 1
    strides = np.cumprod([1, *(boxes.max(axis=0, initial=0)[:-1] + 2)])
    keys = boxes @ strides
    order = np.argsort(keys, kind="stable")
    keys, rows = keys[order], finite[order]
    offsets = np.array(list(product((-1, 0, 1), repeat=GRID))) @ strides
    pairs = [np.empty((0, 2), np.int64)]
    for start in range(0, len(keys), ROWS):
        place = np.arange(start, min(start + ROWS, len(keys)))
        for offset in offsets[offsets >= 0]:  # a box below sees this one as a box above
            low, high = (np.searchsorted(keys, keys[place] + offset, side) for side in SIDES)
            if offset == 0:
                low = place + 1
            count = high - low
            left = rows[np.repeat(place, count)]
            right = rows[np.arange(count.sum()) + np.repeat(low - np.cumsum(count) + count, count)]
            alike = (np.abs(values[left] - values[right]) < SAME).all(axis=1)
            pairs.append(np.stack([left[alike], right[alike]], axis=1))
    return np.sort(np.concatenate(pairs), axis=1)


def _confirmed(pairs: Ints, read: Callable[[Ints], Frames]) -> Ints:
    """Those of the pairs (P, 2) whose fingerprints agree."""
    if len(pairs) == 0:
        return pairs
    rows, place = np.unique(pairs, return_inverse=True)
    values = fingerprints(read(rows)).values
    left, right = place.reshape(pairs.shape).T
    same: Ints = pairs[np.abs(values[left] - values[right]).max(axis=1, initial=0.0) < SAME]
    return same
