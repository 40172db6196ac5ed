"""How mini-iv was made: MAPbI3, 2 x 2 x 2 cubic cells, labelled by GFN2-xTB.

    python datasets/recipes/mini_iv.py                # sample, label, write (resumes)
    python datasets/recipes/mini_iv.py --check 10     # relabel 10 stored frames, compare

1. Starting structures: the cubic perovskite with a methylammonium of random orientation
   in each of the eight cages.
2. Langevin dynamics (NVT) on the GFN2-xTB surface at four temperatures, many short
   independent trajectories; a trajectory belongs to one role (train, valid or test).
   Masses are chosen so that all atoms vibrate about alike: configurational averages do
   not depend on them, and the heavy lattice is explored in fewer evaluations.
3. Positions are rounded to the grid that is stored, and labelled there by a fresh SCF.
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"  # one process per core; must precede tblite

import functools
import sys

import citations
import labels
import numpy as np
import publish
import sampling

from teadata.frames import Frames

LATTICE = 6.2855  # Å, near that of the cubic phase of the crystal
REPEATS = 2
TEMPERATURES = (250.0, 300.0, 350.0, 400.0)  # K
FRAMES = 25  # per trajectory
TRAJECTORIES = {"train": 8, "valid": 4, "test": 8}  # a multiple of the temperatures

ENGINE = labels.Engine("GFN2-xTB", accuracy=0.01)
BUILD = publish.BUILD / "mini-iv"


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
        functools.partial(ENGINE.dynamics, accuracy=1.0),
        ENGINE.label,
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


def select(roles: np.ndarray, temperatures: np.ndarray) -> publish.Picked:
    """Rows of each role, in random (seeded) rank order, temperatures in turn."""
    rng = np.random.default_rng(2023)
    picked = {}
    for role in TRAJECTORIES:
        parts = [
            rng.permutation(np.flatnonzero((roles == role) & (temperatures == temperature)))
            for temperature in TEMPERATURES
        ]
        picked["complete", role] = publish.round_robin(parts, len(roles))
    return picked


def describe(frames: Frames) -> str:
    """The card's account of the sampling."""
    plan = trajectory("train", 0)
    masses = ", ".join(f"{symbol} {mass:g}" for symbol, mass in plan.masses.items())
    return (
        f"{len(jobs())} independent Langevin trajectories (NVT) on the GFN2-xTB surface (BAOAB, "
        f"{', '.join(f'{t:g}' for t in TEMPERATURES)} K, {plan.timestep:g} fs, damping time "
        f"{plan.damping_time:g} fs, {plan.equilibration * plan.timestep:g} fs of equilibration), a "
        f"frame every {plan.spacing * plan.timestep:g} fs. Masses ({masses} u) are such that all "
        "atoms vibrate about alike, which changes no configurational average, only how fast it is "
        f"explored: times are not physical ones. Cubic cell of {REPEATS * LATTICE:g} Å (near that "
        "of the crystal's cubic phase) at every temperature; each trajectory starts from the "
        "ideal lattice with the methylammonium ions turned at random, and is too short for them "
        "to turn over: the directions in the data are those drawn. "
        "Train, valid and test frames come from different trajectories. Positions "
        f"were rounded to 2^-14 Å before they were labelled. {publish.drift(frames)}"
    )


def build(processes: int) -> None:
    """Sample what is missing, then write file, split table and card."""
    todo = jobs()
    sampling.run_all(run_one, todo, BUILD, processes)
    plans = [trajectory(*job) for job in todo]
    temperatures = [plan.temperature for plan in plans]
    frames = publish.read([BUILD / f"{plan.name}.npz" for plan in plans], True, temperatures)
    roles = np.array([todo[i][0] for i in frames.trajectories])
    picked = select(roles, frames.temperatures)
    fields = {
        "id": "mini-iv",
        "version": "1.0.0",
        "title": "MAPbI3, 2 x 2 x 2 cubic cells, GFN2-xTB",
        "challenge": "IV",
        "system": publish.system("MAPbI3", frames),
        **publish.common(ENGINE, "neutral, periodic, Gamma point"),
        "citations": [citations.CHALLENGE, citations.GFN2],
        "groups": {"mol": molecules()},
        "subsets": {"complete": "250, 300, 350 and 400 K in equal parts"},
        "sizes": [50, 100, 200],
        "tasks": ["complete->complete"],
        "sampling": describe(frames),
        "acceptance": {"sampled": len(frames), "accepted": len(frames), "stored": len(frames)},
        "correlation_times": publish.correlation_times(
            frames, plans[0].spacing * plans[0].timestep
        ),
        "trajectories": [
            publish.run_entry(plan, role) for plan, (role, _) in zip(plans, todo, strict=True)
        ],
        "changelog": [{"version": "1.0.0", "date": "2026-11-25", "text": "First version."}],
    }
    card = publish.publish(fields, frames, picked)
    print(f"{card.full_id}: {card.acceptance}, {[file.bytes for file in card.files]} bytes")


if __name__ == "__main__":
    sys.exit(publish.main(__doc__, "mini-iv", ENGINE, build))
