"""Geometries of a reference that are there twice, where frames are known by nothing else."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from teadata.arrays import StoredArray
from teadata.errors import UsageError
from teadata.typing import Floats
from teaeval.predictions.reference import Reference

PIECE = 1 << 20
"""Coordinates that are read together, and frames that are compared with those near them."""

SAME = 1e-5
"""Two geometries are one if no coordinate differs by more than this, in Å."""


def check_geometries(reference: Reference) -> None:
    """Refuse geometries that are there twice, where frames are known by nothing else.

    Raises
    ------
    UsageError
        If there are such; the message names two.
    """
    for frames in reference.systems:
        pair = first_repeated(frames.positions)
        if pair is not None:
            one, other = (int(frames.ids[row]) for row in pair)
            raise UsageError(
                f"{reference.path}: frames {one} and {other} (from 0) have the same geometry, so "
                "that a prediction cannot be told to be of either; keep one of them, or give the "
                "frames of both files ids, as frame_id"
            )


def first_repeated(positions: Floats | StoredArray) -> tuple[int, int] | None:
    """Two frames (N, A, 3) with the same geometry to :data:`SAME`; None if there are none.

    Frames near each other have near projections on some directions, and only those are compared.
    """
    count, width = len(positions), int(np.prod(positions.shape[1:]))
    weights = np.random.default_rng(0).normal(size=(width, 3)) / np.sqrt(width)
    step, keys = max(1, PIECE // width), np.empty((count, 3))
    for start in range(0, count, step):
        part = slice(start, start + step)
        keys[part] = positions[part].reshape(-1, width) @ weights
    window = SAME * np.abs(weights).sum(axis=0)
    order = np.argsort(keys[:, 0], kind="stable")
    keys = keys[order]
    for start in range(0, count, PIECE):
        for one, other in _near(keys, window, start, min(start + PIECE, count)):
            pair = sorted((int(order[one]), int(order[other])))
            if np.abs(positions[pair[:1]] - positions[pair[1:]]).max() <= SAME:
                return pair[0], pair[1]
    return None


def _near(keys: Floats, window: Floats, start: int, stop: int) -> Iterator[tuple[int, int]]:
    """Pairs of rows of keys (N, 3) whose keys all are near, the first of each of these rows.

    The first key of the rows ascends.
    """
    left = np.arange(start, stop)
    for distance in range(1, len(keys)):
        left = left[left + distance < len(keys)]
        left = left[keys[left + distance, 0] - keys[left, 0] <= window[0]]
        if not len(left):
            return
        near = left[(np.abs(keys[left + distance] - keys[left]) <= window).all(axis=1)]
        yield from ((row, row + distance) for row in near.tolist())
