"""ASE's Langevin dynamics, without what its step does for constraints and parallel runs.

Constants, random numbers and the order of the two half steps are ASE's (Vanden-Eijnden and
Ciccotti, Chem. Phys. Lett. 429, 310, 2006).  Beside a calculator that takes 0.2 ms a step, ASE's
own step is a tenth of the time.  Here the random numbers of many steps are drawn at once, arrays
are as large as the momenta, so that nothing is broadcast, and are used again in every step.
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
        self._kicks, self._shifts = np.empty((2, count, *shape))
        self._half, self._pulled, self._moved = np.empty((3, *shape))
        self._used = count
        self._forces: Any = None
        self._ask = getattr(atoms.calc, "moved", atoms.calc.get_forces)
        super().__init__(atoms, *arguments, **options)

    def updatevars(self) -> None:
        """Set the constants of a step, ASE's and those made of them, for v dt in place of v."""
        super().updatevars()
        keep, dt = 1 - self.c2, self.dt
        whole = np.ones(self._half.shape)
        self._keep = keep * whole
        self._pull = dt * self.c1 / self.masses * whole
        self._start, self._end = keep * dt / self.masses * whole, self.masses / dt * whole
        self._random = dt * self.c3 * whole, dt * self.c4 * whole, self.c5 * whole

    def restart(self) -> None:
        """Forget the random numbers that were drawn ahead, and the last forces."""
        self._used, self._forces = len(self._kicks), None

    def _draw(self) -> None:
        """Draw the random numbers of the steps to come, in the order of single steps."""
        drawn = self.rng.standard_normal((len(self._kicks), 2, *self._half.shape))
        kick, shift = drawn[:, 0], drawn[:, 1]
        own, shared, moving = self._random
        np.multiply(own, kick, out=self._kicks)
        self._kicks -= shared * shift
        np.multiply(moving, shift, out=self._shifts)
        self._used = 0

    def step(self, forces: Any = None) -> Any:
        """Move the atoms by a step; give the forces after it, (A, 3) in eV/Å."""
        atoms, half, pulled, moved = self.atoms, self._half, self._pulled, self._moved
        arrays = atoms.arrays
        momenta = arrays["momenta"]
        if self._used == len(self._kicks):
            self._draw()
        kick, shift = self._kicks[self._used], self._shifts[self._used]
        self._used += 1
        if forces is None:
            forces = atoms.calc.get_forces(atoms)
        if forces is not self._forces:
            np.multiply(self._pull, forces, out=pulled)
        np.multiply(momenta, self._start, out=half)
        half += pulled
        half += kick
        np.add(half, shift, out=moved)
        arrays["positions"] += moved
        self._forces = forces = self._ask(atoms)
        np.multiply(self._pull, forces, out=pulled)
        half *= self._keep
        half += pulled
        half += kick
        np.multiply(half, self._end, out=momenta)
        return forces
