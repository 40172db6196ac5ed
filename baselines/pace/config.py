"""Settings of an atomic cluster expansion."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from baselines.config import ModelConfig
from baselines.fields import Count, CountOrZero, Positive


class PACEConfig(ModelConfig):
    """Settings of a linear atomic cluster expansion.

    Parameters
    ----------
    cutoff
        Å.
    radial
        Radial functions of each body order, from pairs on.
    angular
        Largest angular momentum of each body order; of pairs 0.
    functions
        Most basis functions per element; python-ace takes the simplest ones.
    decay
        Decay constant λ of the radial basis (ChebExpCos of python-ace).
    energy_weight
        Of squared errors of energies per atom, beside 1 for those of force components: Å².
    core
        Below the shortest distance of the training frames, times this, the potential goes over
        into the repulsion of Ziegler, Biersack and Littmark, within 0.1 Å.
    ridges
        Regularisations to search; the one of lowest force RMSE on the validation set is kept.
    """

    dtype: Literal["float64"] = "float64"
    cutoff: Positive
    radial: Annotated[list[Count], Field(min_length=1)]
    angular: Annotated[list[CountOrZero], Field(min_length=1)]
    functions: Count
    decay: Positive
    energy_weight: Positive
    core: Annotated[float, Field(gt=0, le=1)]
    ridges: Annotated[list[Positive], Field(min_length=1)]

    @model_validator(mode="after")
    def _orders(self) -> Self:
        if len(self.radial) != len(self.angular):
            raise ValueError(
                f"radial has {len(self.radial)} body orders, angular {len(self.angular)}: expected "
                "as many"
            )
        return self

    def potential(self, symbols: list[str]) -> dict[str, Any]:
        """Write the ``potential`` section of a pacemaker input: one linear density."""
        return {
            "deltaSplineBins": 0.001,
            "elements": symbols,
            "embeddings": {
                "ALL": {"npot": "FinnisSinclair", "fs_parameters": [1, 1], "ndensity": 1}
            },
            "bonds": {
                "ALL": {
                    "radbase": "ChebExpCos",
                    "radparameters": [self.decay],
                    "rcut": self.cutoff,
                    "dcut": 0.01,
                    "NameOfCutoffFunction": "cos",
                }
            },
            "functions": {
                "number_of_functions_per_element": self.functions,
                "ALL": {"nradmax_by_orders": self.radial, "lmax_by_orders": self.angular},
            },
        }
