"""Rank predictions of one test set: paired differences, Holm's correction, and shared places.

A model's place is one more than the number of models that are better than it, by a test of paired
differences on the same frames (:mod:`teaeval.metrics.sign_flips`), with signs flipped by
trajectory where frames are correlated, at 5 % after Holm's correction over all pairs (Scand. J.
Stat. 6, 65, 1979).  Models that no test separates share a place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import NormalDist
from typing import Literal

import numpy as np

from teadata.typing import Floats
from teaeval.board.units import Units
from teaeval.defaults import SIGN_PATTERNS
from teaeval.metrics.jackknife import Jackknife, student_t
from teaeval.metrics.sign_flips import SignFlips
from teaeval.metrics.uncertainty import UnitErrors

Measure = Literal["mae", "rmse"]

ALPHA = 0.05
"""Probability of one wrong statement, or more, among all pairs."""

POWER = 0.8
"""Probability with which the frames that are said to be needed would separate two models."""


MOST_TOLD = 2000
"""Pairs whose p-values are computed although none can be significant after the correction."""


@dataclass(frozen=True)
class Pair:
    """Two predictions: the first error minus the second's.

    ``p`` is that of the test alone, ``holm`` after the correction over all pairs.  ``needed`` are
    the frames of a test set of the same kind that would separate the two with a probability of
    80 %, if the difference is what it is here; None if they are separated, or do not differ.
    """

    first: int
    second: int
    difference: float
    interval: tuple[float, float] | None
    p: float
    holm: float
    needed: int | None


@dataclass(frozen=True)
class Ranking:
    """Places by one measure of one quantity.

    Parameters
    ----------
    order
        Predictions, the smallest error first.
    places
        Place of each prediction, in the order that they were given in.
    holm
        (N, N) corrected p-value of each pair; 1 on the diagonal.
    pairs
        Number of pairs.
    smallest
        The smallest corrected p-value that these units can give.
    """

    order: list[int]
    places: list[int]
    p: Floats
    holm: Floats
    pairs: int
    smallest: float
    sums: Sequence[UnitErrors]
    measure: Measure
    frames: int

    def pair(self, first: int, second: int) -> Pair:
        """The difference of two predictions, with its interval."""
        a, b = (getattr(self.sums[n], self.measure) for n in (first, second))
        gap: Jackknife = a.minus(b)
        low, high = (float(limit) for limit in gap.interval())
        difference, holm = float(gap.value), float(self.holm[first, second])
        known = not (np.isnan(low) or np.isnan(high))
        needed = None
        if holm >= ALPHA and known and difference != 0:
            error = (
                (high - low) / 2 / float(student_t(np.array(max(self.sums[first].units - 1, 1))))
            )
            normal = NormalDist()
            level = normal.inv_cdf(1 - ALPHA / self.pairs / 2) + normal.inv_cdf(POWER)
            needed = max(int(np.ceil(self.frames * (level * error / difference) ** 2)), 1)
        return Pair(
            first=first,
            second=second,
            difference=difference,
            interval=(low, high) if known else None,
            p=float(self.p[first, second]),
            holm=holm,
            needed=needed,
        )

    def every(self) -> list[Pair]:
        """All pairs, in the order of the errors."""
        return [self.pair(a, b) for a, b in combinations(self.order, 2)]


def rank(units: Sequence[Units], quantity: str, measure: Measure) -> Ranking:
    """Rank complete predictions of one test set.

    Parameters
    ----------
    units
        The errors of each, by unit.
    quantity, measure
        What they are ranked by.
    """
    sums = [item.errors[quantity] for item in units]
    count = len(sums)
    values = np.array([float(getattr(item, measure).value) for item in sums])
    scale = max(item.scale for item in sums)
    column = [
        item.absolute if measure == "mae" else item.squared * (item.scale / scale) ** 2
        for item in sums
    ]
    pairs = np.array(list(combinations(range(count), 2)), dtype=np.int64).reshape(-1, 2)
    flips = SignFlips(units[0].count, SIGN_PATTERNS, 0)
    smallest = min(1.0, flips.smallest_of(len(pairs)) * max(len(pairs), 1))
    if smallest >= ALPHA and len(pairs) > MOST_TOLD:
        p = np.ones(len(pairs))
    else:
        p = flips.p_values_of_pairs(np.stack(column, axis=1), pairs)
    corrected = holm(p)
    a, b = pairs.T
    table, raw = np.ones((count, count)), np.ones((count, count))
    table[a, b] = table[b, a] = corrected
    raw[a, b] = raw[b, a] = p
    better = (table < ALPHA) & (values[:, None] < values[None, :])
    return Ranking(
        order=np.argsort(values, kind="stable").tolist(),
        places=(1 + better.sum(axis=0)).tolist(),
        p=raw,
        holm=table,
        pairs=max(len(pairs), 1),
        smallest=smallest,
        sums=sums,
        measure=measure,
        frames=units[0].frames,
    )


def holm(p: Floats) -> Floats:
    """Correct p-values (K,) for their number, so that at most one in twenty sets has an error."""
    order = np.argsort(p, kind="stable")
    steps = np.arange(len(p), 0, -1) * p[order]
    corrected = np.empty(len(p))
    corrected[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return corrected
