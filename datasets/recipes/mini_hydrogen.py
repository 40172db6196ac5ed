"""How mini-hydrogen was made: warm dense hydrogen, labelled by GFN1-xTB.

    python datasets/recipes/mini_hydrogen.py                # sample, label, write (resumes)
    python datasets/recipes/mini_hydrogen.py --check 10     # relabel 10 stored frames, compare

1. Starting structures: 16 molecules on a lattice with vacancies, turned at random, in a
   cubic cell of the state's density.
2. Training and validation frames: Langevin dynamics (NVT) at every state point, a frame
   every 15 fs.
3. Reference trajectories: at every state point one more, continuous, with true masses and
   the thermostat of Bussi et al., which leaves diffusion and vibrations what they are; a
   frame every 2 fs, a quarter of the period of the molecule's vibration.  The test split
   draws from these, the other splits never do.
4. The dynamics runs on the grid of stored positions, so that its own evaluation of a
   stored frame is the label.  The electrons have the same temperature at every state
   point, so that all frames belong to one potential-energy surface.
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"  # one process per core; must precede tblite

import functools
import itertools
import multiprocessing
from pathlib import Path

import labels
import numpy as np
import sampling

TEMPERATURES = (1000.0, 2000.0)  # K, of the nuclei
DENSITIES = (0.5, 0.7, 0.9, 1.1, 1.3, 1.5)  # g/cm³
N_ATOMS = 32
BOND = 0.74  # Å, of the molecules at the start
MASS, GRAMS_PER_CM3 = 1.008, 1.66053907  # u; u/Å³ in g/cm³

LANGEVIN = {"thermostat": "langevin", "timestep": 1.0, "damping_time": 20.0, "spacing": 15}
REFERENCE = {"thermostat": "bussi", "timestep": 0.5, "damping_time": 40.0, "spacing": 4}
PLANS = {
    "train": {**LANGEVIN, "equilibration": 80, "frames": 16},
    "valid": {**LANGEVIN, "equilibration": 80, "frames": 8},
    "test": {**REFERENCE, "equilibration": 140, "frames": 140},
}
ENGINE = labels.Engine("GFN1-xTB", electronic_temperature=1000.0, accuracy=0.01, stress=True)
BUILD = Path(__file__).resolve().parents[2] / "build" / "mini-hydrogen"


def side(density: float) -> float:
    """Side of the cubic cell (Å) of a density (g/cm³)."""
    return float((N_ATOMS * MASS * GRAMS_PER_CM3 / density) ** (1 / 3))


def start_structure(density: float, seed: int):
    """Molecules on 16 of 27 lattice points, turned at random."""
    from ase import Atoms
    from scipy.spatial.transform import Rotation

    rng = np.random.default_rng([seed, 1])
    length = side(density)
    points = np.array(list(np.ndindex(3, 3, 3)))[rng.permutation(27)[: N_ATOMS // 2]]
    axes = Rotation.random(len(points), rng=rng).apply([0, 0, BOND / 2])
    positions = points[:, None] * length / 3 + np.stack([axes, -axes], axis=1)
    return Atoms(f"H{N_ATOMS}", positions.reshape(-1, 3), cell=[length] * 3, pbc=True)


def trajectory(role: str, temperature: float, density: float) -> sampling.Trajectory:
    """The trajectory of a role at a state point."""
    states = list(itertools.product(TEMPERATURES, DENSITIES))
    return sampling.Trajectory(
        name=f"{role}-{temperature:.0f}K-{density:.1f}",
        seed=1 + states.index((temperature, density)) * len(PLANS) + list(PLANS).index(role),
        temperature=temperature,
        masses={},
        **PLANS[role],
    )


def run_one(job: tuple[str, float, float]) -> str:
    """Run (or read) one trajectory; return its name."""
    plan = trajectory(*job)
    sampling.run(
        plan,
        functools.partial(start_structure, job[2], plan.seed),
        functools.partial(ENGINE.dynamics, accuracy=ENGINE.accuracy),
        None,
        BUILD / f"{plan.name}.npz",
        checkpoint_every=8,
    )
    return plan.name


def jobs() -> list[tuple[str, float, float]]:
    """All trajectories, the reference ones last."""
    return list(itertools.product(PLANS, TEMPERATURES, DENSITIES))


def sample(processes: int) -> None:
    """Run what is missing."""
    BUILD.mkdir(parents=True, exist_ok=True)
    todo = jobs()
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        for i, name in enumerate(pool.imap_unordered(run_one, todo), 1):
            print(f"{i}/{len(todo)} {name}", flush=True)


if __name__ == "__main__":
    import sys

    sample(int(sys.argv[2]))
