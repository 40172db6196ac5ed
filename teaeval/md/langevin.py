"""ASE's Langevin dynamics, without what its step does for constraints and parallel runs.

Constants, random numbers and the order of the two half steps are ASE's (Vanden-Eijnden and
Ciccotti, Chem. Phys. Lett. 429, 310, 2006); beside a calculator that takes 0.2 ms a step,
ASE's own step is a tenth of the time.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from ase.md.langevin import Langevin


class PlainLangevin(Langevin):  # type: ignore[misc]
    """Langevin dynamics of atoms that have no constraints, in this process alone."""

    def updatevars(self) -> None:
        """Set the constants of a step, ASE's and those made of them."""
        super().updatevars()
        self._pull = self.c1 / self.masses
        self._keep = 1 - self.c2
        self._inverse_masses = 1 / self.masses

    def step(self, forces: Any = None) -> Any:
        """Move the atoms by a step; give the forces after it, (A, 3) in eV/Å."""
        atoms, calculator = self.atoms, self.atoms.calc
        momenta = atoms.arrays["momenta"]
        if forces is None:
            forces = calculator.get_forces(atoms)
        velocities = momenta * self._inverse_masses
        kick, shift = self.rng.standard_normal((2, *momenta.shape))
        kick *= self.c3
        kick -= self.c4 * shift
        shift *= self.c5
        velocities *= self._keep
        velocities += self._pull * forces
        velocities += kick
        shift += self.dt * velocities
        atoms.arrays["positions"] += shift
        forces = calculator.get_forces(atoms)
        velocities *= self._keep
        velocities += self._pull * forces
        velocities += kick
        np.multiply(velocities, self.masses, out=momenta)
        return forces
