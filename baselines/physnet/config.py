"""Settings of a PhysNet training."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from baselines.config import ModelConfig
from baselines.fields import Count, CountOrZero, Fraction, NotNegative, Positive, Several

ARCHITECTURE = (
    "features", "n_rbf", "modules", "residual_atomic", "residual_interaction", "residual_output",
    "r_cut", "lr_cut", "electrostatics", "dispersion", "d3", "total_charge",
)  # fmt: skip
"""The settings that make up the network and the energies beside it."""


class PhysNetConfig(ModelConfig):
    """Settings of a PhysNet training.

    Inside the model energies are in eV, lengths in Å and charges in e, as in the original
    implementation; the weights of the loss refer to these.

    Parameters
    ----------
    features, n_rbf, modules
        Width F of the atoms' features, radial functions K, and modules.
    residual_atomic, residual_interaction, residual_output
        Residual blocks that refine features, messages, and the features of the output.
    r_cut
        Cutoff of the network in Å; charges are damped below half of it.
    lr_cut
        Cutoff of electrostatics and dispersion in Å; None: every pair of atoms.
    electrostatics, dispersion
        Whether these energies are added.
    d3
        Fixed coefficients s6, s8, a1 and a2 (bohr) of D3(BJ); None: learned, from those of
        Hartree-Fock.
    total_charge
        Charge of the system in e, which the atoms' charges are corrected to.
    forces_weight, charge_weight, nh_weight
        Weights of the mean absolute errors of force components (eV/Å) and of the total charge
        (e), and of the penalty for contributions that do not fall from module to module; the
        mean absolute error of the energies (eV) has the weight 1.
    scale_by
        What the network's energies are multiplied by at first: the standard deviation of the
        training energies per atom, as in the original, or one.
    lr, lr_decay, lr_decay_steps
        Learning rate of AMSGrad at first, and the factor by which it falls, smoothly, in
        `lr_decay_steps` steps.
    clip_grad
        Norm that gradients are clipped to; None: they are not.
    ema_decay
        Decay of the moving average of the weights that is validated and kept.
    steps
        Steps of the training, rounded down to whole passes over the frames.
    eval_every
        Steps between validations; None: a pass over the frames.
    patience
        Validations in a row without a lower loss after which training ends; None: it does not.
    batch_size, valid_batch_size
        Frames per step of training, and of validation and prediction.
    jit_compile
        Whether XLA compiles the training step.
    """

    features: Several = 128
    n_rbf: Several = 64
    modules: Count = 5
    residual_atomic: CountOrZero = 2
    residual_interaction: CountOrZero = 3
    residual_output: CountOrZero = 1
    r_cut: Positive = 10.0
    lr_cut: Positive | None = None
    electrostatics: bool = True
    dispersion: bool = True
    d3: tuple[NotNegative, NotNegative, NotNegative, NotNegative] | None = None
    total_charge: float = 0.0
    forces_weight: NotNegative = 52.91772105638412
    charge_weight: NotNegative = 14.399645351950548
    nh_weight: NotNegative = 0.01
    scale_by: Literal["std", "one"] = "one"
    lr: Positive = 1e-3
    lr_decay: Annotated[float, Field(gt=0, le=1)] = 0.1
    lr_decay_steps: Count = 10_000_000
    clip_grad: Positive | None = 1000.0
    ema_decay: Fraction = 0.999
    steps: Count = 10_000_000
    eval_every: Count | None = None
    patience: Count | None = None
    batch_size: Count = 73
    valid_batch_size: Count = 50
    jit_compile: bool = True
    dtype: Literal["float32", "float64"] = "float32"
