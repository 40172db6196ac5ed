"""Settings of an ultra-fast potential."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from baselines.config import ModelConfig
from baselines.fields import Fraction, NotNegative, Positive

Intervals = Annotated[int, Field(ge=4)]


class UF3Config(ModelConfig):
    """Settings of a two- and three-body potential.

    Parameters
    ----------
    pair_cutoff
        Å.
    pair_intervals
        Intervals between the knots of the pair splines, from 0 to the cutoff.
    trio_cutoff
        Largest distance in Å of both neighbours from the atom between them; the third side of
        a triangle is at most twice that.  Not above `pair_cutoff`.
    trio_intervals
        Intervals between the knots of these distances; the third side has twice as many.
    weight
        Of energies beside forces and virials, from 0 (those only) to 1 (energies only): κ of
        uf3.
    ridge, curvature
        Regularisations of the coefficients and of their curvature, of pairs and of trios.
    """

    dtype: Literal["float64"] = "float64"
    pair_cutoff: Positive
    pair_intervals: Intervals
    trio_cutoff: Positive
    trio_intervals: Intervals
    weight: Fraction
    ridge: tuple[NotNegative, NotNegative]
    curvature: tuple[NotNegative, NotNegative]

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.trio_cutoff > self.pair_cutoff:
            raise ValueError(
                f"trio_cutoff {self.trio_cutoff:g} Å is above pair_cutoff {self.pair_cutoff:g} Å"
            )
        return self
