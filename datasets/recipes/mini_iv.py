"""How mini-iv was made: MAPbI3, 2 x 2 x 2 cubic cells, labelled by GFN2-xTB.

    python datasets/recipes/mini_iv.py                # sample, label, write (resumes)
    python datasets/recipes/mini_iv.py --check 10     # relabel 10 stored frames, compare

1. Starting structures: the cubic perovskite with a methylammonium of random orientation
   in each of the eight cages.
2. Langevin dynamics (NVT) on the GFN2-xTB surface at four temperatures, many short
   independent trajectories; a trajectory belongs to one role (train, valid or test).
   Masses are chosen so that all atoms vibrate about alike: configurational averages do
   not depend on them, and the heavy lattice is explored in fewer evaluations.
3. The dynamics runs on the grid of stored positions, so that its own evaluation of a
   stored frame is the label.
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"  # one process per core; must precede tblite

import functools
import multiprocessing
from pathlib import Path

import labels
import numpy as np
import sampling

LATTICE = 6.2855  # Å, of the cubic phase at 330 K
REPEATS = 2
TEMPERATURES = (250.0, 300.0, 350.0, 400.0)  # K
FRAMES = 25  # per trajectory
TRAJECTORIES = {"train": 8, "valid": 4, "test": 8}  # a multiple of the temperatures

ENGINE = labels.Engine("GFN2-xTB", accuracy=0.01)
BUILD = Path(__file__).resolve().parents[2] / "build" / "mini-iv"


def methylammonium() -> tuple[list[str], np.ndarray]:
    """Symbols and positions (Å) of CH3NH3+, staggered, its middle at the origin."""
    symbols, positions = ["C", "N"], [(0.0, 0.0, -0.74), (0.0, 0.0, 0.74)]
    for z, radius, phase in ((-1.08, 1.03, 0.0), (1.09, 0.96, np.pi / 3)):
        for k in range(3):
            angle = phase + 2 * np.pi * k / 3
            symbols.append("H")
            positions.append((radius * np.cos(angle), radius * np.sin(angle), z))
    return symbols, np.array(positions)


def molecules() -> list[list[int]]:
    """Atoms of each of the eight molecules: first the lattice, then one after another."""
    return [list(range(32 + 8 * k, 40 + 8 * k)) for k in range(REPEATS**3)]


def start_structure(seed: int):
    """The cubic lattice (Pb, then I), and eight molecules turned at random."""
    from ase import Atoms
    from scipy.spatial.transform import Rotation

    rng = np.random.default_rng([seed, 1])
    corners = LATTICE * np.array(list(np.ndindex(REPEATS, REPEATS, REPEATS)))
    edges = LATTICE / 2 * np.eye(3)
    iodine = (corners[:, None] + edges).reshape(-1, 3)
    symbols = ["Pb"] * len(corners) + ["I"] * len(iodine)
    positions = [corners, iodine]
    names, molecule = methylammonium()
    for corner, turn in zip(corners, Rotation.random(len(corners), rng=rng), strict=True):
        symbols += names
        positions.append(turn.apply(molecule) + corner + LATTICE / 2)
    return Atoms(symbols, np.concatenate(positions), cell=[REPEATS * LATTICE] * 3, pbc=True)


def trajectory(role: str, k: int) -> sampling.Trajectory:
    """The k-th trajectory of a role."""
    temperature = TEMPERATURES[k % len(TEMPERATURES)]
    return sampling.Trajectory(
        name=f"{role}-{k:02d}-{temperature:.0f}K",
        seed=1 + k * len(TRAJECTORIES) + list(TRAJECTORIES).index(role),
        temperature=temperature,
        timestep=2.5,
        damping_time=15.0,
        masses={"H": 3.0, "C": 6.0, "N": 6.0, "Pb": 1.0, "I": 1.0},
        spacing=2,
        equilibration=45,
        frames=FRAMES,
    )


def run_one(job: tuple[str, int]) -> str:
    """Run (or read) one trajectory; return its name."""
    plan = trajectory(*job)
    sampling.run(
        plan,
        functools.partial(start_structure, plan.seed),
        functools.partial(ENGINE.dynamics, accuracy=ENGINE.accuracy),
        None,
        BUILD / f"{plan.name}.npz",
        checkpoint_every=5,
    )
    return plan.name


def jobs() -> list[tuple[str, int]]:
    """All trajectories, so ordered that every role grows evenly."""
    return sorted(
        ((role, k) for role, count in TRAJECTORIES.items() for k in range(count)),
        key=lambda job: (job[1] / TRAJECTORIES[job[0]], job),
    )


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
