"""How sure an error is, and a difference of two errors.

What varies are units: single frames, or whole trajectories where their frames are correlated.  Of
many frames, blocks of consecutive ones are taken: the intervals are the same, at a cost that does
not grow (Künsch, Ann. Statist. 17, 1217, 1989).  MAE and RMSE, and their differences, have
intervals from a :mod:`jackknife <teaeval.metrics.jackknife>` over units; differences have p-values
from :mod:`flipped signs <teaeval.metrics.sign_flips>`.  What an error is divided by belongs to
the test set, and does not vary.

MAX has the percentiles of bootstrap samples of units (Efron, Ann. Statist. 7, 1, 1979).  The
largest error of a sample of the test set is never above that of the test set.  So this interval
says how much the MAX depends on single units, and not how large another test set's would be.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from teadata import Dataset
from teadata.stored_frames import AnyFrames
from teadata.typing import Floats, Ints
from teaeval.metrics.frame_errors import FrameErrors
from teaeval.metrics.jackknife import Jackknife
from teaeval.metrics.sign_flips import SignFlips
from teaeval.resampling import Interval, Resampling, Unit, interval

MOST_UNITS = 10_000
"""Units that single frames are put together to, if there are more of them."""

GROUPED = ("own", "plugin")
"""Editions whose frames name a trajectory only because their splits keep its frames together."""

LEADING = 64
"""Units with the largest errors of which a resample holds one, but for one case in 10²⁷."""


def resampling(
    dataset: Dataset | None, test: AnyFrames, replicates: int, seed: int = 0, *, each: int = 1
) -> Resampling:
    """Say what the units are: trajectories if frames are correlated, else frames or blocks of them.

    Frames are taken to be correlated where the card has correlation times, in a user's own
    dataset where its splits keep groups together, and in a reference file where it states
    trajectories.

    Parameters
    ----------
    dataset
        The dataset; None for a reference file.
    test
        The frames that were predicted, in the order of the errors.
    replicates, seed
        Number of resamples, and seed.
    each
        Frames of a row of the errors, a power of two; the last row may have fewer.
    """
    if test.trajectories is not None and _correlated(dataset, test):
        units = np.searchsorted(np.unique(test.trajectories), test.trajectories[::each])
        return Resampling(units, "trajectory", replicates, seed)
    block = max(each, block_length(dataset, test))
    kind: Unit = "frame" if block == 1 else "block"
    units = np.arange(-(-len(test) // each)) // (block // each)
    return Resampling(units, kind, replicates, seed)


def _correlated(dataset: Dataset | None, test: AnyFrames) -> bool:
    """Whether frames are known to be of trajectories within which they are correlated."""
    if test.trajectories is None:
        return False
    if dataset is None or dataset.card.edition in GROUPED:
        return True
    return bool(dataset.card.correlation_times)


def block_length(dataset: Dataset | None, test: AnyFrames, frames: int | None = None) -> int:
    """Consecutive frames that are drawn together, a power of two; 1 for trajectories.

    Parameters
    ----------
    dataset
        The dataset; None for a reference file.
    test
        The frames that were predicted.
    frames
        How many there are, if there are more than these.
    """
    if _correlated(dataset, test):
        return 1
    return 1 << (-(-(frames or len(test)) // MOST_UNITS) - 1).bit_length()


@dataclass(frozen=True)
class ErrorIntervals:
    """Intervals of the errors of one quantity; None where there is only one unit."""

    mae: Interval | None
    rmse: Interval | None
    max: Interval | None


def error_intervals(
    table: Mapping[str, FrameErrors], draws: Resampling
) -> dict[str, ErrorIntervals]:
    """Find the interval of each error of each quantity.

    Frames without a prediction are left out.

    Parameters
    ----------
    table
        Errors of each quantity, of the frames or blocks that `draws` has the units of.
    draws
        Units, and bootstrap samples of them for the MAX.
    """
    sums = unit_errors(table, draws)
    largest: dict[str, list[Floats]] = {name: [] for name in table}
    for drawn in draws.draws():
        for name, of_unit in sums.items():
            largest[name].append(of_unit.largest(drawn))
    return {
        name: ErrorIntervals(
            mae=_limits(*of_unit.mae.positive_interval()),
            rmse=_limits(*(of_unit.scale * np.sqrt(of_unit.mse.positive_interval()))),
            max=interval(np.concatenate(largest[name])) if of_unit.units > 1 else None,
        )
        for name, of_unit in sums.items()
    }


@dataclass(frozen=True)
class DifferenceIntervals:
    """Interval and p-value of a difference of two MAE, and of two RMSE."""

    mae: Interval | None
    rmse: Interval | None
    mae_p: float
    rmse_p: float


def difference_intervals(
    first: Mapping[str, FrameErrors],
    second: Mapping[str, FrameErrors],
    draws: Resampling,
    flips: SignFlips,
) -> dict[str, DifferenceIntervals]:
    """Find intervals of the first errors minus the second, and p-values of no difference.

    The p-value of the RMSE is that of the mean square: exchanging the models in some units leaves
    the sum of both mean squares, so the two differences rise and fall together.

    Parameters
    ----------
    first, second
        Errors of each quantity, of the same frames, all of which are predicted.
    draws
        Units of the frames.
    flips
        Sign patterns over those units.
    """
    sides = [unit_errors(table, draws) for table in (first, second)]
    return paired_differences(sides[0], {name: sides[1][name] for name in first}, flips)


def unit_errors(table: Mapping[str, FrameErrors], draws: Resampling) -> dict[str, UnitErrors]:
    """Sum the errors of each quantity over the frames of each unit."""
    return {name: UnitErrors.of(errors, draws) for name, errors in table.items()}


def paired_differences(
    first: Mapping[str, UnitErrors], second: Mapping[str, UnitErrors], flips: SignFlips
) -> dict[str, DifferenceIntervals]:
    """As :func:`difference_intervals`, from errors that are summed over the units already."""
    pairs = {name: (first[name], second[name]) for name in first}
    columns = []
    for a, b in pairs.values():
        scale = max(a.scale, b.scale)
        squares = [sums.squared * (sums.scale / scale) ** 2 for sums in (a, b)]
        columns += [a.absolute - b.absolute, squares[0] - squares[1]]
    p = flips.p_values(np.stack(columns, axis=1)).reshape(-1, 2)
    return {
        name: DifferenceIntervals(
            mae=_limits(*a.mae.minus(b.mae).interval()),
            rmse=_limits(*a.rmse.minus(b.rmse).interval()),
            mae_p=float(p[i, 0]),
            rmse_p=float(p[i, 1]),
        )
        for i, (name, (a, b)) in enumerate(pairs.items())
    }


def mean_intervals(columns: Mapping[str, Floats], draws: Resampling) -> dict[str, Interval | None]:
    """Find intervals of the means of values (N,) that are not negative; NaN are left out."""
    intervals = {}
    for name, values in columns.items():
        there = np.isfinite(values)
        sums = draws.totals(np.where(there, values, 0.0))
        counts = draws.totals(there.astype(np.float64))
        intervals[name] = _limits(*Jackknife.of_mean(sums, counts).positive_interval())
    return intervals


def _limits(low: Floats, high: Floats) -> Interval | None:
    """Two limits as numbers; None if there is no interval."""
    if np.isnan(low) or np.isnan(high):
        return None
    return float(low), float(high)


@dataclass(frozen=True)
class UnitErrors:
    """Sums of the errors of one quantity over the frames of each unit.

    ``count`` (U,) are the frames that have a prediction; ``absolute`` and ``squared`` (U,) the
    sums of their mean absolute errors and of their mean square errors over ``scale``²;
    ``highest`` (U,) is the largest error.
    """

    count: Floats
    absolute: Floats
    squared: Floats
    highest: Floats
    scale: float

    @classmethod
    def of(cls, errors: FrameErrors, draws: Resampling) -> UnitErrors:
        """Sum the errors of frames, or of blocks of them, over their units."""
        mae, rmse, most = (
            np.where(errors.scored, values, 0.0) for values in (errors.mae, errors.rmse, errors.max)
        )
        scale, frames = float(most.max()) or 1.0, errors.predicted
        weights = (frames, frames * mae, frames * (rmse / scale) ** 2)
        count, absolute, squared = (draws.totals(values) for values in weights)
        return cls(count, absolute, squared, draws.highest(most), scale)

    @property
    def units(self) -> int:
        """Number of units that have a prediction."""
        return int(np.count_nonzero(self.count))

    @property
    def mae(self) -> Jackknife:
        """Mean absolute error."""
        return Jackknife.of_mean(self.absolute, self.count)

    @property
    def mse(self) -> Jackknife:
        """Mean square error over ``scale``²."""
        return Jackknife.of_mean(self.squared, self.count)

    @property
    def rmse(self) -> Jackknife:
        """Root mean square error."""
        return self.mse.changed(lambda x: self.scale * np.sqrt(np.maximum(x, 0.0)))

    @cached_property
    def order(self) -> Ints:
        """The units (U,), those with the largest errors first."""
        return np.argsort(-self.highest, kind="stable")

    def largest(self, drawn: Ints) -> Floats:
        """Find the largest error of each sample, (b,), from how often it has each unit (b, U)."""
        order = self.order
        there = drawn[:, order[:LEADING]] > 0
        place = there.argmax(axis=1)
        for row in np.flatnonzero(~there.any(axis=1)):
            place[row] = (drawn[row, order] > 0).argmax()
        largest: Floats = self.highest[order[place]]
        return largest
