"""The settings of an sGDML training."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from baselines.config import ModelConfig
from baselines.fields import Count, Fraction, Positive


class SGDMLConfig(ModelConfig):
    """Settings of an sGDML training.

    Parameters
    ----------
    sigmas
        Length scales to search, rising.
    lam
        Regularisation strength λ.
    symmetries
        Whether permutational symmetries are recovered from the training frames (sGDML) or
        not (GDML).
    solver
        ``"analytic"``: a Cholesky factorisation of the kernel matrix; ``"iterative"``:
        conjugate gradients with a Nyström preconditioner, which never hold that matrix.
    tolerance
        Relative residual at which the iterative solver stops; sgdml's default is 1e-4.
    preconditioner_memory
        GiB for the preconditioner of the iterative solver, from which sgdml derives how much
        of the kernel matrix it is built from.
    inducing
        Which columns of the kernel matrix that is: ``"leverage"``, drawn by their leverage
        scores, sgdml's default; or ``"frames"``, all columns of randomly drawn training
        frames, which saves two passes over the pairs of frames.
    """

    dtype: Literal["float64"] = "float64"
    sigmas: Annotated[list[Count], Field(min_length=1)]
    lam: Positive
    symmetries: bool
    solver: Literal["analytic", "iterative"] = "analytic"
    tolerance: Fraction = 1e-4
    preconditioner_memory: Positive = 4.0
    inducing: Literal["leverage", "frames"] = "leverage"

    @field_validator("sigmas")
    @classmethod
    def _rising(cls, sigmas: list[int]) -> list[int]:
        if sorted(set(sigmas)) != sigmas:
            raise ValueError("expected rising values without repetition")
        return sigmas
