"""Bootstrap samples of units: how often each is drawn, and intervals of percentiles."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Literal

import numpy as np

from teadata.typing import Floats, Ints

LEVEL = 0.95
"""Coverage of an interval."""


BATCH = 1 << 19
"""Numbers in a batch of samples, which bounds the memory."""

KEPT = 1 << 16
"""Numbers in a batch that is kept: many quantities of a few units have the same samples."""


Interval = tuple[float, float]
"""Lower and upper limit."""

SHARE: Interval = (0.0, 1.0)
"""What a share cannot be outside of."""

ANYTHING: Interval = (-np.inf, np.inf)
"""What can be any number."""


Unit = Literal["frame", "block", "trajectory"]


@dataclass(frozen=True)
class Resampling:
    """Units of frames, and how bootstrap samples are drawn of them.

    Parameters
    ----------
    units
        (N,) unit of each frame, or row of errors that stands for several, 0 … U−1.
    kind
        What a unit is.
    replicates
        Number of bootstrap samples.
    seed
        The same seed draws the same units.
    """

    units: Ints
    kind: Unit
    replicates: int
    seed: int

    @cached_property
    def count(self) -> int:
        """Number of units, U."""
        return int(self.units.max(initial=-1)) + 1

    def draws(self) -> Iterator[Ints]:
        """Draw the samples in batches of b; (b, U) says how often each unit is in each sample.

        Every sample has a generator of its own, so the size of a batch changes nothing.
        """
        step = max(1, BATCH // max(1, self.count))
        for start in range(0, self.replicates, step):
            rows = range(start, min(start + step, self.replicates))
            draw = _kept if len(rows) * self.count <= KEPT else _drawn
            yield draw(rows, self.count, self.seed)

    def totals(self, values: Floats) -> Floats:
        """Sum the values (N,) over each unit, (U,)."""
        sums: Floats = np.bincount(self.units, values, self.count).astype(np.float64)
        return sums

    def highest(self, values: Floats) -> Floats:
        """Take the largest of the values (N,) of each unit, (U,)."""
        largest = np.full(self.count, -np.inf)
        np.maximum.at(largest, self.units, values)
        return largest


def _drawn(rows: range, count: int, seed: int) -> Ints:
    """How often each unit is in some of the samples, (b, U); not to be written into."""
    drawn = np.stack(
        [
            np.bincount(
                np.random.default_rng([seed, row]).integers(count, size=count), minlength=count
            )
            for row in rows
        ]
    )
    drawn.flags.writeable = False
    return drawn


_kept = lru_cache(maxsize=16)(_drawn)


def interval(values: Floats, level: float = LEVEL, of: float | None = None) -> Interval:
    """Take the percentiles of the samples' values that hold the central `level` of them.

    Parameters
    ----------
    values
        Of the samples.
    level
        Share of them that is held.
    of
        The value whose interval this is, which it reaches to in any case: what is smallest for
        equal distributions, such as a distance, is larger in most samples than in the whole.
    """
    low, high = np.nanquantile(values, [(1 - level) / 2, (1 + level) / 2])
    return (float(low), float(high)) if of is None else holding(of, float(low), float(high))


def holding(value: float, low: float, high: float) -> Interval:
    """Widen an interval to hold its own value."""
    return min(low, value), max(high, value)


def held(values: dict[str, Any]) -> dict[str, Any]:
    """The fields of a distance, with an interval that holds its value."""
    named = [values.get(name) for name in ("value", "low", "high")]
    numbers = [number for number in named if isinstance(number, float | int)]
    if len(numbers) < len(named):
        return values
    return values | dict(zip(("low", "high"), holding(*numbers), strict=True))


def within(limits: Interval, low: float, high: float) -> Interval:
    """End an interval where what it is of ends: a share at 0 and 1, for example."""
    return max(low, limits[0]), min(high, limits[1])
