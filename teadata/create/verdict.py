"""The audit of a new dataset: of all frames, or of some of each role where there are many."""

from __future__ import annotations

import numpy as np

from teadata import catalog
from teadata.audit import Finding, audit_frames
from teadata.splits import ROLES, SplitTable

MOST = 3000
"""Frames that are audited at once: the time grows with the square of their number."""

BYTES = 64 << 20
"""Bytes of positions and forces that are audited at once."""


def verdict(dataset: str) -> tuple[list[Finding], int, int]:
    """Audit a dataset; gives the findings, how many frames were looked at, and how many there are.

    Of a dataset with more than :data:`MOST` frames, equally many of each split are looked at,
    drawn at random.
    """
    data = catalog.load(dataset)
    splits = data.splits
    every = len(np.unique(np.concatenate(list(splits.members.values()))))
    atoms = data.card.system.n_atoms or 1
    most = max(len(splits) * 20, min(MOST, BYTES // (48 * atoms)))
    if every > most:
        share = most // len(splits)
        splits = SplitTable({key: _some(ids, share, key) for key, ids in splits.members.items()})
    ids = np.unique(np.concatenate(list(splits.members.values())))
    frames = data.read(ids)
    return list(audit_frames(data.card, frames, splits)), len(ids), every


def _some(ids: np.ndarray, count: int, key: tuple[str, str]) -> np.ndarray:
    """Some of a split's frames, the same each time."""
    seed = ROLES.index(key[1])
    rows = np.random.default_rng(seed).permutation(len(ids))[:count]
    return ids[np.sort(rows)]
