"""Wells of a map: regions that a reference visits, around the peaks of its density."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from teadata.typing import Floats, Ints
from teaeval.observables.quantities import Map

SMOOTHING = 1.5
"""Standard deviation in bins of the Gaussian that a map is smoothed with."""

LEAST_SHARE = 0.02
"""Share of the reference that a well has at least."""


@dataclass(frozen=True, eq=False)
class Well:
    """A region of a map: its peak, and which bins (X, Y) belong to it."""

    x: float
    y: float
    bins: Floats


def wells(quantity: Map, row: Floats) -> list[Well]:
    """Find the wells of a reference, the most visited first.

    Counts are smoothed with a Gaussian, and every bin belongs to the peak that the steepest
    way up from it, over its eight neighbours, leads to.  Peaks whose region holds less than 2 %
    of the counts are no wells.

    Parameters
    ----------
    quantity
        The map.
    row
        (X·Y,) the reference's counts.
    """
    counts = row.reshape(quantity.x.bins, quantity.y.bins)
    top = _steepest(_smooth(counts, quantity), quantity)
    found = []
    for peak in np.unique(top):
        member = (top == peak).astype(np.float64)
        if (member * counts).sum() < LEAST_SHARE * counts.sum():
            continue
        i, j = divmod(int(peak), quantity.y.bins)
        place = float(quantity.x.middles[i]), float(quantity.y.middles[j])
        found.append(Well(*place, member))
    return sorted(found, key=lambda well: -float((well.bins * counts).sum()))


def _smooth(counts: Floats, quantity: Map) -> Floats:
    from scipy.ndimage import gaussian_filter1d

    smooth = counts.astype(np.float64)
    for direction, axis in enumerate((quantity.x, quantity.y)):
        mode = "wrap" if axis.periodic else "constant"
        smooth = gaussian_filter1d(smooth, SMOOTHING, axis=direction, mode=mode)
    return smooth


def _steepest(heights: Floats, quantity: Map) -> Ints:
    """The bin, as a number, that the steepest way up from each bin leads to, (X, Y)."""
    shape = heights.shape
    numbers = np.arange(heights.size).reshape(shape)
    best, up = heights.copy(), numbers.copy()
    for di in (-1, 0, 1):
        for dj in (-1, 0, 1):
            step = np.hypot(di, dj) or 1.0
            other, place = heights, numbers
            for direction, (shift, axis) in enumerate(((di, quantity.x), (dj, quantity.y))):
                other = np.roll(other, -shift, axis=direction)
                place = np.roll(place, -shift, axis=direction)
                if shift and not axis.periodic:
                    edge = [slice(None), slice(None)]
                    edge[direction] = slice(-1, None) if shift > 0 else slice(0, 1)
                    other = other.copy()
                    other[tuple(edge)] = -np.inf
            slope = heights + (other - heights) / step
            higher = (other > heights) & (slope > best)
            best, up = np.where(higher, slope, best), np.where(higher, place, up)
    top = up.ravel()
    while not np.array_equal(top, top[top]):
        top = top[top]
    found: Ints = top.reshape(shape)
    return found
