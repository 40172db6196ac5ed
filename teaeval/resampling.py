"""Resampling of units: what is drawn, how often, and intervals of means."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from teadata.typing import Floats, Ints

LEVEL = 0.95
"""Coverage of an interval."""


BATCH = 1 << 19
"""Draws of a batch of resamples: bounds the memory."""


Interval = tuple[float, float]
"""Lower and upper limit."""


Unit = Literal["frame", "block", "trajectory"]


@dataclass(frozen=True)
class Resampling:
    """What is drawn, how often.

    Parameters
    ----------
    units
        (N,) unit of each frame, 0 … U−1.
    kind
        What a unit is.
    replicates
        Number of resamples.
    seed
        Of the draws: the same seed draws the same units.
    """

    units: Ints
    kind: Unit
    replicates: int
    seed: int

    @property
    def count(self) -> int:
        """Number of units, U."""
        return int(self.units.max(initial=-1)) + 1

    def draws(self) -> Iterator[Ints]:
        """How often each unit was drawn, (b, U), in batches of resamples.

        Every resample has a generator of its own, so batches of another size change nothing.
        """
        step = max(1, BATCH // max(1, self.count))
        for start in range(0, self.replicates, step):
            rows = range(start, min(start + step, self.replicates))
            yield np.stack([self._draw(row) for row in rows])

    def _draw(self, row: int) -> Ints:
        drawn = np.random.default_rng([self.seed, row]).integers(self.count, size=self.count)
        return np.bincount(drawn, minlength=self.count)

    def of_blocks(self, block: int) -> Resampling:
        """The same draws of rows that are blocks of so many frames."""
        return replace(self, units=self.units[::block])

    def totals(self, values: Floats) -> Floats:
        """Sum of the values (N,) of each unit, (U,)."""
        found: Floats = np.bincount(self.units, values, self.count).astype(np.float64)
        return found

    def highest(self, values: Floats) -> Floats:
        """Largest of the values (N,) of each unit, (U,)."""
        found = np.full(self.count, -np.inf)
        np.maximum.at(found, self.units, values)
        return found


def interval(values: Floats, level: float = LEVEL) -> Interval:
    """The central interval of the resamples' values that holds `level` of them."""
    low, high = np.nanquantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def mean_intervals(columns: Mapping[str, Floats], draws: Resampling) -> dict[str, Interval]:
    """Intervals of the means of some values (N,) over resampled units; NaN are left out."""
    sums = []
    for values in columns.values():
        there = np.isfinite(values)
        sums += [draws.totals(np.where(there, values, 0.0)), draws.totals(there.astype(np.float64))]
    totals = np.concatenate(
        [drawn.astype(np.float64) @ np.stack(sums, axis=1) for drawn in draws.draws()]
    )
    counts = np.where(totals[:, 1::2], totals[:, 1::2], np.nan)
    means = totals[:, ::2] / counts
    return {name: interval(means[:, i]) for i, name in enumerate(columns)}
