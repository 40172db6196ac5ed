"""Blocks of pieces, errors of ratios, and distances with what halves of the reference make of them.

Rows are of :mod:`teaeval.observables.quantities`: they add up.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from teadata.errors import DataError
from teadata.typing import Floats, Ints
from teaeval.observables.blocks import BLOCKS, correlation_time, slices, student
from teaeval.observables.quantities import Measure, Part, Quantity
from teaeval.resampling import ANYTHING, LEVEL, Interval, Resampling, interval, within

CORRELATIONS = 2
"""Correlation times that a block has at least."""

MOST_HALVES = 1000
"""Ways to halve the reference up to which all are taken."""


@dataclass(frozen=True, eq=False)
class Blocked:
    """A quantity of one sample, in blocks.

    Parameters
    ----------
    rows
        (K, R) of each block.
    correlation
        Largest integrated autocorrelation time of any trajectory, in frames; None if not known.
    short
        Whether a trajectory is shorter than twice its correlation, so that even one block of it is
        too short.
    """

    rows: Floats
    correlation: float | None
    short: bool

    @property
    def total(self) -> Floats:
        """(R,) of all blocks."""
        found: Floats = self.rows.sum(axis=0)
        return found


def blocked(trajectories: Sequence[Sequence[Part]]) -> Blocked:
    """Put the pieces of each trajectory together to blocks that are longer than the correlation.

    At most five a trajectory, and each at least twice as long as the integrated autocorrelation
    time, of whichever number of a frame has the longest; one block where that is not possible.
    The correlation is about the mean of all trajectories: one that stays in a place of its own is
    one block, however still it is there.

    Parameters
    ----------
    trajectories
        The pieces of each, in the order of time; at least one piece in all.
    """
    rows, times, short = [], [], False
    there = [part.series for parts in trajectories for part in parts if part.series is not None]
    about = np.concatenate(there).mean(axis=0) if there else np.empty(0)
    for parts in trajectories:
        if not parts:
            continue
        wanted = math.ceil(len(parts) / BLOCKS)
        series = [part.series for part in parts if part.series is not None]
        if len(series) == len(parts):
            together = np.concatenate(series)
            columns = zip(together.T, about.tolist(), strict=True)
            time = max(correlation_time(column, mean) for column, mean in columns)
            times.append(time)
            wanted = max(wanted, math.ceil(CORRELATIONS * time * len(parts) / len(together)))
            short |= CORRELATIONS * time > len(together)
        count = max(1, len(parts) // wanted)
        stacked = np.stack([part.row for part in parts])
        rows += [stacked[part].sum(axis=0) for part in slices(len(parts), count)]
    return Blocked(np.stack(rows), max(times) if times else None, short)


@dataclass(frozen=True)
class Estimate:
    """A mean with its error by blocks, and 95 % limits by Student's t; NaN of a single block."""

    value: float
    error: float
    low: float
    high: float
    blocks: int


def estimate(sums: Floats, numbers: Floats, limits: Interval = ANYTHING) -> Estimate:
    """Estimate a ratio of sums from those of K blocks, (K,) and (K,).

    The blocks need not be equally long: of the ratio R = Σ sₖ/Σ nₖ the squared error is
    K/(K − 1) Σ (sₖ − R nₖ)²/(Σ nₖ)².  The interval ends at the `limits` of what R can be.
    """
    total, nan = float(numbers.sum()), float("nan")
    if not total > 0:
        return Estimate(nan, nan, nan, nan, len(sums))
    value, count = float(sums.sum()) / total, int(((numbers > 0) | (sums != 0)).sum())
    if count < 2:
        return Estimate(value, nan, nan, nan, count)
    off = sums - value * numbers
    error = math.sqrt(count / (count - 1) * float(off @ off)) / total
    half = student(count - 1) * error
    return Estimate(value, error, *within(limits, value - half, value + half), count)


@dataclass(frozen=True)
class Separation:
    """A distance from the reference, its 95 % interval, and what halves of the reference are apart.

    ``low`` and ``high`` are from resampled blocks of both, and hold the value; NaN if both have a
    single one.
    ``halves`` and ``halves_most`` are the mean and the 95 % quantile of the distance between two
    halves of the reference's own blocks; NaN if it has a single one.
    """

    measure: Measure
    value: float
    low: float
    high: float
    halves: float
    halves_most: float


def separation(
    quantity: Quantity,
    measure: Measure,
    sample: Floats,
    reference: Floats,
    replicates: int = 1000,
    seed: int = 0,
) -> Separation:
    """Measure how far a sample is from a reference, of rows in blocks (K, R) and (L, R).

    Raises
    ------
    DataError
        If one of them has nothing to be compared.
    """
    first, second = sample, reference
    if quantity.kind != "mean":  # there is no distribution in a block without counts
        first, second = (rows[quantity.weight(rows) > 0] for rows in (sample, reference))
    if not all(quantity.weight(rows).sum() > 0 for rows in (first, second)):
        raise DataError(f"{quantity.name}: nothing was counted, so there is no distance")
    value = float(quantity.apart(measure, first.sum(axis=0), second.sum(axis=0)))
    low = high = mean = most = float("nan")
    if len(first) > 1 or len(second) > 1:
        drawn = [
            _draws(len(rows), replicates, seed + i) @ rows for i, rows in enumerate((first, second))
        ]
        apart = _finite(quantity.apart(measure, drawn[0], drawn[1]))
        low, high = interval(apart, of=value) if len(apart) else (low, high)
    if len(second) > 1:
        chosen = halves(len(second), seed + 2)
        within = _finite(quantity.apart(measure, chosen @ second, (1 - chosen) @ second))
        if len(within):
            mean, most = float(within.mean()), float(np.quantile(within, LEVEL))
    return Separation(measure, value, low, high, mean, most)


def _finite(values: Floats) -> Floats:
    """Those of some distances that are one: a mean of nothing has none."""
    found: Floats = values[np.isfinite(values)]
    return found


@functools.lru_cache(maxsize=64)
def _draws(count: int, replicates: int, seed: int) -> Floats:
    """How often each of so many blocks is in each resample, (B, count)."""
    draws = Resampling(np.arange(count), "block", replicates, seed).draws()
    return np.concatenate([drawn.astype(np.float64) for drawn in draws])


def halves(count: int, seed: int = 0) -> Ints:
    """Ways to halve so many blocks: which belong to the first half, (H, count) of 0 and 1."""
    half = count // 2
    if math.comb(count, half) <= MOST_HALVES:
        chosen = [list(rows) for rows in itertools.combinations(range(count), half)]
    else:
        rng = np.random.default_rng(seed)
        chosen = [rng.permutation(count)[:half].tolist() for _ in range(MOST_HALVES)]
    found = np.zeros((len(chosen), count), dtype=np.int64)
    np.put_along_axis(found, np.array(chosen), 1, axis=1)
    return found
