"""Quantities: what is measured in each piece of a trajectory, as rows that can be added up.

A row of a quantity adds up over frames, pieces and replicas: counts in bins, or sums and numbers.
Whatever is said of the quantity, a mean, a curve, a distance from another sample, is a function of
added rows, so that its error and interval come from rows of blocks alone.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from teadata.typing import Floats
from teaeval.observables import bins
from teaeval.observables.distances import hellinger
from teaeval.resampling import Interval

Kind = Literal["histogram", "map", "curve", "mean"]
Measure = Literal["hellinger", "wasserstein", "difference"]


@dataclass(frozen=True, eq=False)
class Part:
    """What a piece of a trajectory adds to a quantity.

    Parameters
    ----------
    row
        (R,) what adds up.
    series
        (n, C) of each frame, from which the correlation is estimated; None where there is none.
    """

    row: Floats
    series: Floats | None = None


@dataclass(frozen=True)
class Axis:
    """Bins of one coordinate: from `start` on, of `width`; `periodic` if its ends are the same."""

    name: str
    unit: str
    start: float
    width: float
    bins: int
    periodic: bool = False

    @property
    def edges(self) -> Floats:
        """(B+1,) edges of the bins."""
        found: Floats = self.start + self.width * np.arange(self.bins + 1, dtype=np.float64)
        return found

    @property
    def middles(self) -> Floats:
        """(B,) middles of the bins."""
        return self.edges[:-1] + self.width / 2

    def circular(self, values: Floats) -> Floats:
        """Values (n, …) as numbers without a jump: cosine and sine of a periodic coordinate."""
        flat: Floats = values.reshape(len(values), -1)
        if not self.periodic:
            return flat
        phase = 2 * np.pi * (flat - self.start) / (self.width * self.bins)
        return np.concatenate([np.cos(phase), np.sin(phase)], axis=1)


class Quantity(ABC):
    """One quantity of an observable, such as the distances of one pair of elements."""

    kind: Kind
    name: str
    unit: str
    measures: tuple[Measure, ...]

    @property
    def axes(self) -> tuple[Axis, ...]:
        """Its coordinates."""
        return ()

    @property
    def limits(self) -> Interval:
        """What its mean cannot be outside of; all means here are of lengths, angles and numbers."""
        return 0.0, math.inf

    @property
    def distance_unit(self) -> str:
        """Unit of a distance that is not Hellinger's."""
        return self.unit

    @abstractmethod
    def part(self, values: Floats) -> Part:
        """What the values of a piece add, as the observable measures them."""

    @abstractmethod
    def shown(self, rows: Floats) -> Floats:
        """The curve or map that added rows (R,) stand for."""

    @abstractmethod
    def apart(self, measure: Measure, first: Floats, second: Floats) -> Floats:
        """Distance of added rows (…, R) from others."""

    def outside(self, row: Floats) -> tuple[float, float]:
        """Shares of what is in added rows (R,) that are below the bins and above them."""
        return 0.0, 0.0

    @abstractmethod
    def weight(self, rows: Floats) -> Floats:
        """How much there is in rows (…, R), (…): nothing can be said of rows without any."""

    def ratio(self, rows: Floats) -> tuple[Floats, Floats] | None:
        """Sum and number (…) of rows (…, R) whose ratio is the mean; None without a mean."""
        return None


@dataclass(frozen=True)
class Histogram(Quantity):
    """Values that are counted in bins; of (n,) or (n, K) values, K of a frame.

    ``ideal`` are counts of a frame without order, (B,): with them counts are shown as their ratio,
    as a radial distribution function is, and otherwise as a density.
    """

    name: str
    axis: Axis
    ideal: tuple[float, ...] | None = None
    kind: Kind = field(default="histogram", init=False)

    @property
    def limits(self) -> Interval:
        """Of an angle, the ends of its axis."""
        return 0.0, float(self.axis.edges[-1]) if self.unit == "°" else math.inf

    @property
    def unit(self) -> str:  # type: ignore[override]
        """Unit of the values."""
        return self.axis.unit

    @property
    def axes(self) -> tuple[Axis, ...]:
        """The axis."""
        return (self.axis,)

    @property
    def measures(self) -> tuple[Measure, ...]:  # type: ignore[override]
        """The distances that are measured."""
        return ("hellinger",) if self.axis.periodic else ("hellinger", "wasserstein")

    def part(self, values: Floats) -> Part:
        """Counts in bins and outside, the sum of the values, their number, and that of frames.

        Of pairs, whose counts are shown as g(r), those beyond the bins are not looked at.
        """
        if self.axis.periodic:
            turned = (values - self.axis.start) % (self.axis.width * self.axis.bins)
            counts = bins.inside(np.histogram(self.axis.start + turned, self.axis.edges)[0])
        elif self.ideal is not None:
            counts = bins.inside(np.histogram(values, self.axis.edges)[0])
        else:
            counts = bins.binned(values, self.axis.edges)
        row = np.concatenate([counts, [values.sum(), values.size, len(values)]])
        series = self.axis.circular(values).mean(axis=1, keepdims=True)
        if self.axis.periodic:
            both = self.axis.circular(values).reshape(len(values), 2, -1)
            series = both.mean(axis=2)
        return Part(row.astype(np.float64), series)

    def weight(self, rows: Floats) -> Floats:
        """Values that were counted, in the bins or outside."""
        return bins.total(rows[..., :-3])

    def outside(self, row: Floats) -> tuple[float, float]:
        """Shares of the values below the bins and above them."""
        return bins.outside(row[:-3])

    def ratio(self, rows: Floats) -> tuple[Floats, Floats] | None:
        """Sum and number of the values; no mean of a periodic coordinate, nor of g(r)."""
        whole = not self.axis.periodic and self.ideal is None
        return (rows[..., -3], rows[..., -2]) if whole else None

    def shown(self, rows: Floats) -> Floats:
        """Density in 1/unit, whose area is the share in the bins, or the ratio to no order."""
        counts, frames = rows[: self.axis.bins], rows[-1]
        if self.ideal is not None:
            found: Floats = counts / (np.array(self.ideal) * max(frames, 1))
            return found
        density: Floats = counts / max(float(self.weight(rows)) * self.axis.width, 1e-300)
        return density

    def apart(self, measure: Measure, first: Floats, second: Floats) -> Floats:
        """Hellinger distance, or Wasserstein's in the unit of the values."""
        return bins.apart(measure, first[..., :-3], second[..., :-3], self.axis.edges)


@dataclass(frozen=True)
class Map(Quantity):
    """Pairs of values that are counted on a map; of (n, 2) or (n, K, 2) values."""

    name: str
    x: Axis
    y: Axis
    kind: Kind = field(default="map", init=False)
    measures: tuple[Measure, ...] = field(default=("hellinger",), init=False)

    @property
    def unit(self) -> str:  # type: ignore[override]
        """Unit of the values, of both where they differ."""
        return " and ".join(dict.fromkeys(filter(None, [self.x.unit, self.y.unit])))

    @property
    def axes(self) -> tuple[Axis, ...]:
        """Both axes."""
        return self.x, self.y

    def part(self, values: Floats) -> Part:
        """Counts on the map, row by row."""
        x, y = values[..., 0], values[..., 1]
        counts = np.histogram2d(x.ravel(), y.ravel(), (self.x.edges, self.y.edges))[0]
        both = []
        for axis, along in ((self.x, x), (self.y, y)):
            numbers = axis.circular(along).reshape(len(values), 2 if axis.periodic else 1, -1)
            both.append(numbers.mean(axis=2))
        return Part(counts.ravel(), np.concatenate(both, axis=1))

    def weight(self, rows: Floats) -> Floats:
        """Pairs on the map."""
        found: Floats = rows.sum(axis=-1)
        return found

    def shown(self, rows: Floats) -> Floats:
        """Shares of the bins, (X, Y)."""
        shares: Floats = rows.reshape(self.x.bins, self.y.bins) / max(rows.sum(), 1.0)
        return shares

    def apart(self, measure: Measure, first: Floats, second: Floats) -> Floats:
        """Hellinger distance."""
        return hellinger(first, second)


@dataclass(frozen=True)
class Mean(Quantity):
    """A ratio of sums, such as a mean over frames; of (n, 2) values: what is added, and how often.

    ``exact`` is what theory says it must be, where it does.
    """

    name: str
    unit: str
    exact: float | None = None
    kind: Kind = field(default="mean", init=False)
    measures: tuple[Measure, ...] = field(default=("difference",), init=False)

    def part(self, values: Floats) -> Part:
        """The two sums."""
        return Part(values.sum(axis=0), values)

    def weight(self, rows: Floats) -> Floats:
        """What is divided by."""
        return rows[..., 1]

    def ratio(self, rows: Floats) -> tuple[Floats, Floats]:
        """The two sums."""
        return rows[..., 0], rows[..., 1]

    def shown(self, rows: Floats) -> Floats:
        """Nothing but the mean is to be shown."""
        return np.empty(0)

    def apart(self, measure: Measure, first: Floats, second: Floats) -> Floats:
        """Difference of the two, without its sign."""
        with np.errstate(divide="ignore", invalid="ignore"):
            a, b = (rows[..., 0] / rows[..., 1] for rows in (first, second))
        found: Floats = np.abs(a - b)
        return found


@dataclass(frozen=True)
class Curve(Quantity):
    """A curve that each piece has a value of at every point; of (B,) values.

    The distance is the root of the mean squared difference.
    """

    name: str
    axis: Axis
    unit: str
    kind: Kind = field(default="curve", init=False)
    measures: tuple[Measure, ...] = field(default=("difference",), init=False)

    @property
    def axes(self) -> tuple[Axis, ...]:
        """The axis."""
        return (self.axis,)

    def part(self, values: Floats) -> Part:
        """The values, and that it is one piece."""
        return Part(np.append(values, 1.0))

    def weight(self, rows: Floats) -> Floats:
        """Number of pieces."""
        return rows[..., -1]

    def shown(self, rows: Floats) -> Floats:
        """The mean over pieces."""
        mean: Floats = rows[:-1] / rows[-1]
        return mean

    def apart(self, measure: Measure, first: Floats, second: Floats) -> Floats:
        """The root of the mean squared difference."""
        a, b = first[..., :-1] / first[..., -1:], second[..., :-1] / second[..., -1:]
        found: Floats = np.sqrt(((a - b) ** 2).mean(axis=-1))
        return found


@dataclass(frozen=True)
class Spectrum(Quantity):
    """A density that each piece has at every point; of (B + 4,) shares, see :mod:`.bins`.

    Distances are measured as of a histogram.
    """

    name: str
    axis: Axis
    unit: str
    kind: Kind = field(default="curve", init=False)
    measures: tuple[Measure, ...] = field(default=("hellinger", "wasserstein"), init=False)

    @property
    def axes(self) -> tuple[Axis, ...]:
        """The axis."""
        return (self.axis,)

    @property
    def distance_unit(self) -> str:
        """That of the axis, as Wasserstein's distance is along it."""
        return self.axis.unit

    def part(self, values: Floats) -> Part:
        """The shares, and that it is one piece."""
        return Part(np.append(values, 1.0))

    def weight(self, rows: Floats) -> Floats:
        """Number of pieces."""
        return rows[..., -1]

    def outside(self, row: Floats) -> tuple[float, float]:
        """Shares of the weight below the points and above them."""
        return bins.outside(row[:-1])

    def shown(self, rows: Floats) -> Floats:
        """The mean density over pieces."""
        mean: Floats = rows[: self.axis.bins] / (rows[-1] * self.axis.width)
        return mean

    def apart(self, measure: Measure, first: Floats, second: Floats) -> Floats:
        """Hellinger's or Wasserstein's distance."""
        a, b = (np.maximum(rows[..., :-1], 0) for rows in (first, second))
        return bins.apart(measure, a, b, self.axis.edges)
