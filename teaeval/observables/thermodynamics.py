"""Temperature and pressure."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from teadata.errors import DataError
from teadata.frames import cell_volumes
from teadata.typing import Floats
from teadata.units import BOLTZMANN, KINETIC
from teaeval.observables.arrays import (
    checked_cells,
    checked_masses,
    checked_positions,
    numbers_of,
)

Removed = Literal["nothing", "translation", "translation and rotation"]


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
    weights = checked_masses(masses, speeds.shape[1])
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
    tensor = numbers_of(stress, "stress")
    if tensor.ndim != 3 or tensor.shape[1:] != (3, 3) or not len(tensor):
        raise DataError(f"stress has shape {tensor.shape}; expected (frames, 3, 3)")
    if not (finite := np.isfinite(tensor).all(axis=(1, 2))).all():
        raise DataError(f"stress of {int((~finite).sum())} of {len(tensor)} frames is not finite")
    volume = cell_volumes(checked_cells(cell, len(tensor)))
    kelvin = np.asarray(temperatures, dtype=np.float64)
    if kelvin.shape not in ((), (len(tensor),)):
        raise DataError(
            f"temperatures have shape {kelvin.shape}; expected one, or ({len(tensor)},)"
        )
    virial = -np.trace(tensor, axis1=1, axis2=2) / 3
    found: Floats = atoms * BOLTZMANN * kelvin / volume + virial
    return found


def freedom_by_atom(positions: ArrayLike, masses: ArrayLike, removed: Removed) -> Floats:
    """Degrees of freedom of each atom in each frame, (N, A), less its share in removed motion.

    In coordinates √m x the motions of all atoms together span a space: three translations, and
    three rotations (two of a line).  With P the projector onto it, an atom has 3 − tr P of its own
    three coordinates: 3 − 3 m/M for the translations, and for the rotations another
    m tr([x]ᵀ I⁻¹ [x]) = m (x² tr I⁻¹ − x·I⁻¹ x), where x is from the centre of mass, I the tensor
    of inertia and [x] the matrix of the cross product.  Added up, they are those that
    :func:`temperature` divides by.  Equipartition gives each atom its degrees of freedom times
    k T/2.

    Parameters
    ----------
    positions
        (N, A, 3) in Å; of molecules whole, where rotation is removed.
    masses
        (A,) in u.
    removed
        What the velocities lack: ``nothing``, ``translation``, or ``translation and rotation``.
    """
    places, weights = checked_positions(positions), np.asarray(masses, dtype=np.float64)
    found = np.full(places.shape[:2], 3.0)
    if removed == "nothing":
        return found
    shares = weights / weights.sum()
    found -= 3 * shares
    if removed == "translation":
        return found
    x = places - np.einsum("a,nai->ni", shares, places)[:, None]
    moments = np.einsum("a,nai,naj->nij", weights, x, x)
    inertia = np.trace(moments, axis1=1, axis2=2)[:, None, None] * np.eye(3) - moments
    inverse = np.linalg.pinv(inertia, rcond=1e-10, hermitian=True)
    lengths = (x**2).sum(axis=2) * np.trace(inverse, axis1=1, axis2=2)[:, None]
    found -= weights * (lengths - np.einsum("nai,nij,naj->na", x, inverse, x))
    return found
