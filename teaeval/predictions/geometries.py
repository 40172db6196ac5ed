"""Geometries of a reference that are there twice, where frames are known by nothing else."""

from __future__ import annotations

import numpy as np

from teadata.arrays import StoredArray
from teadata.errors import UsageError
from teadata.typing import Floats
from teaeval.predictions.reference import Reference

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
    step = max(1, (1 << 20) // width)
    keys = np.concatenate(
        [positions[i : i + step].reshape(-1, width) @ weights for i in range(0, count, step)]
    )
    window = SAME * np.abs(weights).sum(axis=0)
    order = np.argsort(keys[:, 0], kind="stable")
    ordered = keys[order]
    left = np.arange(count)
    for distance in range(1, count):
        left = left[left + distance < count]
        left = left[ordered[left + distance, 0] - ordered[left, 0] <= window[0]]
        if not len(left):
            return None
        near = left[(np.abs(ordered[left + distance] - ordered[left]) <= window).all(axis=1)]
        for row in near.tolist():
            one, other = sorted((int(order[row]), int(order[row + distance])))
            if np.abs(positions[[one]] - positions[[other]]).max() <= SAME:
                return one, other
    return None
