"""Find geometries that are there twice, among millions of frames.

Equal positions are found by a hash of them.  Others, written with fewer digits, moved or turned,
are looked for among frames with the same few numbers that none of this changes, and confirmed by
their fingerprints.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from teadata.frames import Frames
from teadata.structure.fingerprint import SAME, fingerprints
from teadata.typing import Array, Floats, Ints

NEAR = 1e-4
"""Frames whose three lengths differ by less than this, in Å, may be the same geometry."""

CONFIRMED = 256
"""Pairs whose fingerprints are compared together."""


@dataclass(frozen=True)
class Signatures:
    """What N frames are compared by.

    ``hashes`` (N,) are of positions and cell, bit by bit; ``lengths`` (N, 3) in Å stay the same
    if a frame is moved or turned.
    """

    hashes: Array
    lengths: Floats


def signatures(frames: Frames) -> Signatures:
    """Signatures of frames of one system."""
    rows = frames.positions.reshape(len(frames), -1)
    if frames.cell is not None:
        rows = np.concatenate([rows, frames.cell.reshape(len(frames), -1)], axis=1)
    rows = np.ascontiguousarray(rows) + 0.0  # makes −0 equal to 0
    digests = b"".join(hashlib.blake2b(row.data, digest_size=8).digest() for row in rows)
    arms = frames.positions - frames.positions.mean(axis=1, keepdims=True)
    squares = (arms**2).sum(axis=2)
    place = np.linspace(0.0, 1.0, frames.n_atoms)
    lengths = np.stack(
        [
            np.sqrt(squares.mean(axis=1)),
            np.sqrt((squares * place).mean(axis=1)),
            (squares**2).mean(axis=1) ** 0.25,
        ],
        axis=1,
    )
    return Signatures(np.frombuffer(digests, np.uint64), lengths)


def first_alike(signed: Signatures, read: Callable[[Ints], Frames]) -> Ints:
    """For each frame, the first one of the same geometry, (N,); itself where there is none.

    Parameters
    ----------
    signed
        Signatures of the frames.
    read
        Gives the frames in some rows, for those that must be compared.
    """
    count = len(signed.hashes)
    first = np.arange(count)
    _, place, inverse = np.unique(signed.hashes, return_index=True, return_inverse=True)
    first = place[inverse.reshape(-1)]
    distinct = np.sort(place)
    for one, other in _confirmed(distinct[_near(signed.lengths[distinct])], read).tolist():
        earlier, later = sorted((int(first[one]), int(first[other])))
        first[first == later] = earlier
    return first


def _near(lengths: Floats) -> Ints:
    """Pairs of rows (P, 2) whose lengths all differ by less than :data:`NEAR`."""
    order = np.argsort(lengths[:, 0], kind="stable")
    ordered = lengths[order]
    pairs = [np.empty((0, 2), np.int64)]
    left = np.arange(len(order))
    for step in range(1, len(order)):
        left = left[left + step < len(order)]
        left = left[ordered[left + step, 0] - ordered[left, 0] < NEAR]
        if len(left) == 0:
            break
        alike = (np.abs(ordered[left + step] - ordered[left]) < NEAR).all(axis=1)
        pairs.append(np.stack([order[left[alike]], order[left[alike] + step]], axis=1))
    return np.concatenate(pairs)


def _confirmed(pairs: Ints, read: Callable[[Ints], Frames]) -> Ints:
    """Those of the pairs whose fingerprints agree."""
    same = [np.empty((0, 2), np.int64)]
    for start in range(0, len(pairs), CONFIRMED):
        some = pairs[start : start + CONFIRMED]
        rows, place = np.unique(some, return_inverse=True)
        values = fingerprints(read(rows)).values
        left, right = place.reshape(some.shape).T
        same.append(some[np.abs(values[left] - values[right]).max(axis=1, initial=0.0) < SAME])
    return np.concatenate(same)
