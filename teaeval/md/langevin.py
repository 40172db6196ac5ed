"""ASE's Langevin dynamics, without what its step does for constraints and parallel runs.

Constants, random numbers and the order of the two half steps are ASE's (Vanden-Eijnden and
Ciccotti, Chem. Phys. Lett. 429, 310, 2006).  Beside a calculator that takes 0.2 ms a step, ASE's
own step is a tenth of the time.  Here the random numbers of many steps are drawn at once, arrays
are as large as the momenta, so that nothing is broadcast, and are used again in every step.  All is
in units of momenta: the shift of the positions is a momentum too, that the second half of the step
takes away again.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from ase.md.langevin import Langevin

AHEAD = 1 << 14
"""Random numbers that are drawn at once, about."""


class PlainLangevin(Langevin):  # type: ignore[misc]
    """Langevin dynamics of atoms that have no constraints, in this process alone.

    Parameters
    ----------
    atoms
        With a calculator, best a :class:`teaeval.md.direct.Direct`.
    block
        Random numbers are drawn for a divisor of so many steps at once: the state of the
        generator is that of the step wherever this many steps have been done.
    arguments, options
        Of ASE's Langevin dynamics.
    """

    def __init__(self, atoms: Any, *arguments: Any, block: int = 1, **options: Any) -> None:
        most = max(1, AHEAD // (6 * max(1, len(atoms))))
        count = max(n for n in range(1, min(block, most) + 1) if block % n == 0)
        shape = (len(atoms), 3)
        self._drawn = np.empty((count, 2, *shape))
        self._noise = np.empty((count, 2, *shape))
        self._of_halves = [(first, second) for first, second in self._noise]
        # in one piece of memory: a calculator leaves little of it in the processor's caches
        self._constants = np.empty((5, *shape))
        self._keep, self._pull, self._reach, self._pulled, self._moved = self._constants
        self._used = count
        self._forces: Any = None
        self._ask = getattr(atoms.calc, "moved", atoms.calc.get_forces)
        super().__init__(atoms, *arguments, **options)

    def updatevars(self) -> None:
        """Set the constants of a step, ASE's times the masses, as large as the momenta."""
        super().updatevars()
        whole = np.ones(self._keep.shape)
        self._keep[:], self._pull[:] = 1 - self.c2, self.c1
        self._reach[:] = self.dt / self.masses
        kick, shift = self.masses * self.c3 * whole, self.masses * self.c4 * whole
        jump = self.masses * self.c5 / self.dt * whole  # a shift of the positions, as a momentum
        self._random = kick, (jump - shift, -shift - self._keep * jump)

    def restart(self) -> None:
        """Forget the random numbers that were drawn ahead, and the last forces."""
        self._used, self._forces = len(self._of_halves), None

    def _draw(self) -> None:
        """Draw the random numbers of the steps to come, in the order of single steps.

        The first half of a step adds the kick and what shifts the positions to the momenta;
        the second half adds the kick again and takes the shift, shortened by friction, away.
        """
        self.rng.standard_normal(out=self._drawn)
        kick, shifts = self._random
        kicks = kick * self._drawn[:, 0]
        for shift, noise in zip(shifts, (self._noise[:, 0], self._noise[:, 1]), strict=True):
            np.multiply(shift, self._drawn[:, 1], out=noise)
            noise += kicks
        self._used = 0

    def step(self, forces: Any = None) -> Any:
        """Move the atoms by a step; give the forces after it, (A, 3) in eV/Å."""
        atoms, keep, pulled, moved = self.atoms, self._keep, self._pulled, self._moved
        arrays = atoms.arrays
        momenta, positions = arrays["momenta"], arrays["positions"]
        if self._used == len(self._of_halves):
            self._draw()
        first, second = self._of_halves[self._used]
        self._used += 1
        if forces is None:
            forces = atoms.calc.get_forces(atoms)
        if forces is not self._forces:
            np.multiply(self._pull, forces, pulled)
        momenta *= keep
        momenta += pulled
        momenta += first
        np.multiply(momenta, self._reach, moved)
        positions += moved
        self._forces = forces = self._ask(atoms)
        np.multiply(self._pull, forces, pulled)
        momenta *= keep
        momenta += pulled
        momenta += second
        return forces
