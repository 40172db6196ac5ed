"""Settings of an SO3krates training."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from baselines.config import ModelConfig
from baselines.fields import Count, Fraction, NotNegative, Positive

Degree = Annotated[int, Field(ge=1, le=4)]

CutoffFunction = Literal["cosine", "phys", "polynomial", "exponential"]

ARCHITECTURE = (
    "features", "layers", "degrees", "heads", "r_cut", "n_rbf", "cutoff_fn", "residual_mlp_1",
    "residual_mlp_2", "layer_normalization", "sphc_normalization", "zbl",
)  # fmt: skip
"""The settings that make up the network."""


class SO3kratesConfig(ModelConfig):
    """Settings of an SO3krates training.

    Inside the network energies are in eV and lengths in Å, as in the original implementation;
    the weights of the loss refer to these.

    Parameters
    ----------
    features, layers
        Width F of the atoms' features, and how many times they are updated.
    degrees
        Degrees of the Euclidean variables, each at most 4; they share the features evenly.
    heads
        Heads of the attention on features; they share these evenly.
    r_cut
        Cutoff in Å.
    n_rbf
        Radial functions.
    cutoff_fn
        What goes to zero at the cutoff: half a cosine (once continuously differentiable),
        PhysNet's or DimeNet's polynomial (twice), or an exponential (smooth).
    residual_mlp_1, residual_mlp_2
        Whether a residual MLP follows the attention block, and the update block.
    layer_normalization
        Whether features are normalised before both blocks.
    sphc_normalization
        Divisor of the sum over neighbours that the Euclidean variables start from; None: they
        start at zero.
    zbl
        Whether a screened nuclear repulsion, whose constants are learned, is added.
    energy_weight, forces_weight
        Weights of the mean squared errors of energies (eV) and of force components (eV/Å).
    shift_by
        What is taken off the energies: their mean, divided evenly among the atoms; energies of
        the elements by least squares; or those given as `shifts`.
    shifts
        Energies of the elements in kcal/mol by atomic number, for ``shift_by: atomic_number``.
    lr, lr_decay, lr_decay_steps
        Learning rate of Adam at first, and the factor by which it falls, smoothly, in
        `lr_decay_steps` steps.
    lr_stop
        Training ends when the learning rate gets here; None: it does not.
    clip_grad
        Norm that gradients are clipped to; None: they are not.
    ema_decay
        Decay of the moving average of the weights that is validated and kept; None: no average.
    steps
        Steps of the training, rounded down to whole passes over the frames.
    eval_every
        Steps between validations; None: a pass over the frames.
    batch_size, valid_batch_size
        Frames per step of training, and of validation and prediction.
    buckets
        Lengths of padded neighbour lists that the training step is compiled for, at most.
    allow_tf32
        Whether a GPU may round the factors of matrix products to ten bits, as JAX does by
        default; for reproducing what that does.
    """

    features: Count = 128
    layers: Count = 3
    degrees: Annotated[tuple[Degree, ...], Field(min_length=1)] = (1, 2, 3, 4)
    heads: Count = 4
    r_cut: Positive = 5.0
    n_rbf: Count = 32
    cutoff_fn: CutoffFunction = "cosine"
    residual_mlp_1: bool = False
    residual_mlp_2: bool = False
    layer_normalization: bool = False
    sphc_normalization: Positive | None = None
    zbl: bool = False
    energy_weight: NotNegative = 1.0
    forces_weight: NotNegative = 1000.0
    shift_by: Literal["mean", "lse", "atomic_number"] = "mean"
    shifts: dict[int, float] | None = None
    lr: Positive = 1e-3
    lr_decay: Annotated[float, Field(gt=0, le=1)] = 0.7
    lr_decay_steps: Count = 100_000
    lr_stop: Positive | None = 1e-5
    clip_grad: Positive | None = None
    ema_decay: Fraction | None = None
    steps: Count = 1_000_000
    eval_every: Count | None = None
    batch_size: Count = 1
    valid_batch_size: Count = 10
    buckets: Count = 3
    allow_tf32: bool = False
    dtype: Literal["float32", "float64"] = "float32"

    @model_validator(mode="after")
    def _features_are_shared(self) -> Self:
        for name, parts in (("heads", self.heads), ("degrees", len(self.degrees)), ("four", 4)):
            if self.features % parts:
                raise ValueError(
                    f"features is {self.features}, expected a multiple of {parts} ({name})"
                )
        if list(self.degrees) != sorted(set(self.degrees)):
            raise ValueError(f"degrees are {list(self.degrees)}, expected rising ones")
        if (self.shifts is not None) != (self.shift_by == "atomic_number"):
            raise ValueError("shifts: expected with shift_by atomic_number, and only then")
        if not self.energy_weight + self.forces_weight:
            raise ValueError("energy_weight and forces_weight are both 0; nothing is fitted")
        return self
