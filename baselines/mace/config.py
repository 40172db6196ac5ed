"""Settings of a MACE training, by the names of mace-torch's own arguments."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from baselines.config import ModelConfig
from baselines.fields import Count, CountOrZero, Fraction, NotNegative, Positive

Degree = Annotated[int, Field(ge=0, le=11)]
"""A degree of spherical harmonics that e3nn has."""

Interaction = Literal[
    "RealAgnosticInteractionBlock",
    "RealAgnosticResidualInteractionBlock",
    "RealAgnosticDensityInteractionBlock",
    "RealAgnosticDensityResidualInteractionBlock",
]


class MACEConfig(ModelConfig):
    """Settings of a MACE training.

    Every key but ``size`` and ``dtype`` is an argument of ``mace_run_train`` (mace-torch
    0.3.16) of that name, and has its meaning; energies are in eV there, lengths in Å.  The
    defaults are mace-torch's.

    Parameters
    ----------
    num_interactions
        Message-passing layers.
    num_channels, max_L
        Channels of the messages and their highest order: 128 and 2 are
        128x0e + 128x1o + 128x2e.
    max_ell
        Highest order of the spherical harmonics.
    correlation
        Correlation order of each layer; the body order is one more.
    r_max
        Cutoff in Å.
    num_radial_basis, num_cutoff_basis
        Bessel functions, and order p of the polynomial cutoff they are multiplied by.
    radial_MLP
        Hidden units of the layers of the radial network, which has SiLU non-linearities.
    interaction_first, interaction
        Blocks of the first and of the other layers; the residual ones have a self-connection.
    MLP_irreps, gate
        Hidden features of the last readout, and its non-linearity.
    E0s
        Energies of the elements: by least squares from the training frames.
    scaling
        What the energies of the atoms are scaled and shifted by.
    energy_weight, forces_weight
        Weights in the loss of the squared errors of the energy per atom (eV) and of the
        forces (eV/Å).
    lr, amsgrad, beta, weight_decay
        Of Adam: learning rate, whether in its AMSGrad variant, β₁, L2 penalty.
    ema_decay
        Decay of the exponential moving average of the weights that is validated and kept;
        None: no average.
    clip_grad
        Norm that gradients are clipped to; None: they are not.
    batch_size, valid_batch_size
        Frames per training step, and per step of validation and prediction.
    scheduler
        What lowers the learning rate: a plateau of the validation loss, or every epoch.
    lr_factor, scheduler_patience
        On a plateau: by which factor, and after how many epochs without improvement.
    lr_scheduler_gamma
        Every epoch: by which factor.
    patience
        Epochs without improvement of the validation loss after which training ends.
    max_num_epochs
        Epochs after which training ends.
    """

    num_interactions: Annotated[int, Field(ge=2)] = 2
    num_channels: Count
    max_L: Degree  # noqa: N815 -- mace-torch's name, as are the others
    max_ell: Degree = 3
    correlation: Count = 3
    r_max: Positive = 5.0
    num_radial_basis: Count = 8
    num_cutoff_basis: Count = 5
    radial_MLP: Annotated[tuple[Count, ...], Field(min_length=1)] = (64, 64, 64)  # noqa: N815
    interaction_first: Interaction = "RealAgnosticResidualInteractionBlock"
    interaction: Interaction = "RealAgnosticResidualInteractionBlock"
    MLP_irreps: Annotated[str, Field(pattern=r"^[1-9][0-9]*x0e$")] = "16x0e"
    gate: Literal["silu", "tanh", "abs"] = "silu"
    E0s: Literal["average"] = "average"
    scaling: Literal["rms_forces_scaling", "std_scaling"] = "rms_forces_scaling"
    energy_weight: NotNegative = 1.0
    forces_weight: NotNegative = 100.0
    lr: Positive = 0.01
    amsgrad: bool = True
    beta: Fraction = 0.9
    weight_decay: NotNegative = 5e-7
    ema_decay: Fraction | None = None
    clip_grad: Positive | None = 10.0
    batch_size: Count = 10
    valid_batch_size: Count = 10
    scheduler: Literal["ReduceLROnPlateau", "ExponentialLR"] = "ReduceLROnPlateau"
    lr_factor: Fraction = 0.8
    scheduler_patience: CountOrZero = 50
    lr_scheduler_gamma: Fraction = 0.9993
    patience: Count = 2048
    max_num_epochs: Count = 2048

    def arguments(self, seed: int, device: str) -> dict[str, Any]:
        """Return these settings as named arguments of ``mace_run_train``."""
        values = self.model_dump(exclude={"size", "dtype", "ema_decay"})
        values["radial_MLP"] = str(list(self.radial_MLP))
        if self.ema_decay is not None:
            values["ema_decay"] = self.ema_decay
        return values | {
            # With "MACE", mace-torch would take the self-connection out of the first layer.
            "model": "ScaleShiftMACE",
            "ema": self.ema_decay is not None,
            "default_dtype": self.dtype,
            "device": device,
            "seed": seed,
        }
