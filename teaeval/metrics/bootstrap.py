"""How sure an error is: bootstrap over frames, or over trajectories where frames are correlated.

Resampled are units: single frames, or whole trajectories, whose frames are not independent of
each other (Efron, Ann. Statist. 7, 1, 1979; for clusters Davison and Hinkley, Bootstrap
Methods and their Application, 1997, section 3.8).  Of many frames, blocks of consecutive ones
are drawn: the intervals are the same, at a cost that does not grow (Künsch, Ann. Statist. 17, 1217,
1989).  Intervals are percentiles.  What an error is divided by belongs to the test set, and is not
resampled.

The largest error of a resample is never above that of the sample: the interval of a MAX
says which errors it hangs on, not how large another test set's would be.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from teadata import Dataset
from teadata.stored_frames import AnyFrames
from teadata.typing import Floats, Ints
from teaeval.metrics.frame_errors import FrameErrors
from teaeval.resampling import Resampling, Unit

MOST_UNITS = 10_000
"""Units that single frames are put together to, if there are more of them."""

LEADING = 64
"""Units with the largest errors of which a resample holds one, but for one case in 10²⁷."""


def resampling(dataset: Dataset, test: AnyFrames, replicates: int, seed: int = 0) -> Resampling:
    """By trajectory where the card has correlation times, otherwise by frame or block of frames.

    Parameters
    ----------
    dataset
        The dataset.
    test
        The frames that were predicted, in the order of the errors.
    replicates, seed
        Number of resamples, and seed.
    """
    if test.trajectories is not None and _correlated(dataset, test):
        units = np.unique(test.trajectories, return_inverse=True)[1]
        return Resampling(units.astype(np.int64), "trajectory", replicates, seed)
    block = block_length(dataset, test)
    kind: Unit = "frame" if block == 1 else "block"
    return Resampling(np.arange(len(test)) // block, kind, replicates, seed)


def _correlated(dataset: Dataset, test: AnyFrames) -> bool:
    """Whether frames are known to be of trajectories within which they are correlated."""
    return test.trajectories is not None and bool(dataset.card.correlation_times)


def block_length(dataset: Dataset, test: AnyFrames) -> int:
    """Consecutive frames that are drawn together, a power of two; 1 for trajectories."""
    if _correlated(dataset, test):
        return 1
    return 1 << (-(-len(test) // MOST_UNITS) - 1).bit_length()


@dataclass(frozen=True)
class Distribution:
    """MAE, RMSE and MAX of every resample, each (B,)."""

    mae: Floats
    rmse: Floats
    max: Floats


def distributions(table: Mapping[str, FrameErrors], draws: Resampling) -> dict[str, Distribution]:
    """What MAE, RMSE and MAX would have been over resampled units, of each quantity.

    Of the frames that have a prediction; NaN for a resample that drew none.  All quantities are
    of the same draws.
    """
    sums = {name: _Sums.of(errors, draws) for name, errors in table.items()}
    columns = np.stack([c for found in sums.values() for c in found.columns], axis=1)
    parts: dict[str, list[tuple[Floats, Floats, Floats]]] = {name: [] for name in table}
    for drawn in draws.draws():
        totals = (drawn.astype(np.float64) @ columns).reshape(len(drawn), -1, 3)
        for i, (name, found) in enumerate(sums.items()):
            count, absolute, squared = totals[:, i].T
            count = np.where(count, count, np.nan)
            parts[name].append(
                (absolute / count, found.scale * np.sqrt(squared / count), found.largest(drawn))
            )
    return {
        name: Distribution(*(np.concatenate(column) for column in zip(*found, strict=True)))
        for name, found in parts.items()
    }


@dataclass(frozen=True)
class _Sums:
    """Sums of one quantity over the frames of each unit.

    ``columns`` are (U,) the frames that have a prediction, the sum of their mean absolute errors
    and of their mean square errors over ``scale``²; ``highest`` (U,) is the largest error.
    """

    columns: tuple[Floats, Floats, Floats]
    highest: Floats
    scale: float

    @classmethod
    def of(cls, errors: FrameErrors, draws: Resampling) -> _Sums:
        mae, rmse, most = (
            np.where(errors.scored, values, 0.0) for values in (errors.mae, errors.rmse, errors.max)
        )
        scale, frames = float(most.max()) or 1.0, errors.predicted
        weights = (frames, frames * mae, frames * (rmse / scale) ** 2)
        count, absolute, squared = (draws.totals(values) for values in weights)
        return cls((count, absolute, squared), draws.highest(most), scale)

    def largest(self, drawn: Ints) -> Floats:
        """Largest error of each resample, (b,), of counts (b, U)."""
        order = np.argsort(-self.highest, kind="stable")
        there = drawn[:, order[:LEADING]] > 0
        place = there.argmax(axis=1)
        for row in np.flatnonzero(~there.any(axis=1)):
            place[row] = (drawn[row, order] > 0).argmax()
        found: Floats = self.highest[order[place]]
        return found
