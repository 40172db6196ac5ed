"""Intervals from leaving out one unit at a time, with Student's t.

A unit is a trajectory, a frame, or a block of frames: things that are independent of each other.
The estimate is computed from all U units, and U times from all but one.  The scatter of those
gives its standard error (Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter
11), and Student's t with U − 1 degrees of freedom widens the interval where units are few.

A mean of positive errors, such as an MAE, has an interval on a logarithmic scale, because such
errors are skewed.  The standard error is itself the less certain, the more the units differ.  If c
is the squared coefficient of variation of the units' errors, the logarithm of the relative standard
error has, to first order, the variance (1 + c) / 2(U − 1) for units that follow a gamma
distribution, and (1 + 4c) / 2(U − 1) for a log-normal one; without skew it is 1 / 2(U − 1).  As
Satterthwaite did (Biometrics 2, 110, 1946) we take fewer degrees of freedom for that,
(U − 1) / (1 + 3.5c): near those of the log-normal distribution, because few units say little of
their tail.  The factor was chosen by the calibration in docs/metrics.md.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import lgamma, pi

import numpy as np
from numpy.typing import NDArray

from teadata.typing import Floats
from teaeval.resampling import LEVEL

SKEWNESS = 3.5
"""By how much the squared coefficient of variation of positive errors takes degrees of freedom."""

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(64)
_ITERATIONS = 30


def student_t(freedom: Floats) -> Floats:
    """Student's t that LEVEL of its distribution lie within, either side of 0.

    Parameters
    ----------
    freedom
        Degrees of freedom, at least 1; they need not be whole.
    """
    power = np.asarray(freedom, dtype=np.float64) - 1
    # With t = √ν tan x the density is proportional to cos x to the power ν − 1.
    gamma = np.vectorize(lambda n: lgamma((n + 1) / 2) - lgamma(n / 2 + 1), otypes=[float])
    target = LEVEL * np.sqrt(pi) / 2 * np.exp(gamma(power))
    angle = target.copy()
    for _ in range(_ITERATIONS):  # Newton's steps from the left never pass the solution
        inside = angle[..., None] / 2 * (1 + _NODES)
        area = angle / 2 * (np.cos(inside) ** power[..., None] @ _WEIGHTS)
        angle += np.maximum(target - area, 0.0) / np.cos(angle) ** power
    t: Floats = np.sqrt(power + 1) * np.tan(angle)
    return t


@dataclass(frozen=True)
class Jackknife:
    """An estimate from all units, and from all but one.

    Leading axes hold many estimates at once.

    Parameters
    ----------
    value
        (…) from all units.
    without
        (…, U) from all but each unit.
    units
        (…, U) which units have any values.
    """

    value: Floats
    without: Floats
    units: NDArray[np.bool_]

    @classmethod
    def of_mean(cls, sums: Floats, counts: Floats) -> Jackknife:
        """That of a mean, from each unit's sum and number of values, both (…, U)."""
        total, number = sums.sum(axis=-1), counts.sum(axis=-1)
        others = number[..., None] - counts
        rest = (total[..., None] - sums) / np.where(others > 0, others, np.nan)
        return cls(total / np.where(number > 0, number, np.nan), rest, counts > 0)

    def changed(self, function: Callable[[Floats], Floats]) -> Jackknife:
        """That of a function of the estimate."""
        return Jackknife(function(self.value), function(self.without), self.units)

    def minus(self, other: Jackknife) -> Jackknife:
        """That of the difference of two estimates over the same units."""
        return Jackknife(self.value - other.value, self.without - other.without, self.units)

    def interval(self) -> tuple[Floats, Floats]:
        """Limits of the interval, (…); NaN if there is only one unit."""
        half = student_t(np.maximum(self._count() - 1, 1)) * self._error()
        return self.value - half, self.value + half

    def positive_interval(self) -> tuple[Floats, Floats]:
        """Limits for a mean of positive values, on a logarithmic scale, (…)."""
        count = self._count()
        relative = self._error() / np.where(self.value > 0, self.value, 1.0)
        variation = count * np.nan_to_num(relative) ** 2
        freedom = np.maximum((count - 1) / (1 + SKEWNESS * variation), 1.0)
        factor = np.exp(student_t(freedom) * relative)
        return self.value / factor, self.value * factor

    def _count(self) -> Floats:
        count: Floats = self.units.sum(axis=-1).astype(np.float64)
        return count

    def _error(self) -> Floats:
        """Standard error of the estimate."""
        away = np.where(self.units, self.without - self.value[..., None], 0.0)
        largest = np.abs(away).max(axis=-1, keepdims=True)
        scaled = away / np.where(largest > 0, largest, 1.0)  # squares of any error stay finite
        count = np.maximum(self._count(), 1)
        squares = (count - 1) / count * (scaled**2).sum(axis=-1)
        error: Floats = largest[..., 0] * np.sqrt(squares)
        return error
