"""Errors as Tables SI 7 and SI 8 of the TEA Challenge report them.

For a quantity with reference values r and predictions p over a test set:

* MAE, RMSE and MAX are of p − r, in the unit of the quantity;
* Table SI 7 divides them by the mean of the absolute r, Table SI 8 by the standard deviation of r
  (the population's), both times 100.

Forces enter by component, not as vector norms.  Energies are compared as they are, with no
offset removed; the energy that normalises Table SI 7 is relative to the lowest of the test
set, ``r − min(r)``.

Source: Poltavsky et al., Chem. Sci. 16, 3720 (2025), Supporting Information, section 6.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from teadata.errors import UsageError
from teadata.typing import Floats


@dataclass(frozen=True)
class Errors:
    """Mean absolute, root mean square and maximum absolute error, and what normalises them.

    Parameters
    ----------
    mae, rmse, max
        In the unit of the quantity.
    mean_reference
        Mean absolute reference value, the normaliser of Table SI 7.
    std_reference
        Standard deviation of the reference values, the normaliser of Table SI 8.
    count
        Number of values compared.
    """

    mae: float
    rmse: float
    max: float
    mean_reference: float
    std_reference: float
    count: int


def errors(predicted: Floats, reference: Floats, *, relative: bool = False) -> Errors:
    """Errors of predicted against reference values of any, equal, shape.

    Parameters
    ----------
    predicted, reference
        Values in the same unit.
    relative
        Whether the mean of the reference is taken relative to its lowest value, as for
        total energies.

    Raises
    ------
    UsageError
        If they are no arrays of numbers, the shapes differ, or there is no value.
    """
    try:
        predicted, reference = (np.asarray(x, dtype=np.float64) for x in (predicted, reference))
    except (TypeError, ValueError):
        raise UsageError("expected two arrays of numbers: predicted and reference") from None
    if predicted.shape != reference.shape or reference.size == 0:
        raise UsageError(
            f"expected equal, non-empty shapes, found {predicted.shape} and {reference.shape}"
        )
    difference = np.abs(predicted - reference)
    largest = float(difference.max())
    scaled = difference / (largest or 1.0)  # squares of any finite error stay finite
    magnitude = reference - reference.min() if relative else np.abs(reference)
    return Errors(
        mae=float(difference.mean()),
        rmse=largest * float(np.sqrt(np.mean(scaled**2))),
        max=largest,
        mean_reference=float(magnitude.mean()),
        std_reference=float(reference.std()),
        count=reference.size,
    )


def net_forces(forces: Floats, molecules: Sequence[Sequence[int]]) -> Floats:
    """Net force on each molecule of a group.

    Parameters
    ----------
    forces
        (N, A, 3) in kcal/mol/Å.
    molecules
        Atom indices of each of the M molecules.

    Returns
    -------
    Floats
        (N, M, 3) in kcal/mol/Å.
    """
    return np.stack([forces[:, list(atoms)].sum(axis=1) for atoms in molecules], axis=1)
