"""What simulations sampled, as a record: each quantity of each observable, and its reference."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import field_validator, model_validator

from teadata.schema import StrictModel
from teaeval.resampling import SHARE, held, within


class Estimate(StrictModel):
    """A mean, with its standard error and 95 % limits by blocks; None of fewer than two blocks.

    ``correlation`` in ps is the integrated autocorrelation time, where frames follow each other.
    """

    value: float
    error: float | None
    low: float | None
    high: float | None
    blocks: int
    correlation: float | None = None


class Separation(StrictModel):
    """A distance from the reference, with its 95 % interval, and what halves of that are apart.

    ``measure`` is ``hellinger`` (0 to 1), ``wasserstein`` (in ``unit``) or ``difference`` (of
    means, or the root of the mean squared difference of curves).  ``halves`` and ``halves_most``
    are the mean and the 95 % quantile of the distance between halves of the reference; an earlier
    version called them ``floor`` and ``ceiling``.  None where there are not two blocks.  The
    interval holds the value, also where an earlier version wrote another.
    """

    measure: Literal["hellinger", "wasserstein", "difference"]
    unit: str
    value: float
    low: float | None = None
    high: float | None = None
    halves: float | None = None
    halves_most: float | None = None

    @model_validator(mode="before")
    @classmethod
    def _earlier(cls, values: Any) -> Any:
        """Give the names of an earlier version those of today, and an interval its value."""
        if not isinstance(values, dict):
            return values
        names = {"floor": "halves", "ceiling": "halves_most"}
        return held({names.get(str(name), str(name)): value for name, value in values.items()})


class Axis(StrictModel):
    """Bins of one coordinate: ``bins`` of them from ``start`` on, each of ``width``."""

    name: str
    unit: str
    start: float
    width: float
    bins: int
    periodic: bool


class Well(StrictModel):
    """A region of a map around a peak of the reference, and which share of the frames is in it.

    Intervals of shares end at 0 and 1, also where an earlier version wrote others.
    """

    x: float
    y: float
    share: Estimate
    reference: Estimate

    @field_validator("share", "reference")
    @classmethod
    def _of_a_share(cls, share: Estimate) -> Estimate:
        if share.low is None or share.high is None:
            return share
        low, high = within(SHARE, share.low, share.high)
        return share.model_copy(update={"low": low, "high": high})


class Observed(StrictModel):
    """One quantity of an observable.

    ``kind`` is ``histogram`` (``values`` are a density, or g(r)), ``map`` (shares of the bins, row
    by row), ``curve`` or ``mean``.  ``reference`` says what it is compared with, None if there is
    nothing; ``exact`` is what theory says the mean must be.  ``notes`` are what must be known to
    read it.
    """

    observable: str
    quantity: str
    unit: str
    kind: Literal["histogram", "map", "curve", "mean"]
    axes: list[Axis]
    mean: Estimate | None
    values: list[float]
    reference: str | None
    reference_mean: Estimate | None
    reference_values: list[float]
    exact: float | None
    distances: list[Separation]
    wells: list[Well]
    notes: list[str]

    @property
    def distance(self) -> Separation | None:
        """The first of its distances: Hellinger's where there is one."""
        return self.distances[0] if self.distances else None
