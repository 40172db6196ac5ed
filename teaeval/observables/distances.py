"""How far two distributions are from each other, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from teadata.errors import DataError
from teadata.typing import Floats
from teaeval.observables.blocks import resampled
from teaeval.resampling import interval


def _shares(counts: ArrayLike) -> Floats:
    values = np.asarray(counts, dtype=np.float64)
    total = values.sum(axis=-1, keepdims=True)
    if (values < 0).any() or not np.isfinite(values).all() or not (total > 0).all():
        raise DataError("a distribution needs counts that are not negative and not all zero")
    found: Floats = values / total
    return found


def hellinger(first: ArrayLike, second: ArrayLike) -> Floats:
    """Hellinger distance of histograms on the same bins: 0 for the same, 1 without overlap.

    √(½ Σ (√p − √q)²), of counts or densities (…, B), each normalised; bins of equal width.

    Raises
    ------
    DataError
        If the bins differ in number, or counts are negative or all zero.
    """
    p, q = _pair(first, second)
    found: Floats = np.sqrt(((np.sqrt(p) - np.sqrt(q)) ** 2).sum(axis=-1) / 2)
    return found


def wasserstein(first: ArrayLike, second: ArrayLike, edges: ArrayLike) -> Floats:
    """Wasserstein distance W₁ of histograms on the same bins, in the unit of the edges.

    The area between the cumulative distributions, with the counts spread evenly over their
    bins: how far, on average, one distribution would have to be moved to become the other.

    Parameters
    ----------
    first, second
        (…, B) counts.
    edges
        (B+1,) edges of the bins.

    Raises
    ------
    DataError
        If the numbers of bins and edges do not fit, or counts are negative or all zero.
    """
    p, q = _pair(first, second)
    widths = np.diff(np.asarray(edges, dtype=np.float64))
    if len(widths) != p.shape[-1]:
        raise DataError(f"{len(widths) + 1} edges of {p.shape[-1]} bins; expected one more")
    after = np.cumsum(p - q, axis=-1)
    before = after - (p - q)
    # |a line from `before` to `after`| over a bin: a trapezium, or two triangles
    same = before * after >= 0
    spread = np.abs(before) + np.abs(after)
    crossed = (before**2 + after**2) / np.where(same | (spread == 0), 1.0, spread)
    found: Floats = (np.where(same, spread, crossed) / 2 * widths).sum(axis=-1)
    return found


def _pair(first: ArrayLike, second: ArrayLike) -> tuple[Floats, Floats]:
    p, q = _shares(first), _shares(second)
    if p.shape[-1] != q.shape[-1]:
        raise DataError(f"histograms of {p.shape[-1]} and {q.shape[-1]} bins; expected the same")
    return p, q


@dataclass(frozen=True)
class Distance:
    """A distance between two distributions, with what it is between parts of the same.

    Parameters
    ----------
    value
        Between all frames of the one and all of the other.
    low, high
        95 % interval, of resampled blocks of both.
    floor
        What the distance is between resamples of the second and the second itself, in the
        mean: a distance of about this is none.
    """

    value: float
    low: float
    high: float
    floor: float


def distance(
    first: ArrayLike,
    second: ArrayLike,
    *,
    edges: ArrayLike | None = None,
    replicates: int = 1000,
    seed: int = 0,
) -> Distance:
    """Distance of two distributions that were counted in blocks, with an interval by blocks.

    Parameters
    ----------
    first, second
        (K, …) and (L, …) counts in blocks of consecutive frames, on the same bins; the second
        is the reference.  A map of two dimensions is one distribution.
    edges
        (B+1,) edges of the bins: the Wasserstein distance.  None: the Hellinger distance.
    replicates, seed
        Number of resamples, and seed.

    Raises
    ------
    DataError
        If the bins differ, or there are no counts.
    """
    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if a.ndim < 2 or a.shape[1:] != b.shape[1:]:
        raise DataError(
            f"counts of shapes {a.shape} and {b.shape}; expected (blocks, …) on the same bins"
        )
    a, b = a.reshape(len(a), -1), b.reshape(len(b), -1)
    a, b = a[a.sum(axis=1) > 0], b[b.sum(axis=1) > 0]  # a block without counts weighs nothing
    if not len(a) or not len(b):
        raise DataError("a distribution without counts is no distance from anything")

    def between(p: Floats, q: Floats) -> Floats:
        return hellinger(p, q) if edges is None else wasserstein(p, q, edges)

    drawn_a = resampled(a, lambda totals: totals, replicates, seed)
    drawn_b = resampled(b, lambda totals: totals, replicates, seed + 1)
    low, high = interval(between(drawn_a, drawn_b))
    floor = float(between(drawn_b, b.sum(axis=0)).mean())
    return Distance(float(between(a.sum(axis=0), b.sum(axis=0))), low, high, floor)
