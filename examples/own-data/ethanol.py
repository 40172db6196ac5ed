"""Frames of ethanol from GFN2-xTB simulations, as a group might have them: ASE wrote them, in eV.

Needs the extra ``build``. The committed ``ethanol.xyz.gz`` is what this wrote:

    python examples/own-data/ethanol.py -o examples/own-data/ethanol.xyz.gz
"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # must precede tblite

import ase.io
import numpy as np
from ase import Atoms, units
from ase.build import molecule
from ase.calculators.singlepoint import SinglePointCalculator
from ase.md.langevin import Langevin
from ase.md.velocitydistribution import MaxwellBoltzmannDistribution, Stationary
from tblite.ase import TBLite

RUNS, FRAMES = 10, 30
TEMPERATURE, TIMESTEP = 500.0, 1.0  # K, fs
HEATING, SPACING = 500, 20  # steps before the first frame, and between two


def simulate(run: int, frames: int) -> list[Atoms]:
    """Frames of one simulation; each names its run, and has energy and forces on its calculator."""
    atoms = molecule("CH3CH2OH")
    atoms.calc = TBLite(method="GFN2-xTB", verbosity=0)
    random = np.random.default_rng(run)
    MaxwellBoltzmannDistribution(atoms, temperature_K=TEMPERATURE, rng=random)
    Stationary(atoms)
    dynamics = Langevin(
        atoms,
        TIMESTEP * units.fs,
        temperature_K=TEMPERATURE,
        friction=0.01 / units.fs,
        fixcm=False,
        rng=random,
    )
    dynamics.run(HEATING)
    kept = []
    for _ in range(frames):
        dynamics.run(SPACING)
        frame = Atoms(atoms.numbers, atoms.positions, info={"run": f"md{run}"})
        frame.calc = SinglePointCalculator(
            frame, energy=atoms.get_potential_energy(), forces=atoms.get_forces()
        )
        kept.append(frame)
    return kept


def main() -> None:
    """Write the frames of all simulations."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--output", required=True)
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--frames", type=int, default=FRAMES, help="of each run")
    chosen = parser.parse_args()
    frames = [frame for run in range(chosen.runs) for frame in simulate(run, chosen.frames)]
    ase.io.write(chosen.output, frames, format="extxyz")
    print(f"{chosen.output}: {len(frames)} frames of {frames[0].get_chemical_formula()}")


if __name__ == "__main__":
    main()
