"""ASE's integrators, with a state that can be saved and restored."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from teadata.errors import MissingExtraError
from teaeval.md.freedom import remove_kept_motion
from teaeval.md.settings import Settings

try:
    from ase import units
except ImportError:
    raise MissingExtraError("ase", "md", "molecular dynamics") from None

if TYPE_CHECKING:
    from ase import Atoms

CHAIN = 3
"""Length of the Nosé–Hoover chain."""


class Integrator:
    """One of ASE's integrators on some atoms.

    Parameters
    ----------
    atoms
        With positions, momenta and a calculator; changed by every step.
    settings
        Thermostat, temperature, time step and seed.
    freedom
        Degrees of freedom that the thermostat heats; see
        :func:`teaeval.md.freedom.degrees_of_freedom`.
    """

    def __init__(self, atoms: Atoms, settings: Settings, freedom: int) -> None:
        self.atoms = atoms
        self.settings, self.rng = settings, np.random.default_rng([settings.seed, 1])
        self._dynamics = _dynamics(atoms, settings, freedom, self.rng)
        self.step: Callable[[Any], Any] = self._dynamics.step
        if settings.thermostat == "nose-hoover":
            self.step = self._chain

    def _chain(self, forces: Any) -> None:
        """A step of the integrator that does not take forces, but asks the atoms for them."""
        self._dynamics.step()

    def state(self) -> dict[str, Any]:
        """The state to save: positions, momenta, random numbers and thermostat, as arrays."""
        state = {
            "positions": self.atoms.positions.copy(),
            "momenta": self.atoms.get_momenta(),
            "rng": np.array(json.dumps(self.rng.bit_generator.state)),
        }
        if chain := getattr(self._dynamics, "_thermostat", None):
            state |= {"eta": chain._eta.copy(), "p_eta": chain._p_eta.copy()}
        return state

    def restore(self, state: dict[str, Any]) -> None:
        """Restore a saved state."""
        self.atoms.set_positions(state["positions"])
        self.atoms.set_momenta(state["momenta"])
        self.rng.bit_generator.state = json.loads(str(state["rng"]))
        if self.settings.thermostat == "langevin":
            self._dynamics.restart()
        if chain := getattr(self._dynamics, "_thermostat", None):
            self._dynamics._q[:] = state["positions"]
            self._dynamics._p[:] = state["momenta"]
            chain._eta[:], chain._p_eta[:] = state["eta"], state["p_eta"]


def _dynamics(atoms: Atoms, settings: Settings, freedom: int, rng: Any) -> Any:
    dt = settings.timestep * units.fs
    if settings.thermostat == "langevin":
        from teaeval.md.langevin import PlainLangevin

        return PlainLangevin(
            atoms,
            dt,
            temperature_K=settings.temperature,
            friction=settings.friction_per_fs / units.fs,
            fixcm=False,
            rng=rng,
            block=settings.checkpoint,
        )
    if settings.thermostat == "bussi":
        from ase.md.bussi import Bussi

        relaxation = settings.relaxation * units.fs
        rescaling = Bussi(atoms, dt, settings.temperature, relaxation, rng=rng)
        # ASE counts 3 A, less what constraints hold; momenta that are kept are none to it
        rescaling.ndof = freedom
        rescaling.target_kinetic_energy = freedom * units.kB * settings.temperature / 2
        return rescaling
    if settings.thermostat == "nose-hoover":
        from ase.md.nose_hoover_chain import NoseHooverChainNVT, NoseHooverChainThermostat

        relaxation = settings.relaxation * units.fs
        chain = NoseHooverChainNVT(atoms, dt, settings.temperature, relaxation, tchain=CHAIN)
        # ASE's chain heats 3 degrees of freedom for each atom that it is told of
        chain._thermostat = NoseHooverChainThermostat(
            num_atoms_global=freedom / 3,
            masses=atoms.get_masses()[:, None],
            temperature_K=settings.temperature,
            tdamp=relaxation,
            tchain=CHAIN,
        )
        return chain
    from ase.md.verlet import VelocityVerlet

    return VelocityVerlet(atoms, dt)


def start_moving(atoms: Atoms, settings: Settings) -> None:
    """Give atoms that do not move velocities of the Maxwell–Boltzmann distribution.

    But for Langevin dynamics, motion that the simulation would keep is then removed, also from
    velocities that the atoms have: see :mod:`teaeval.md.freedom`.
    """
    masses = atoms.get_masses()
    momenta = atoms.get_momenta()
    if not momenta.any():
        rng = np.random.default_rng([settings.seed, 0])
        momenta = rng.standard_normal((len(atoms), 3))
        momenta *= np.sqrt(masses[:, None] * units.kB * settings.temperature)
    if settings.thermostat != "langevin":
        periodic = bool(atoms.pbc.any())
        momenta = remove_kept_motion(momenta, atoms.positions, masses, periodic)
    atoms.set_momenta(momenta)
