"""Settings of an FCHL19* training."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from baselines.config import ModelConfig
from baselines.fields import Count, NotNegative, Positive


class FCHLConfig(ModelConfig):
    """Settings of an FCHL19* training.

    The representation's settings have the names and defaults of qmllib's ``generate_fchl19``,
    but for the cutoffs; the others are those of QML-Lightning.

    Parameters
    ----------
    nRs2, nRs3
        Radial grid points of the two- and three-body parts.
    eta2, eta3
        Widths of the two-body log-normal (Å²) and of the three-body Gaussian (Å⁻²).
    rcut, acut
        Cutoffs of the two- and three-body parts in Å.
    two_body_decay, three_body_decay
        Exponents of the distances that damp the two parts.
    three_body_weight
        NotNegative of the three-body part.
    npcas
        Dimensions that each element's representation is projected on, d: a power of two.
    nstacks
        Random blocks of d features; there are nstacks · npcas features, N_f.
    ntransforms
        Products of a random diagonal and a Hadamard matrix in a block: with one, as published,
        the kernel is a product of cosines; with more it tends to a Gaussian.
    sigmas
        Widths of the kernel to choose from, on the validation frames.
    lambdas
        Regularisations to choose from, on the validation frames.
    search_size
        Training frames that the widths are compared with; None: all of them.
    solver
        Singular values of the rows, which one decomposition gives for all lambdas, or one
        Cholesky factorisation for each.
    fit_energies
        Whether energies are fitted beside the forces.  Without them, the constant of the energy
        is undetermined: see docs/baselines/fchl.md.
    batch_size
        Frames whose rows are made at once.
    backend
        Who calculates: torch, here, or the CUDA kernels of QML-Lightning, where that package is
        installed: in float32, with one cutoff and a power of two of features.
    """

    LATER: ClassVar = frozenset({"backend"})

    nRs2: Count = 24  # noqa: N815 -- qmllib's name, as is the next
    nRs3: Count = 20  # noqa: N815
    eta2: Positive = 0.32
    eta3: Positive = 2.7
    rcut: Positive = 6.0
    acut: Positive = 6.0
    two_body_decay: NotNegative = 1.8
    three_body_decay: NotNegative = 0.57
    three_body_weight: Positive = 13.4
    npcas: Count = 128
    nstacks: Count
    ntransforms: Count = 1
    sigmas: Annotated[tuple[Positive, ...], Field(min_length=1)]
    lambdas: Annotated[tuple[Positive, ...], Field(min_length=1)]
    search_size: Count | None = None
    solver: Literal["svd", "cholesky"] = "cholesky"
    fit_energies: bool = True
    batch_size: Count = 8
    backend: Literal["torch", "qml-lightning"] = "torch"

    @property
    def features(self) -> int:
        """Number of random features, N_f."""
        return self.nstacks * self.npcas

    @model_validator(mode="after")
    def _power_of_two(self) -> Self:
        if self.npcas & (self.npcas - 1):
            raise ValueError(
                f"npcas is {self.npcas}, expected a power of two: the Hadamard transform has no "
                "other sizes"
            )
        return self

    @model_validator(mode="after")
    def _as_the_kernels_are(self) -> Self:
        if self.backend == "torch":
            return self
        if self.dtype != "float32":
            raise ValueError(f"backend is {self.backend}, expected dtype float32 with it")
        if self.rcut != self.acut:
            raise ValueError(
                f"backend is {self.backend}, which has one cutoff; expected rcut and acut to be "
                f"the same, found {self.rcut:g} and {self.acut:g}"
            )
        if self.nstacks & (self.nstacks - 1):
            raise ValueError(
                f"backend is {self.backend}; expected nstacks to be a power of two with it, found "
                f"{self.nstacks}"
            )
        return self
