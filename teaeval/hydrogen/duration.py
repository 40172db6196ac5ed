"""Is a trajectory long enough: where diffusion begins, and how long blocks have to be."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from teadata.typing import Floats
from teaeval.observables.blocks import correlation_time
from teaeval.observables.transport import msd

STEADY, LEAST = 0.1, 0.02
"""The displacement grows steadily if its slopes differ by no more than this part of the largest of
them, or this part of the largest of all, which is that of free flight."""

FACTORS = (2, 3, 4, 6, 8)
"""Halves of an onset t: the slopes from t, 1.5 t, 2 t, 3 t and 4 t to twice that are to agree.  A
wide range, because they do for a while too where the slope is largest."""

LONGER = 2.0
"""A block is so many times as long as the slowest integrated autocorrelation time."""


def onset(positions: Floats, spacing: float) -> float | None:
    """Lag t in fs from which on the mean squared displacement grows steadily.

    Atoms first fly freely, and in a molecule or between their neighbours they then swing back and
    forth: the slope rises and falls.  From t on, slopes over a wide range of lags agree.  None if
    there is no such t with 8 t within half of the trajectory.

    Parameters
    ----------
    positions
        (N, A, 3) in Å, unwrapped and without drift.
    spacing
        Between two frames, fs.
    """
    curve = msd(positions)
    last = (len(curve) - 1) // 4
    starts = np.arange(1, 2 * last // FACTORS[-1] + 1)
    lags = np.arange(1, last + 1)
    slopes = np.concatenate([[0.0], (curve[2 * lags] - curve[lags]) / lags])
    seen = slopes[np.stack([starts * factor // 2 for factor in FACTORS])]
    allowed = np.maximum(STEADY * np.abs(seen).max(axis=0), LEAST * slopes.max())
    steady = np.flatnonzero(np.ptp(seen, axis=0) <= allowed)
    return float(starts[steady[0]] * spacing) if len(steady) else None


def window(positions: Floats, spacing: float, length: float) -> tuple[float, float]:
    """Lags in fs between which diffusion is fitted: twice and four times the onset.

    If there is no onset, or four times it is more than half of a trajectory that shall be fitted
    alike, of `length` fs: a fourth and half of the shorter of the two.
    """
    shorter = min(length, (len(positions) - 1) * spacing)
    start = onset(positions, spacing)
    if start is None or 4 * start > shorter / 2:
        return shorter / 4, shorter / 2
    return 2 * start, 4 * start


def slowest(series: Sequence[Floats], spacing: float) -> float:
    """Longest integrated autocorrelation time of some series (N,), in fs."""
    return max(correlation_time(one) for one in series) * spacing


def block_count(length: float, correlation: float, most: int) -> int:
    """How many blocks of a trajectory are long enough, two at least: both in fs, `most` at most."""
    return max(2, min(most, int(length / (LONGER * correlation))))


def shortcomings(
    length: float, correlation: float, blocks: int, start: float | None, lags: tuple[float, float]
) -> list[str]:
    """What a trajectory is too short for, as sentences.

    Parameters
    ----------
    length, correlation
        Of the trajectory and of its slowest series, fs.
    blocks
        Into which it is cut.
    start
        Onset of steady growth of the displacement, fs; None if it is not seen.
    lags
        Of the fit of diffusion, fs.
    """
    found = []
    if length / blocks < LONGER * correlation:
        found.append(
            "blocks are shorter than twice the slowest correlation time: intervals are too narrow"
        )
    if start is None or start > lags[0]:
        found.append(
            "the squared displacement does not grow steadily at the lags of its fit: that is not "
            "yet the diffusion coefficient"
        )
    return found
