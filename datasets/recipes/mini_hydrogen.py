"""How mini-hydrogen is made: warm dense hydrogen, labelled by GFN1-xTB.

    python datasets/recipes/mini_hydrogen.py                 # sample, label, write (resumes)
    python datasets/recipes/mini_hydrogen.py --folder F      # the same, with trajectories in F
    python datasets/recipes/mini_hydrogen.py --so-far OUT    # state points that have frames of all
                                                             # roles, as a dataset in OUT
    python datasets/recipes/mini_hydrogen.py --check 10      # relabel 10 stored frames, compare

1. Starting structures: 16 molecules on a lattice with vacancies, turned at random, in a
   cubic cell of the state's density.  One with atoms too near each other is drawn again: at
   1.5 g/cm³ the dynamics would not recover from it.
2. Training and validation frames: Langevin dynamics (NVT) at every state point, a frame
   every 10 fs.
3. Reference trajectories: at every state point one more, continuous, with true masses and
   the thermostat of Bussi et al., which leaves diffusion and vibrations what they are; a
   frame every 2 fs, a quarter of the period of the molecule's vibration.  The test split
   draws from these, the other splits never do.  They are longest around the change from
   molecules to atoms.
4. Frames are labelled at positions rounded to the grid that is stored.  The reference
   dynamics runs on that grid, so that its own evaluation of a frame is the label.  The
   electrons have the same temperature at every state point, so that all frames belong to one
   potential-energy surface.

All trajectories grow in turn, a chunk each, so that every state point has something early.  A
trajectory's file is its checkpoint: the recipe can be killed at any time, and goes on.  The
dataset is published when all are complete.  Version 1.0.0 stays beside it as it was.

An evaluation takes 0.28 s (0.5 g/cm³) to 0.81 s (1.5 g/cm³) of a core, nearly all of it integrals
and Ewald sums.  It takes the same from the last density as from a fresh one, with an accuracy of
1 as with 0.01, and with OpenBLAS at most 3 % less: every label is a fresh, tight one.  Version
1.1.0 was sampled with a build of the same release of tblite that takes 0.05 to 0.13 s: overlaps
of s functions without their moments, Ewald sums and dispersion over arrays.  Energies, forces and
stress are the same (``--check`` relabels with the tblite that is installed).
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"  # one process per core; must precede tblite

import dataclasses
import datetime
import functools
import itertools
import sys
from pathlib import Path

import citations
import labels
import numpy as np
import publish
import sampling

from teadata.elements import MASSES
from teadata.errors import DataError, TeaError
from teadata.files import locked
from teadata.frames import Frames
from teadata.units import GRAMS_PER_CM3
from teaeval.hydrogen.analysis import difference
from teaeval.hydrogen.record import Estimate
from teaeval.observables.blocks import BLOCKS, block_mean

VERSION = "1.1.0"
TEMPERATURES = (1000.0, 2000.0)  # K, of the nuclei
DENSITIES = (0.5, 0.6, 0.7, 0.8, 0.9, 1.1, 1.3, 1.5)  # g/cm³
N_ATOMS = 32
BOND = 0.74  # Å, of the molecules at the start
NEAREST = 0.45  # Å, between atoms of two molecules at the start, at least
RUNAWAY = 1000.0
"""A force component (kcal/mol/Å) that only a simulation that has broken has: 349 is the largest of
the reference trajectories."""

LANGEVIN = {"thermostat": "langevin", "timestep": 1.0, "damping_time": 20.0, "spacing": 10}
REFERENCE = {"thermostat": "bussi", "timestep": 0.5, "damping_time": 40.0, "spacing": 4}
PLANS = {
    "train": {**LANGEVIN, "equilibration": 100, "frames": 64},
    "valid": {**LANGEVIN, "equilibration": 100, "frames": 16},
    "test": {**REFERENCE, "equilibration": 1000, "frames": 500},
}
LONG = {0.7: 2500, 0.9: 2500}
"""Frames of the reference at densities (g/cm³) where molecules become atoms."""

CHUNKS = {"train": 16, "valid": 4, "test": 125}
"""Frames that a trajectory grows by in its turn."""

STATES = list(itertools.product(TEMPERATURES, DENSITIES))
SIZES = (4, 8, 16, 32, 64)
"""Nested sizes of the training sets, of a state point as of all."""

TESTED = 50
"""Frames of a reference trajectory in the test split, equally far apart."""

ENGINE = labels.Engine("GFN1-xTB", electronic_temperature=1000.0, accuracy=0.01, stress=True)
BUILD = publish.BUILD / f"mini-hydrogen-{VERSION}"


def side(density: float) -> float:
    """Side of the cubic cell (Å) of a density (g/cm³)."""
    return float((N_ATOMS * MASSES[1] * GRAMS_PER_CM3 / density) ** (1 / 3))


def start_structure(density: float, seed: int):
    """Molecules on 16 of 27 lattice points, turned at random until no two are too near."""
    from ase import Atoms
    from scipy.spatial.transform import Rotation

    rng = np.random.default_rng([seed, 1])
    length = side(density)
    molecule = np.arange(N_ATOMS) // 2
    apart = molecule[:, None] != molecule
    while True:
        points = np.array(list(np.ndindex(3, 3, 3)))[rng.permutation(27)[: N_ATOMS // 2]]
        axes = Rotation.random(len(points), rng=rng).apply([0, 0, BOND / 2])
        positions = points[:, None] * length / 3 + np.stack([axes, -axes], axis=1)
        atoms = Atoms(f"H{N_ATOMS}", positions.reshape(-1, 3), cell=[length] * 3, pbc=True)
        if atoms.get_all_distances(mic=True)[apart].min() > NEAREST:
            return atoms


Job = tuple[str, float, float]
"""Role, temperature and density of a trajectory."""


def trajectory(role: str, temperature: float, density: float) -> sampling.Trajectory:
    """The trajectory of a role at a state point."""
    settings = dict(PLANS[role])
    if role == "test":
        settings["frames"] = LONG.get(density, settings["frames"])
    return sampling.Trajectory(
        name=f"{role}-{temperature:.0f}K-{density:.1f}",
        seed=1 + STATES.index((temperature, density)) * len(PLANS) + list(PLANS).index(role),
        temperature=temperature,
        masses={},
        **settings,
    )


def grow(folder: Path, turn: tuple[Job, int]) -> str:
    """Bring a trajectory to some frames, unless it has them; say how many it has."""
    job, frames = turn
    plan = trajectory(*job)
    data = sampling.run(
        plan,
        functools.partial(start_structure, job[2], plan.seed),
        functools.partial(ENGINE.dynamics, accuracy=ENGINE.accuracy, restart=False),
        None if job[0] == "test" else ENGINE.label,
        folder / f"{plan.name}.npz",
        checkpoint_every=25 if job[0] == "test" else 8,
        until=frames,
    )
    return f"{plan.name}: {len(data['E'])} of {plan.frames} frames"


def jobs() -> list[Job]:
    """All trajectories, the reference ones last."""
    return [(role, *state) for role in PLANS for state in STATES]


def turns() -> list[list[tuple[Job, int]]]:
    """Rounds in which the trajectories grow: in each, what to bring to how many frames.

    A trajectory comes once in a round, so that no two processes work on one.
    """
    rounds: list[list[tuple[Job, int]]] = []
    for job in jobs():
        chunk, frames = CHUNKS[job[0]], trajectory(*job).frames
        for i, end in enumerate(range(chunk, frames + chunk, chunk)):
            if i == len(rounds):
                rounds.append([])
            rounds[i].append((job, min(end, frames)))
    return rounds


def sample(folder: Path, processes: int) -> None:
    """Bring all trajectories to their full length, in turn."""
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder, "sampling", "another --folder"):
        for i, turn in enumerate(turns(), 1):
            print(f"round {i} of {len(turns())}", flush=True)
            sampling.run_all(functools.partial(grow, folder), turn, folder, processes)


def sampled(folder: Path) -> list[Job]:
    """The trajectories of the state points that have frames of every role.

    Raises
    ------
    DataError
        If there is no such state point.
    """
    there = []
    for job in jobs():
        path = folder / f"{trajectory(*job).name}.npz"
        if path.exists():
            with np.load(path) as data:
                there += [job] if len(data["E"]) else []
    usable = [job for job in there if all((role, *job[1:]) in there for role in PLANS)]
    if not usable:
        raise DataError(
            f"{folder}: expected a state point with frames of {', '.join(PLANS)}, found "
            f"{len(there)} of {len(jobs())} trajectories and no state point that has all three; "
            f"go on sampling: python datasets/recipes/mini_hydrogen.py --folder {folder}"
        )
    return usable


def subset_name(temperature: float, density: float) -> str:
    """Name of a state point's subset."""
    return f"{temperature:.0f}K-{density:.1f}"


def select(frames: Frames, todo: list[Job]) -> publish.Picked:
    """Rows of each state point and role, and of all state points in turn."""
    rng = np.random.default_rng(2023)
    picked = {}
    for i, (role, *state) in enumerate(todo):
        rows = np.flatnonzero(frames.trajectories == i)
        chosen = rows[:: max(1, len(rows) // TESTED)][:TESTED] if role == "test" else rows
        picked[subset_name(*state), role] = rng.permutation(chosen)
    for role in PLANS:
        parts = [rows for (_, whose), rows in picked.items() if whose == role]
        picked["complete", role] = publish.round_robin(parts, len(frames))
    return picked


def check_whole(frames: Frames, names: list[str]) -> None:
    """Refuse trajectories that ran away, which are no sample of anything."""
    largest = np.abs(frames.forces).max(axis=(1, 2))
    broken = np.unique(frames.trajectories[largest > RUNAWAY])
    if len(broken):
        raise DataError(
            f"expected force components below {RUNAWAY:g} kcal/mol/Å, found more in "
            f"{', '.join(names[i] for i in broken)}: start them from another structure"
        )


def unsettled(frames: Frames, names: list[str]) -> str:
    """Which trajectories are not in equilibrium: their halves differ in energy, as a sentence.

    Parameters
    ----------
    frames
        Of the reference trajectories, in the order of time.
    names
        Of the trajectories, in the order of their numbers.
    """
    found = []
    for name, i in zip(names, np.unique(frames.trajectories), strict=True):
        energies = frames.energies[frames.trajectories == i]
        first, last = np.array_split(energies, 2)
        if len(last) < BLOCKS:
            continue
        halves = (Estimate.of(block_mean(half, BLOCKS)) for half in (last, first))
        change = difference(*halves, BLOCKS, BLOCKS)
        if not change.low <= 0 <= change.high:
            found.append(f"{name} ({change.value:+.1f} ± {change.error:.1f} kcal/mol)")
    if not found:
        return "The halves of no trajectory differ in energy by more than their noise (95 %)."
    return (
        "The halves of these differ in energy by more than their noise (95 %, so that one in "
        f"twenty does by chance), and may not be in equilibrium: {', '.join(found)}."
    )


def describe(references: Frames, todo: list[Job]) -> str:
    """The card's account of the sampling."""
    train, reference = (trajectory(role, *STATES[0]) for role in ("train", "test"))
    step = reference.spacing * reference.timestep
    longer = ", ".join(f"{frames * step / 1000:g} ps at {d:g}" for d, frames in LONG.items())
    names = [subset_name(t, d) for role, t, d in todo if role == "test"]
    return (
        f"At each of {len(STATES)} state points (temperatures of the nuclei "
        f"{', '.join(f'{t:g}' for t in TEMPERATURES)} K, densities "
        f"{', '.join(f'{d:g}' for d in DENSITIES)} g/cm³, cubic cells) three trajectories (NVT). "
        f"Train and valid: Langevin dynamics (BAOAB, {train.timestep:g} fs, damping time "
        f"{train.damping_time:g} fs, {train.equilibration * train.timestep:g} fs of "
        f"equilibration), a frame every {train.spacing * train.timestep:g} fs. Reference: one "
        "continuous trajectory with the velocity rescaling of Bussi et al. "
        f"({reference.timestep:g} fs, time constant {reference.damping_time:g} fs, "
        f"{reference.equilibration * reference.timestep:g} fs of equilibration, then "
        f"{reference.frames * step / 1000:g} ps, and {longer} g/cm³), without momentum of the "
        f"cell, all of it stored, a frame every {step:g} fs, unwrapped; the test split is "
        f"{TESTED} frames of each, equally far apart. Starts: molecules on a lattice, turned at "
        f"random. The electrons have {ENGINE.electronic_temperature:g} K everywhere, so that all "
        "frames are of one potential-energy surface; energies are free energies of the electrons "
        "(Mermin), of which forces and stress are derivatives. Positions are on a grid of 2^-14 Å: "
        "the reference dynamics ran on it, and its own evaluation of a frame is the label; other "
        "frames were rounded to it before they were labelled. Of the reference trajectories: "
        f"{publish.drift(references)} {unsettled(references, names)}"
    )


def unfinished(missing: str) -> str:
    """What the card's notice says first of a dataset that lacks frames, and maybe state points."""
    lacking = f", and these state points are not there yet: {missing}" if missing else ""
    return f"Unfinished: trajectories are still growing{lacking}. "


def write(folder: Path, todo: list[Job], root: Path) -> None:
    """Write frames, split table and card of the trajectories in a folder."""
    plans = [trajectory(*job) for job in todo]
    temperatures = [plan.temperature for plan in plans]
    frames = publish.read([folder / f"{plan.name}.npz" for plan in plans], True, temperatures)
    check_whole(frames, [plan.name for plan in plans])
    picked = select(frames, todo)
    learned = publish.storage_order({key: rows for key, rows in picked.items() if key[1] != "test"})
    reference = [i for i, job in enumerate(todo) if job[0] == "test"]
    is_reference = np.isin(frames.trajectories, reference)
    order = np.concatenate([learned, np.flatnonzero(is_reference)])
    counts = np.bincount(frames.trajectories, minlength=len(todo))
    fewest = min(len(rows) for (_, role), rows in picked.items() if role == "train")
    common = publish.common(ENGINE, "periodic, Gamma point")
    states = [state for state in STATES if ("test", *state) in todo]
    missing = ", ".join(subset_name(*state) for state in STATES if state not in states)
    if sum(counts) < sum(trajectory(*job).frames for job in jobs()):
        common["notice"] = unfinished(missing) + common["notice"]
    fields = {
        "id": "mini-hydrogen",
        "version": VERSION,
        "title": "Warm dense hydrogen, two temperatures and eight densities, GFN1-xTB",
        "challenge": "hydrogen",
        "system": publish.system("warm dense hydrogen", frames),
        **common,
        "citations": [
            citations.CHALLENGE,
            citations.HYDROGEN,
            citations.GFN1,
            citations.BUSSI,
        ],
        "subsets": {
            "complete": "all state points in equal parts",
            **{subset_name(t, d): f"{t:g} K, {d:g} g/cm³" for t, d in states},
        },
        "sizes": [size for size in SIZES if size <= fewest],
        "tasks": ["complete->complete"],
        "sampling": describe(frames[is_reference], todo),
        "acceptance": {"sampled": len(frames), "accepted": len(frames), "stored": len(order)},
        "correlation_times": publish.correlation_times(
            frames[is_reference], REFERENCE["spacing"] * REFERENCE["timestep"]
        ),
        "trajectories": [
            publish.run_entry(
                dataclasses.replace(plan, frames=int(count)),
                role,
                density=density,
                continuous=role == "test",
            )
            for plan, (role, _, density), count in zip(plans, todo, counts, strict=True)
        ],
        "changelog": [
            {
                "version": VERSION,
                "date": datetime.date.today().isoformat(),
                "text": "Longer reference trajectories, from equilibrium; densities 0.6 and "
                "0.8 g/cm³; more training frames.",
            },
            {"version": "1.0.0", "date": "2026-11-25", "text": "First version."},
        ],
    }
    card = publish.publish(fields, frames, picked, order, root, f"mini-hydrogen-{VERSION}")
    print(f"{card.full_id}: {card.acceptance}, {[file.bytes for file in card.files]} bytes")
    if missing:
        print(f"left out, as frames of a role are missing: {missing}")


def main() -> int:
    """Sample what is missing, then write file, split table and card."""
    parser = publish.parser(__doc__)
    parser.add_argument("--folder", type=Path, default=BUILD, help="of the trajectories")
    parser.add_argument(
        "--so-far", type=Path, metavar="OUT", help="write the state points that there are to OUT"
    )
    options = parser.parse_args()
    if options.check is not None:
        return publish.check("mini-hydrogen", options.check, ENGINE)
    if options.so_far is not None:
        write(options.folder, sampled(options.folder), options.so_far)
        return 0
    sample(options.folder, options.processes)
    publish.keep_version("mini-hydrogen", "1.0.0")
    write(options.folder, jobs(), publish.DATASETS)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except TeaError as error:
        sys.exit(f"error: {error}")
