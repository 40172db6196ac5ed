"""Potential wells: clusters of frames in the space of backbone dihedrals."""

from __future__ import annotations

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage


def dihedrals(positions: np.ndarray, quadruples: np.ndarray) -> np.ndarray:
    """Dihedral angles (IUPAC sign), (N, D) in radians.

    Parameters
    ----------
    positions
        (N, A, 3), Å.
    quadruples
        (D, 4) atom indices.
    """
    a, b, c, d = (positions[:, quadruples[:, k]] for k in range(4))
    axis = (c - b) / np.linalg.norm(c - b, axis=2, keepdims=True)
    before, after = a - b, d - c
    before = before - (before * axis).sum(axis=2, keepdims=True) * axis
    after = after - (after * axis).sum(axis=2, keepdims=True) * axis
    sine = (np.cross(axis, before) * after).sum(axis=2)
    return np.arctan2(sine, (before * after).sum(axis=2))


def _linkage(angles: np.ndarray) -> np.ndarray:
    """Average linkage by the root mean square chord of the angles on the unit circle."""
    scale = np.sqrt(angles.shape[1])
    return linkage(np.concatenate([np.cos(angles), np.sin(angles)], axis=1) / scale, "average")


def find(angles: np.ndarray, cut: float) -> np.ndarray:
    """Cluster of each frame, (N,), from angles (N, D) in radians."""
    return fcluster(_linkage(angles), cut, "distance")


def around_cut(angles: np.ndarray, cut: float) -> str:
    """The distances of the last merge below a cut and the first above, as text."""
    merges = _linkage(angles)[:, 2]
    return f"{merges[merges <= cut].max():.2f} and {merges[merges > cut].min():.2f}"


def name(clusters: np.ndarray, starts: np.ndarray, least: int) -> np.ndarray:
    """Name of each frame's well, (N,): the commonest start of its cluster's frames.

    Frames of clusters smaller than `least` get the empty name.

    Raises
    ------
    SystemExit
        If two wells would have one name.
    """
    names = np.full(len(clusters), "", dtype=starts.dtype)
    for cluster in np.unique(clusters):
        members = clusters == cluster
        if members.sum() >= least:
            found, counts = np.unique(starts[members], return_counts=True)
            best = found[counts.argmax()]
            if best in names:
                raise SystemExit(f"two wells of frames that mostly started from {best}")
            names[members] = best
    return names
