"""Elements that a model was trained on, and the energies that are theirs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from teadata import Frames
from teadata.elements import SYMBOLS
from teadata.errors import DataError
from teadata.typing import Floats


def symbols(numbers: Sequence[int]) -> str:
    """Join the symbols of elements, for a sentence."""
    return ", ".join(SYMBOLS[z] for z in numbers)


def element_index(frames: Frames, elements: Sequence[int], model: str) -> NDArray[np.int64]:
    """Find the place of each atom's element in a model's list of elements, (A,).

    Raises
    ------
    DataError
        If an atom's element is not in it.
    """
    numbers = frames.numbers.tolist()
    unknown = sorted(set(numbers) - set(elements))
    if unknown:
        raise DataError(
            f"this {model} model was trained on {symbols(elements)} and knows nothing of "
            f"{symbols(unknown)}, of which these frames of {frames.formula} have atoms"
        )
    place = {z: k for k, z in enumerate(elements)}
    return np.array([place[z] for z in numbers], dtype=np.int64)


def composition_energy(
    frames: Frames, elements: Sequence[int], energies: Floats, model: str
) -> float:
    """Sum the elements' energies (E,) over the atoms of a frame, in their unit, in float64.

    Raises
    ------
    DataError
        If an atom's element is not among them.
    """
    return float(energies[element_index(frames, elements, model)].sum())


def least_norm_energies(frames: Frames, elements: Sequence[int]) -> Floats:
    """Fit energies (E,) of the elements in kcal/mol: the least squares of least norm.

    With one composition their sum over the atoms is the mean energy.
    """
    counts = np.array([[(frames.numbers == z).sum() for z in elements]], dtype=np.float64)
    energies: Floats = np.linalg.lstsq(counts, np.array([frames.energies.mean()]), rcond=None)[0]
    return energies
