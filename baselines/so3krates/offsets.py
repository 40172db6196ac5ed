"""Energies of the elements, which are taken off what the network learns."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from baselines.so3krates.config import SO3kratesConfig
from teadata import Frames
from teadata.elements import SYMBOLS
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
    mean = train.energies.mean()
    if config.shift_by == "mean":
        return elements.tolist(), np.full(len(elements), mean / counts.sum())
    if config.shift_by == "lse":
        # Of one composition the solution of least norm
        solution = np.linalg.lstsq(counts[None].astype(float), np.array([mean]), rcond=None)[0]
        return elements.tolist(), solution
    shifts = config.shifts or {}
    missing = [z for z in elements.tolist() if z not in shifts]
    if missing:
        raise DataError(
            f"shifts: no energy of {symbols(missing)}, of which the training frames have atoms"
        )
    return elements.tolist(), np.array([shifts[z] for z in elements.tolist()])


def composition_energy(frames: Frames, elements: list[int], energies: Floats) -> float:
    """Sum of the elements' energies over the atoms of a frame, in kcal/mol.

    Raises
    ------
    DataError
        If an atom's element is not among them.
    """
    unknown = sorted(set(frames.numbers.tolist()) - set(elements))
    if unknown:
        raise DataError(
            f"this SO3krates model was trained on {symbols(elements)} and knows nothing of "
            f"{symbols(unknown)}, of which these frames of {frames.formula} have atoms"
        )
    places = np.searchsorted(elements, frames.numbers)
    return float(energies[places].sum())


def symbols(numbers: list[int]) -> str:
    """Symbols of elements, in words."""
    return ", ".join(SYMBOLS[z] for z in numbers)
