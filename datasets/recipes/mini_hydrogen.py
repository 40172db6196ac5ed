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
4. Frames are labelled at positions rounded to the grid that is stored.  The reference
   dynamics runs on that grid, so that its own evaluation of a frame is the label.  The
   electrons have the same temperature at every state point, so that all frames belong to one
   potential-energy surface.
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"  # one process per core; must precede tblite

import functools
import itertools
import sys

import citations
import labels
import numpy as np
import publish
import sampling

from teadata.elements import MASSES
from teadata.frames import Frames
from teadata.units import GRAMS_PER_CM3

TEMPERATURES = (1000.0, 2000.0)  # K, of the nuclei
DENSITIES = (0.5, 0.7, 0.9, 1.1, 1.3, 1.5)  # g/cm³
N_ATOMS = 32
BOND = 0.74  # Å, of the molecules at the start

LANGEVIN = {"thermostat": "langevin", "timestep": 1.0, "damping_time": 20.0, "spacing": 15}
REFERENCE = {"thermostat": "bussi", "timestep": 0.5, "damping_time": 40.0, "spacing": 4}
PLANS = {
    "train": {**LANGEVIN, "equilibration": 80, "frames": 16},
    "valid": {**LANGEVIN, "equilibration": 80, "frames": 6},
    "test": {**REFERENCE, "equilibration": 500, "frames": 100},
}
STATES = list(itertools.product(TEMPERATURES, DENSITIES))
TEST_EVERY = 10  # frames of a reference trajectory between two of the test split
ENGINE = labels.Engine("GFN1-xTB", electronic_temperature=1000.0, accuracy=0.01, stress=True)
BUILD = publish.BUILD / "mini-hydrogen"


def side(density: float) -> float:
    """Side of the cubic cell (Å) of a density (g/cm³)."""
    return float((N_ATOMS * MASSES[1] * GRAMS_PER_CM3 / density) ** (1 / 3))


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
    return sampling.Trajectory(
        name=f"{role}-{temperature:.0f}K-{density:.1f}",
        seed=1 + STATES.index((temperature, density)) * len(PLANS) + list(PLANS).index(role),
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
        None if job[0] == "test" else ENGINE.label,
        BUILD / f"{plan.name}.npz",
        checkpoint_every=8,
    )
    return plan.name


def jobs() -> list[tuple[str, float, float]]:
    """All trajectories, the reference ones last."""
    return [(role, *state) for role in PLANS for state in STATES]


def subset_name(temperature: float, density: float) -> str:
    """Name of a state point's subset."""
    return f"{temperature:.0f}K-{density:.1f}"


def select(frames: Frames, todo: list[tuple[str, float, float]]) -> publish.Picked:
    """Rows of each state point and role, and of all state points in turn."""
    rng = np.random.default_rng(2023)
    picked = {}
    for i, (role, *state) in enumerate(todo):
        rows = np.flatnonzero(frames.trajectories == i)
        chosen = rows[::TEST_EVERY] if role == "test" else rows
        picked[subset_name(*state), role] = rng.permutation(chosen)
    for role in PLANS:
        parts = [picked[subset_name(*state), role] for state in STATES]
        picked["complete", role] = publish.round_robin(parts, len(frames))
    return picked


def describe(references: Frames) -> str:
    """The card's account of the sampling."""
    train, reference = (trajectory(role, *STATES[0]) for role in ("train", "test"))
    return (
        f"At each of {len(STATES)} state points (temperatures of the nuclei "
        f"{', '.join(f'{t:g}' for t in TEMPERATURES)} K, densities "
        f"{', '.join(f'{d:g}' for d in DENSITIES)} g/cm³, cubic cells) three trajectories (NVT). "
        f"Train and valid: Langevin dynamics (BAOAB, {train.timestep:g} fs, damping time "
        f"{train.damping_time:g} fs, {train.equilibration * train.timestep:g} fs of "
        f"equilibration), a frame every {train.spacing * train.timestep:g} fs. Reference: one "
        "continuous trajectory with the velocity rescaling of Bussi et al. "
        f"({reference.timestep:g} fs, time constant {reference.damping_time:g} fs, "
        f"{reference.equilibration * reference.timestep:g} fs of equilibration), all of it stored, "
        f"a frame every {reference.spacing * reference.timestep:g} fs, unwrapped; the test split "
        f"is every {TEST_EVERY}th of its frames. Starts: molecules on a lattice, turned at "
        f"random. The electrons have {ENGINE.electronic_temperature:g} K everywhere, so that all "
        "frames are of one potential-energy surface; energies are free energies of the electrons "
        "(Mermin), of which forces and stress are derivatives. Positions are on a grid of 2^-14 Å: "
        "the reference dynamics ran on it, and its own evaluation of a frame is the label; other "
        "frames were rounded to it before they were labelled. Of the reference trajectories: "
        f"{publish.drift(references)}"
    )


def build(processes: int) -> None:
    """Sample what is missing, then write file, split table and card."""
    todo = jobs()
    sampling.run_all(run_one, todo, BUILD, processes)
    plans = [trajectory(*job) for job in todo]
    temperatures = [plan.temperature for plan in plans]
    frames = publish.read([BUILD / f"{plan.name}.npz" for plan in plans], True, temperatures)
    picked = select(frames, todo)
    learned = publish.storage_order({key: rows for key, rows in picked.items() if key[1] != "test"})
    reference = [i for i, job in enumerate(todo) if job[0] == "test"]
    order = np.concatenate([learned, np.flatnonzero(np.isin(frames.trajectories, reference))])
    fields = {
        "id": "mini-hydrogen",
        "version": "1.0.0",
        "title": "Warm dense hydrogen, two temperatures and six densities, GFN1-xTB",
        "challenge": "hydrogen",
        "system": publish.system("warm dense hydrogen", frames),
        **publish.common(ENGINE, "periodic, Gamma point"),
        "citations": [
            citations.CHALLENGE,
            citations.HYDROGEN,
            citations.GFN1,
            citations.BUSSI,
        ],
        "subsets": {
            "complete": "all state points in equal parts",
            **{subset_name(t, d): f"{t:g} K, {d:g} g/cm³" for t, d in STATES},
        },
        "sizes": [4, 8, 16],
        "tasks": ["complete->complete"],
        "sampling": describe(frames[np.isin(frames.trajectories, reference)]),
        "acceptance": {"sampled": len(frames), "accepted": len(frames), "stored": len(order)},
        "correlation_times": publish.correlation_times(
            frames[np.isin(frames.trajectories, reference)],
            REFERENCE["spacing"] * REFERENCE["timestep"],
        ),
        "trajectories": [
            publish.run_entry(plan, role, density=density, continuous=role == "test")
            for plan, (role, _, density) in zip(plans, todo, strict=True)
        ],
        "changelog": [{"version": "1.0.0", "date": "2026-11-25", "text": "First version."}],
    }
    card = publish.publish(fields, frames, picked, order)
    print(f"{card.full_id}: {card.acceptance}, {[file.bytes for file in card.files]} bytes")


if __name__ == "__main__":
    sys.exit(publish.main(__doc__, "mini-hydrogen", ENGINE, build))
