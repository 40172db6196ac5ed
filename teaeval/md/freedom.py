"""Degrees of freedom of a simulation: all, less the motions that it conserves.

A thermostat that rescales velocities, and NVE, keep a total momentum of zero; a system without
periodic axes also keeps an angular momentum of zero.  The kinetic energy of the rest is that of
3 A − 3 or 3 A − 6 degrees of freedom, and both the thermostat's target and the temperature are of
these.  Langevin dynamics exchanges both momenta with its bath: 3 A.

A momentum that is not zero would be kept too, or be rescaled for ever: a part of the kinetic energy
that belongs to no temperature.  So it is removed at the start.

The forces must add up to zero, and their torques where no axis is periodic, as those of any
potential do that depends on the distances between the atoms alone.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from teadata.typing import Floats
from teaeval.md.settings import Settings
from teaeval.observables.thermodynamics import Removed


def removed_motion(settings: Settings, atoms: int, periodic: bool) -> Removed:
    """Which motion of all atoms together has no temperature, as :func:`degrees_of_freedom` counts.

    Parameters
    ----------
    settings
        Of the simulation; the thermostat is asked for.
    atoms
        Number of atoms.
    periodic
        Whether any axis is periodic.
    """
    if settings.thermostat == "langevin" or atoms == 1:
        return "nothing"
    return "translation" if periodic else "translation and rotation"


def degrees_of_freedom(settings: Settings, atoms: int, periodic: bool) -> int:
    """Count the degrees of freedom that have a temperature.

    Parameters
    ----------
    settings
        Of the simulation; the thermostat is asked for.
    atoms
        Number of atoms, A.
    periodic
        Whether any axis is periodic.

    Returns
    -------
    int
        3 A for Langevin dynamics and for a single atom; otherwise 3 A − 3 if periodic, and
        3 A − 6 if not, or 1 for two atoms, which have no rotation about their axis.
    """
    if settings.thermostat == "langevin" or atoms == 1:
        return 3 * atoms
    if periodic:
        return 3 * atoms - 3
    return 1 if atoms == 2 else 3 * atoms - 6


def remove_kept_motion(
    momenta: ArrayLike, positions: ArrayLike, masses: ArrayLike, periodic: bool
) -> Floats:
    """Remove total momentum, and without periodic axes angular momentum, from momenta.

    Momenta drawn from the canonical distribution are then drawn from that of the degrees of
    freedom that are left, so they are not scaled up again.

    Parameters
    ----------
    momenta, positions
        (A, 3), in any units.
    masses
        (A,)
    periodic
        Whether any axis is periodic: then the angular momentum is not kept anyway.

    Returns
    -------
    array
        (A, 3)
    """
    p, weights = np.asarray(momenta, dtype=np.float64), np.asarray(masses, dtype=np.float64)
    if len(p) == 1:
        return p.copy()
    shares = weights[:, None] / weights.sum()
    left: Floats = p - shares * p.sum(axis=0)
    if periodic:
        return left
    x = np.asarray(positions, dtype=np.float64)
    x = x - (shares * x).sum(axis=0)
    moments = np.einsum("a,ai,aj->ij", weights, x, x)
    inertia = np.trace(moments) * np.eye(3) - moments
    # Atoms on a line have no rotation about it: the pseudoinverse leaves that out.
    spin = np.linalg.pinv(inertia, rcond=1e-10, hermitian=True) @ np.cross(x, left).sum(axis=0)
    left -= weights[:, None] * np.cross(spin, x)
    return left
