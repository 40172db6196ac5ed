"""The rows of a score's record, and what its intervals are over."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from teadata.errors import DataError
from teadata.output.display import Shown
from teadata.schema import StrictModel
from teaeval.metrics.definitions import Errors
from teaeval.metrics.uncertainty import ErrorIntervals
from teaeval.resampling import LEVEL, Resampling, Unit


def unit_of(quantity: str) -> str:
    """Unit of a quantity of the tables."""
    return "kcal/mol" if quantity == "E" else "kcal/mol/Å"


class Bootstrap(StrictModel):
    """How the intervals were computed: level, method, units, and random draws with their seed.

    By ``jackknife``, only the intervals of MAX are percentiles of ``replicates`` bootstrap
    samples.  By ``percentile``, as in older scores, all intervals are.
    """

    level: float
    replicates: int
    seed: int
    unit: Unit
    units: int
    method: Literal["percentile", "jackknife"] = "percentile"

    @classmethod
    def of(cls, draws: Resampling) -> Bootstrap:
        """Describe the units of a test set and what is drawn of them."""
        return cls(
            level=LEVEL,
            replicates=draws.replicates,
            seed=draws.seed,
            unit=draws.kind,
            units=draws.count,
            method="jackknife",
        )


class Row(Shown, StrictModel):
    """Errors of one quantity, in its unit and normalised as in the published tables.

    ``mae``, ``rmse`` and ``max`` are in ``unit``.  ``*_percent_mean`` are Table SI 7's: 100
    times the error over ``mean_reference``; ``*_percent_std`` are Table SI 8's: over
    ``std_reference``.  They are None where the normaliser is 0.  ``*_interval`` are in
    ``unit``; None where none was asked for, or where there is only one unit to tell the scatter.
    """

    quantity: str
    unit: str
    count: int
    mean_reference: float
    std_reference: float
    mae: float
    rmse: float
    max: float
    mae_percent_mean: float | None
    rmse_percent_mean: float | None
    max_percent_mean: float | None
    mae_percent_std: float | None
    rmse_percent_std: float | None
    max_percent_std: float | None
    mae_interval: tuple[float, float] | None
    rmse_interval: tuple[float, float] | None
    max_interval: tuple[float, float] | None

    def _fields(self) -> dict[str, object]:
        numbers = {name: f"{getattr(self, name):.3g}" for name in ("mae", "rmse", "max")}
        return {"quantity": self.quantity, "unit": self.unit, **numbers}

    def flat(self) -> dict[str, object]:
        """The fields by name, the limits of an interval as two of them."""
        fields: dict[str, object] = {}
        for name, value in self:
            if name.endswith("_interval"):
                measure = name.removesuffix("_interval")
                fields[f"{measure}_low"], fields[f"{measure}_high"] = value or (None, None)
            else:
                fields[name] = value
        return fields

    @classmethod
    def of(cls, quantity: str, errors: Errors, limits: ErrorIntervals | None) -> Row:
        """Make the row of a quantity from its errors and their intervals.

        Raises
        ------
        DataError
            If an error is too large to be a number.
        """
        if not all(np.isfinite(value) for value in vars(errors).values()):
            raise DataError(
                f"the errors of {quantity} are too large to be computed (MAE {errors.mae}, MAX "
                f"{errors.max}); look at the prediction's largest values"
            )
        intervals: dict[str, Any] = {
            f"{name}_interval": None if limits is None else getattr(limits, name)
            for name in ("mae", "rmse", "max")
        }
        percent: dict[str, Any] = {
            f"{name}_percent_{kind}": 100 * getattr(errors, name) / normaliser
            if normaliser
            else None
            for kind, normaliser in (
                ("mean", errors.mean_reference),
                ("std", errors.std_reference),
            )
            for name in ("mae", "rmse", "max")
        }
        return cls(
            quantity=quantity,
            unit=unit_of(quantity),
            **vars(errors),
            **percent,
            **intervals,
        )
