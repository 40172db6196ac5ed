"""Make the frames of the example: a cluster of seven argon atoms, labelled by Lennard-Jones.

    python recipe.py frames.xyz

ε = 0.0104 eV and σ = 3.40 Å, Langevin dynamics at 15 K.
"""

import sys

import ase.io
import numpy as np
from ase import Atoms, units
from ase.calculators.lj import LennardJones
from ase.calculators.singlepoint import SinglePointCalculator
from ase.md.langevin import Langevin
from ase.md.velocitydistribution import MaxwellBoltzmannDistribution
from ase.optimize import BFGS

RADIUS = 3.0
"""Å: of the ring of five atoms, and of the two above and below it."""


def cluster() -> Atoms:
    """Make a pentagonal bipyramid, the cluster's shape of lowest energy."""
    angles = 2 * np.pi * np.arange(5) / 5
    ring = np.stack([np.cos(angles), np.sin(angles), np.zeros(5)], axis=1)
    atoms = Atoms("Ar7", RADIUS * np.concatenate([ring, [[0, 0, 0.7], [0, 0, -0.7]]]))
    atoms.calc = LennardJones(epsilon=0.0104, sigma=3.40, rc=100.0)
    BFGS(atoms, logfile=None).run(fmax=1e-4)
    return atoms


def main(path: str) -> None:
    """Sample 200 frames, 250 fs apart, after 2.5 ps."""
    atoms, rng, frames = cluster(), np.random.default_rng(0), []
    MaxwellBoltzmannDistribution(atoms, temperature_K=30, rng=rng)
    dynamics = Langevin(atoms, 5 * units.fs, temperature_K=15, friction=0.01 / units.fs, rng=rng)
    dynamics.run(500)
    for _ in range(200):
        dynamics.run(50)
        frame = atoms.copy()
        energy, forces = atoms.get_potential_energy(), atoms.get_forces()
        frame.calc = SinglePointCalculator(frame, energy=energy, forces=forces)
        del frame.arrays["momenta"]
        frames.append(frame)
    ase.io.write(path, frames, format="extxyz")


if __name__ == "__main__":
    main(sys.argv[1])
