"""What a simulation can start from: atoms in places, a calculator and what it gives, settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from teadata import units
from teadata.errors import UsageError
from teadata.typing import Floats
from teaeval.md.settings import Settings

if TYPE_CHECKING:
    from ase import Atoms

NO_STRESS = (NotImplementedError, AttributeError, KeyError, TypeError, ValueError)
"""What calculators raise instead of a stress: ASE's own error of a property that there is not, that
of an axis without a cell, and those of calculators that have none among their results, or None."""


def check_start(atoms: Atoms, calculator: Any, settings: Settings) -> None:
    """Refuse what would fail later, or would be simulated as something else.

    Raises
    ------
    UsageError
        If the settings are no :class:`Settings`, their friction is too large, the calculator is
        none of ASE's kind, there are no atoms, they are constrained, have no finite positions,
        velocities and masses above zero, or no cell along a periodic axis.
    """
    if not isinstance(settings, Settings):
        raise UsageError(
            f"settings: expected teaeval.md.Settings, found {type(settings).__name__}; a dict d "
            "becomes them by Settings(**d)"
        )
    check_friction(settings)
    if isinstance(calculator, type) or not hasattr(calculator, "get_forces"):
        found = f"the class {calculator.__name__}" if isinstance(calculator, type) else calculator
        raise UsageError(
            f"calculator: expected an ASE calculator, such as EMT(), found {found!s:.60}"
        )
    if not len(atoms):
        raise UsageError("atoms: expected one or more, found none")
    if atoms.constraints:
        kinds = ", ".join(type(one).__name__ for one in atoms.constraints)
        raise UsageError(
            f"atoms: expected no constraints, found {kinds}: every atom is moved here; "
            "atoms.set_constraint() removes them"
        )
    _check_numbers(atoms)
    missing = atoms.pbc & ~atoms.cell.any(axis=1)
    if missing.any():
        axes = ", ".join("abc"[i] for i in np.flatnonzero(missing))
        raise UsageError(
            f"atoms: periodic along {axes}, where the cell has no vector; set atoms.cell, or "
            "atoms.pbc = False for a molecule"
        )


def check_friction(settings: Settings) -> None:
    """Refuse a friction that is too large for the time step of ASE's Langevin dynamics.

    Raises
    ------
    UsageError
        If it stops atoms within a step: that is of second order in the two, and above one the
        temperature is another than the thermostat's.
    """
    if settings.thermostat == "langevin" and settings.friction_per_fs * settings.timestep > 1:
        raise UsageError(
            f"--friction: {settings.friction:g} {settings.friction_unit} stops atoms within "
            f"{1 / settings.friction_per_fs:.3g} fs, less than the time step of "
            f"{settings.timestep:g} fs, and the temperature would not be kept; expected at most "
            f"{1 / settings.timestep:g} 1/fs. If it is in 1/ps: --friction {settings.friction:g} "
            "--friction-unit 1/ps"
        )


def stress_of(atoms: Atoms) -> Floats:
    """Return the stress (3, 3) of atoms with a calculator, kcal/mol/Å³.

    Raises
    ------
    UsageError
        If the calculator gives none of this system, or none that is finite.
    """
    try:
        stress = np.asarray(atoms.get_stress(voigt=False) * units.EV, np.float64)
        reason = None if np.isfinite(stress).all() else "it is not finite"
    except NO_STRESS as error:
        reason = str(error) or type(error).__name__
    if reason is not None:
        raise UsageError(
            f"the calculator gives no stress of this system ({reason}); leave stress out, and "
            "--stress"
        )
    return stress


def _check_numbers(atoms: Atoms) -> None:
    """Refuse positions, momenta and masses that nothing can be moved with."""
    for name, values in (("positions", atoms.positions), ("momenta", atoms.get_momenta())):
        wrong = np.flatnonzero(~np.isfinite(values).all(axis=1))
        if len(wrong):
            raise UsageError(
                f"atoms: {name} of {len(wrong)} of {len(atoms)} atoms are not finite, the first is "
                f"atom {wrong[0]}; start from another structure"
            )
    masses = atoms.get_masses()
    if not (np.isfinite(masses) & (masses > 0)).all():
        atom = int(np.argmin(np.isfinite(masses) & (masses > 0)))
        raise UsageError(
            f"atoms: the mass of atom {atom} is {masses[atom]:g} u, expected above 0; "
            "atoms.set_masses() sets them"
        )
