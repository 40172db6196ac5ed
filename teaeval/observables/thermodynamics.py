"""Temperature and pressure."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from teadata.errors import DataError
from teadata.frames import cell_volumes
from teadata.typing import Floats
from teadata.units import BOLTZMANN, KINETIC
from teaeval.observables.arrays import checked_cells, checked_positions


def temperature(velocities: ArrayLike, masses: ArrayLike, *, removed: int = 0) -> Floats:
    """Temperature of each frame, (N,) in K: twice the kinetic energy by degrees of freedom and k.

    Parameters
    ----------
    velocities
        (N, A, 3) in Å/fs.
    masses
        (A,) in u.
    removed
        Degrees of freedom that do not move: 3 where the centre of mass is held.

    Raises
    ------
    DataError
        If the arrays do not fit each other, or no degree of freedom is left.
    """
    speeds = checked_positions(velocities, "velocities")
    weights = np.asarray(masses, dtype=np.float64)
    if weights.shape != speeds.shape[1:2]:
        raise DataError(f"masses have shape {weights.shape}; expected ({speeds.shape[1]},)")
    freedom = 3 * len(weights) - removed
    if not 0 < freedom <= 3 * len(weights):
        raise DataError(f"{removed} of {3 * len(weights)} degrees of freedom removed")
    kinetic = np.einsum("a,nai,nai->n", weights, speeds, speeds)
    found: Floats = KINETIC * kinetic / (freedom * BOLTZMANN)
    return found


def pressure(
    stress: ArrayLike,
    cell: ArrayLike,
    atoms: int,
    temperatures: ArrayLike,
) -> Floats:
    """Pressure of each frame, (N,) in kcal/mol/Å³; by :data:`teadata.units.GIGAPASCAL` in GPa.

    The ideal part N k T/V, and the virial, minus a third of the trace of the stress.

    Parameters
    ----------
    stress
        (N, 3, 3) in kcal/mol/Å³, ∂E/∂ε per volume as in ASE: negative under compression.
    cell
        (3, 3) or (N, 3, 3) in Å.
    atoms
        Number of atoms in the cell.
    temperatures
        K: (N,) of each frame, see :func:`temperature`, or one, the thermostat's.

    Raises
    ------
    DataError
        If the arrays do not fit each other.
    """
    tensor = np.asarray(stress, dtype=np.float64)
    if tensor.ndim != 3 or tensor.shape[1:] != (3, 3) or not len(tensor):
        raise DataError(f"stress has shape {tensor.shape}; expected (frames, 3, 3)")
    volume = cell_volumes(checked_cells(cell, len(tensor)))
    kelvin = np.asarray(temperatures, dtype=np.float64)
    if kelvin.shape not in ((), (len(tensor),)):
        raise DataError(
            f"temperatures have shape {kelvin.shape}; expected one, or ({len(tensor)},)"
        )
    virial = -np.trace(tensor, axis1=1, axis2=2) / 3
    found: Floats = atoms * BOLTZMANN * kelvin / volume + virial
    return found
