"""The loss that the parameters of a classical potential are fitted to."""

from __future__ import annotations

from typing import Literal

import numpy as np

from baselines.config import ModelConfig
from baselines.fields import NotNegative
from baselines.predicted import Predicted
from baselines.toolkit.structures import volumes
from teadata import Frames
from teadata.typing import Floats


class WeightedConfig(ModelConfig):
    """Settings that the fits of all classical potentials have.

    The loss is the sum of three mean squares, each times its weight.

    Parameters
    ----------
    energy_weight
        Of the error of the energy per atom, in (kcal/mol)⁻².
    force_weight
        Of the error of a force component, in (kcal/mol/Å)⁻².
    stress_weight
        Of the error of a component of stress · volume per atom, in (kcal/mol)⁻²; frames
        without stress have no such term.
    """

    dtype: Literal["float64"] = "float64"
    energy_weight: NotNegative
    force_weight: NotNegative
    stress_weight: NotNegative


def weighted(values: Predicted, frames: Frames, config: WeightedConfig) -> Floats:
    """Join energies, forces and stress to one weighted vector, whose square is the loss.

    It is linear in the values: of errors it gives the loss, of labels and features the
    least-squares problem of what is linear in them.

    Parameters
    ----------
    values
        Of the N frames of A atoms.
    frames
        Those; stress counts if they have labels of it.
    config
        The weights.

    Returns
    -------
    (N + 3NA + 9N,), or without the last where there is no stress.
    """
    parts = [
        (config.energy_weight, values.energies / frames.n_atoms),
        (config.force_weight, values.forces.ravel()),
    ]
    volume = volumes(frames)
    if frames.stress is not None and values.stress is not None and volume is not None:
        virials = values.stress * volume[:, None, None] / frames.n_atoms
        parts.append((config.stress_weight, virials.ravel()))
    return np.concatenate([part * np.sqrt(weight / part.size) for weight, part in parts])


def labels(frames: Frames) -> Predicted:
    """Return the labels of frames as if they were predicted."""
    return Predicted(frames.energies, frames.forces, frames.stress)
