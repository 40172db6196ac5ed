"""Energies of the elements, which are taken off what the network learns."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from baselines.so3krates.config import SO3kratesConfig
from baselines.toolkit.composition import least_norm_energies, symbols
from teadata import Frames
from teadata.errors import DataError

Floats = NDArray[np.float64]


def element_energies(config: SO3kratesConfig, train: Frames) -> tuple[list[int], Floats]:
    """Elements of the training frames, and their energies in kcal/mol, in float64.

    Raises
    ------
    DataError
        If the energy of an element is to be given and is not.
    """
    elements, counts = np.unique(train.numbers, return_counts=True)
    if config.shift_by == "mean":
        mean = train.energies.mean()
        return elements.tolist(), np.full(len(elements), mean / counts.sum())
    if config.shift_by == "lse":
        return elements.tolist(), least_norm_energies(train, elements.tolist())
    shifts = config.shifts or {}
    missing = [z for z in elements.tolist() if z not in shifts]
    if missing:
        raise DataError(
            f"shifts: no energy of {symbols(missing)}, of which the training frames have atoms"
        )
    return elements.tolist(), np.array([shifts[z] for z in elements.tolist()])
