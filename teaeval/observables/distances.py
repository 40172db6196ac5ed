"""Distances between two distributions, with intervals and what chance makes of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from teadata.errors import DataError, UsageError
from teadata.typing import Floats
from teaeval.observables.blocks import resampled
from teaeval.resampling import LEVEL, interval


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
    if not (widths > 0).all():
        raise DataError("edges of bins do not rise; expected the first bin's lower edge first")
    return area_between(p - q, widths)


def area_between(steps: Floats, widths: Floats, start: Floats | float = 0.0) -> Floats:
    """Area (…) between two cumulative distributions that differ by steps (…, B) over their bins.

    Parameters
    ----------
    steps
        Share of the one less that of the other in each bin, spread evenly over it.
    widths
        (B,) of the bins.
    start
        (…, 1) difference before the first bin.
    """
    after = start + np.cumsum(steps, axis=-1)
    before = after - steps
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
    """A distance between two distributions, with what chance alone makes of it.

    Parameters
    ----------
    value
        Between all frames of the one and all of the other.
    low, high
        95 % interval, of resampled blocks of both; it reaches to the value at least.  NaN if both
        have a single block, and so nothing to say of how sure the value is.
    floor, ceiling
        Mean and 95 % quantile of the distance between two independent samples of one
        distribution, as long and as correlated as these two.  A distance near the floor shows no
        difference; one above the ceiling does (5 % are above it by chance).  NaN of single blocks,
        too.
    """

    value: float
    low: float
    high: float
    floor: float
    ceiling: float


def distance(
    first: ArrayLike,
    second: ArrayLike,
    *,
    edges: ArrayLike | None = None,
    pieces: int = 1,
    others: int = 1,
    replicates: int = 1000,
    seed: int = 0,
) -> Distance:
    """Distance of two distributions that were counted in blocks, with an interval by blocks.

    The floor and the ceiling deal the rows of both out anew to two groups as large as they were.
    So a row of the first should have about as many counts as one of the second: where the rows of
    either are several times longer, both come out too low.  Where the two differ clearly, the rows
    that are dealt out differ too, and both come out higher than for two samples of the second.

    Parameters
    ----------
    first, second
        (K, …) and (L, …) counts in blocks of consecutive frames, on the same bins; the second
        is the reference.  A map of two dimensions is one distribution.
    edges
        (B+1,) edges of the bins: the Wasserstein distance.  None: the Hellinger distance.
    pieces, others
        Consecutive rows of the first, and of the second, that are resampled as one block for the
        interval, where the blocks of one are longer than those of the other.
    replicates, seed
        Number of resamples, and seed.

    Raises
    ------
    DataError
        If the bins differ, there are no counts, or there is no whole number of blocks.
    UsageError
        If there are no pieces, or no resamples.
    """
    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if a.ndim < 2 or a.shape[1:] != b.shape[1:]:
        raise DataError(
            f"counts of shapes {a.shape} and {b.shape}; expected (blocks, …) on the same bins"
        )
    if min(pieces, others, replicates) < 1:
        raise UsageError(
            f"{pieces} and {others} pieces, {replicates} resamples; expected one or more"
        )
    a, b = a.reshape(len(a), -1), b.reshape(len(b), -1)
    blocks, other_blocks = _blocks(a, pieces), _blocks(b, others)
    a, b = _counted(a), _counted(b)
    if not len(a) or not len(b):
        raise DataError("a distribution without counts is no distance from anything")

    def between(p: Floats, q: Floats) -> Floats:
        return hellinger(p, q) if edges is None else wasserstein(p, q, edges)

    value = float(between(a.sum(axis=0), b.sum(axis=0)))
    if len(a) == len(b) == 1:
        nan = float("nan")
        return Distance(value, nan, nan, nan, nan)
    drawn_a = resampled(blocks, lambda totals: totals, replicates, seed)
    drawn_b = resampled(other_blocks, lambda totals: totals, replicates, seed + 1)
    low, high = interval(between(drawn_a, drawn_b), of=value)
    by_chance = between(*_regrouped(a, b, replicates, seed + 2))
    return Distance(
        value,
        low,
        high,
        floor=float(by_chance.mean()),
        ceiling=float(np.quantile(by_chance, LEVEL)),
    )


def _blocks(rows: Floats, pieces: int) -> Floats:
    """Blocks with counts, of so many consecutive rows each."""
    if len(rows) % pieces:
        raise DataError(
            f"{len(rows)} rows of counts; expected a multiple of {pieces} pieces a block"
        )
    return _counted(rows.reshape(len(rows) // pieces, pieces, -1).sum(axis=1))


def _counted(blocks: Floats) -> Floats:
    """Leave out blocks without counts."""
    kept: Floats = blocks[blocks.sum(axis=1) > 0]
    return kept


def _regrouped(first: Floats, second: Floats, replicates: int, seed: int) -> tuple[Floats, Floats]:
    """Deal the blocks of both out anew to two groups as large as they were; give the totals.

    If both are samples of one distribution, it does not matter which of the two a block is from:
    every such pair is as likely as the one that is there.  A block that does not fit into what is
    left of a group is shared between the two.
    """
    blocks = np.concatenate([first, second])
    sizes = blocks.sum(axis=1)
    rows = np.tile(np.arange(len(blocks)), (replicates, 1))
    order = np.random.default_rng(seed).permuted(rows, axis=1)
    room = first.sum() - (np.cumsum(sizes[order], axis=1) - sizes[order])
    shares = np.empty(order.shape)
    np.put_along_axis(shares, order, np.clip(room / sizes[order], 0, 1), axis=1)
    return shares @ blocks, (1 - shares) @ blocks
