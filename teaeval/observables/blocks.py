"""Blocks of consecutive frames: means, and how sure they are.

Frames of a simulation are correlated, blocks that are longer than the correlation are not: the
scatter of their means is the error of the mean.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from teadata.errors import DataError, UsageError
from teadata.typing import Floats, Ints
from teaeval.observables.arrays import numbers_of
from teaeval.resampling import LEVEL, Resampling

BLOCKS = 5
"""Blocks that a simulation is cut into: few, so that each is longer than the correlation."""


@dataclass(frozen=True)
class Mean:
    """A mean with its error.

    Parameters
    ----------
    value
        The mean of all frames.
    error
        Standard error, from the scatter of the means of blocks; NaN of a single block.
    low, high
        Limits of the 95 % interval by Student's t; NaN of a single block.
    blocks
        Number of blocks.
    correlation
        Integrated autocorrelation time in frames, 1 for frames that are independent: blocks
        should be longer.
    """

    value: float
    error: float
    low: float
    high: float
    blocks: int
    correlation: float


def limits(frames: int, blocks: int) -> Ints:
    """Cut frames into K blocks of nearly equal length: their first frames, and the end, (K+1,).

    Raises
    ------
    UsageError
        If there are more blocks than frames, or none.
    """
    if not 1 <= blocks <= frames:
        raise UsageError(f"{blocks} blocks of {frames} frames; expected from one block to {frames}")
    return np.arange(blocks + 1) * frames // blocks


def slices(frames: int, blocks: int) -> list[slice]:
    """Cut frames into blocks of nearly equal length, as slices."""
    return [slice(int(a), int(b)) for a, b in itertools.pairwise(limits(frames, blocks))]


def correlation_time(series: ArrayLike, about: float | None = None) -> float:
    """Integrated autocorrelation time of a series (N,), in frames, at least 1.

    1 + 2 Σ c(t), summed up to the first window W of at least five times its own sum (Sokal's
    criterion; A. Sokal, in Functional Integration, Springer 1997).

    Parameters
    ----------
    series
        (N,)
    about
        Mean that c(t) is about: that of several series, if this is one of them, so that one which
        stays away from the others is correlated for as long as it is.  Its own by default.

    Raises
    ------
    DataError
        If the series is not one of finite numbers.
    """
    x = numbers_of(series, "values of a series")
    if x.ndim != 1 or not len(x) or not np.isfinite(x).all():
        raise DataError(f"a series of shape {x.shape}; expected (frames,) finite numbers")
    x = x - (x.mean() if about is None else about)
    variance = float(x @ x)
    if len(x) < 3 or variance <= np.finfo(float).tiny:
        return 1.0
    power = np.abs(np.fft.rfft(x, 2 * len(x))) ** 2
    correlation = np.fft.irfft(power)[: len(x)] / variance
    sums = 2 * np.cumsum(correlation) - 1
    enough = np.arange(len(x)) >= 5 * sums
    window = int(np.argmax(enough)) if enough.any() else len(x) - 1
    return max(1.0, float(sums[window]))


def block_mean(series: ArrayLike, blocks: int = BLOCKS) -> Mean:
    """Mean of a series (N,) of frames in the order of time, with its error by blocks.

    Raises
    ------
    DataError
        If the series is not one of finite numbers.
    UsageError
        If there are more blocks than frames.
    """
    x = numbers_of(series, "values of a series")
    time = correlation_time(x)
    means = np.array([x[rows].mean() for rows in slices(len(x), blocks)])
    return of_blocks(float(x.mean()), means, time)


def of_blocks(value: float, means: Floats, correlation: float = float("nan")) -> Mean:
    """Make a mean of the value of all frames and the values of K blocks (K,), with its error.

    Parameters
    ----------
    value
        Of all frames.
    means
        (K,) the same of each block alone.
    correlation
        Integrated autocorrelation time in frames, if known.
    """
    count = len(means)
    if count < 2:
        nan = float("nan")
        return Mean(value, nan, nan, nan, count, correlation)
    error = float(np.std(means, ddof=1) / np.sqrt(count))
    half = student(count - 1) * error
    return Mean(value, error, value - half, value + half, count, correlation)


def student(freedom: int) -> float:
    """Student's t below which (1 + LEVEL)/2 of its distribution lie."""
    from scipy.special import stdtrit

    return float(stdtrit(freedom, (1 + LEVEL) / 2))


def resampled(
    sums: Floats, value: Callable[[Floats], Floats], replicates: int = 1000, seed: int = 0
) -> Floats:
    """Evaluate a function of totals over resampled blocks, (B, …).

    Parameters
    ----------
    sums
        (K, …) of each block, such as counts of a histogram.
    value
        Function of totals (b, …) of b resamples at a time, whose first axis it keeps.
    replicates, seed
        Number of resamples, and seed.
    """
    flat = sums.reshape(len(sums), -1)
    draws = Resampling(np.arange(len(sums)), "block", replicates, seed)
    values = [
        value((drawn.astype(np.float64) @ flat).reshape(-1, *sums.shape[1:]))
        for drawn in draws.draws()
    ]
    return np.concatenate(values)
