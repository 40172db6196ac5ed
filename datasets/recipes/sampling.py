"""Molecular dynamics that can be killed and picked up again, one file per trajectory.

A recipe describes each trajectory by a :class:`Trajectory`, and :func:`run` brings its
file to the required number of frames.  The file is its own checkpoint: it holds the
frames so far, the momenta and the state of the random generator, and is replaced in
one step, so that a killed run loses at most the time of ``checkpoint_every`` frames.
"""

from __future__ import annotations

import functools
import json
import multiprocessing
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from ase.constraints import FixConstraint
from labels import Label

from teadata.files import atomic_write

if TYPE_CHECKING:
    from ase import Atoms
    from ase.md.md import MolecularDynamics

# A dyadic grid: every stored coordinate below 1024 Å is exact in float32, so the file
# holds the very positions that were labelled.
POSITION_GRID = 2.0**-14


@dataclass(frozen=True)
class Trajectory:
    """What fixes a trajectory.

    Parameters
    ----------
    name
        File stem, unique in the recipe.
    seed
        Seed of start velocities and thermostat noise.
    temperature
        K.
    timestep
        fs.
    damping_time
        Time constant of the thermostat, fs.
    masses
        Mass given to an element, in u, by symbol; others keep theirs.  Configurational
        averages do not depend on masses: a heavy hydrogen allows a longer time step, light
        heavy atoms explore faster.
    spacing
        Steps between stored frames.
    equilibration
        Steps before the first stored frame.
    frames
        Stored frames.
    thermostat
        ``"langevin"`` in the BAOAB splitting (Leimkuhler and Matthews, J. Chem. Phys. 138,
        174102, 2013) samples best; ``"bussi"`` (Bussi, Donadio and Parrinello, J. Chem.
        Phys. 126, 014101, 2007) rescales all velocities together and so leaves diffusion
        and vibrations what they are.
    """

    name: str
    seed: int
    temperature: float
    timestep: float
    damping_time: float
    masses: dict[str, float]
    spacing: int
    equilibration: int
    frames: int
    thermostat: Literal["langevin", "bussi"] = "langevin"


def round_positions(positions: np.ndarray) -> np.ndarray:
    """Round positions (Å) to the grid that is stored, exactly, as float32."""
    return np.round(np.asarray(positions, dtype=np.float64) / POSITION_GRID) * POSITION_GRID


class OnGrid(FixConstraint):
    """Rounds whatever position a dynamics sets, so that every evaluation is at stored ones.

    Rounding is a small kick to each atom.  So that kicks do not add up to a flow, the total
    momentum is removed: the thermostat heats the other 3 A − 3 degrees of freedom.
    """

    def adjust_positions(self, atoms: Atoms, new: np.ndarray) -> None:
        """Round the new positions (Å) in place."""
        new[:] = round_positions(new)

    def adjust_forces(self, atoms: Atoms, forces: np.ndarray) -> None:
        """Leave the forces as they are."""

    def adjust_momenta(self, atoms: Atoms, momenta: np.ndarray) -> None:
        """Remove the total momentum, in place."""
        masses = atoms.get_masses()
        momenta -= np.outer(masses / masses.sum(), momenta.sum(axis=0))

    def get_removed_dof(self, atoms: Atoms) -> int:
        """Three degrees of freedom are removed, those of the total momentum."""
        return 3


def run(
    trajectory: Trajectory,
    make_atoms: Callable[[], Atoms],
    make_calculator: Callable[[], Any],
    label: Callable[..., Label] | None,
    path: Path,
    checkpoint_every: int = 25,
    until: int | None = None,
) -> dict[str, np.ndarray]:
    """Bring the trajectory's file to its full length, or part of it, and return its arrays.

    A stored frame lies on the stored grid and is labelled there.

    Parameters
    ----------
    trajectory
        What to run.
    make_atoms
        Gives the starting structure.
    make_calculator
        Gives the ASE calculator of the dynamics.
    label
        ``label(numbers, positions, cell)`` for the stored frames; those of a checkpoint whose
        energy is NaN are labelled too.  None takes labels from the calculator's
        ``last_label``: then the dynamics itself runs on the grid, and no frame is evaluated
        twice; for the thermostat ``"bussi"`` alone, since ASE's BAOAB passes constraints over.
    path
        File of the trajectory.
    checkpoint_every
        Stored frames between two checkpoints, and as much time between two of the equilibration.
    until
        Stop when there are so many frames; at the full length by default.
    """
    from ase import units

    atoms = make_atoms()
    true_masses = atoms.get_masses()
    atoms.set_masses([trajectory.masses.get(atom.symbol, atom.mass) for atom in atoms])
    cell = atoms.cell.array.copy() if atoms.pbc.any() else None
    rng = np.random.default_rng(trajectory.seed)
    plan = {"plan": json.dumps(asdict(trajectory)), "start": atoms.positions.copy()}
    save = functools.partial(_save, path, plan, atoms, rng)
    stored, settled = _resume(path, plan, atoms, rng)
    if not path.exists():
        scale = np.sqrt(units.kB * trajectory.temperature / atoms.get_masses())[:, None]
        atoms.set_velocities(scale * rng.standard_normal(atoms.positions.shape))
    atoms.calc = make_calculator()
    if label is None:
        assert trajectory.thermostat == "bussi"
        atoms.positions = round_positions(atoms.positions)
        atoms.set_constraint(OnGrid())
    else:
        _label_missing(stored, label, atoms.numbers, cell, checkpoint_every,
                       functools.partial(save, stored, settled))  # fmt: skip
    dynamics = _dynamics(trajectory, atoms, rng)
    end = trajectory.frames if until is None else min(until, trajectory.frames)
    while settled < trajectory.equilibration and end:
        steps = min(checkpoint_every * trajectory.spacing, trajectory.equilibration - settled)
        dynamics.run(steps)
        settled += steps
        save(stored, settled)
    for frame in range(len(stored["E"]), end):
        dynamics.run(trajectory.spacing if frame else 0)
        positions = atoms.positions
        if cell is None:
            positions = positions - true_masses @ positions / true_masses.sum()
        positions = round_positions(positions)
        found = atoms.calc.last_label if label is None else label(atoms.numbers, positions, cell)
        stored["R"].append(positions)
        stored["E"].append(found.energy)
        stored["F"].append(found.forces)
        if found.stress is not None:
            stored["S"].append(found.stress)
        if frame + 1 == end or (frame + 1) % checkpoint_every == 0:
            save(stored, settled)
    return {"z": atoms.numbers, **{key: np.asarray(value) for key, value in stored.items()}}


def run_all(
    run_one: Callable[[Any], str], jobs: Sequence[Any], folder: Path, processes: int
) -> None:
    """Do all jobs, each in one of some processes; with one process, in this one."""
    folder.mkdir(parents=True, exist_ok=True)
    if processes == 1:
        for i, name in enumerate(map(run_one, jobs), 1):
            print(f"{i}/{len(jobs)} {name}", flush=True)
        return
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        for i, name in enumerate(pool.imap_unordered(run_one, jobs), 1):
            print(f"{i}/{len(jobs)} {name}", flush=True)


def _label_missing(
    stored: dict[str, list],
    label: Callable[..., Label],
    numbers: np.ndarray,
    cell: np.ndarray | None,
    checkpoint_every: int,
    save: Callable[[], None],
) -> None:
    """Label the stored frames that have no label yet."""
    missing = np.flatnonzero(np.isnan(stored["E"])) if stored["E"] else []
    for done, frame in enumerate(missing, 1):
        found = label(numbers, stored["R"][frame], cell)
        stored["E"][frame], stored["F"][frame] = found.energy, found.forces
        if found.stress is not None:
            stored["S"][frame] = found.stress
        if done % checkpoint_every == 0 or done == len(missing):
            save()


def _dynamics(trajectory: Trajectory, atoms: Atoms, rng: np.random.Generator) -> MolecularDynamics:
    """ASE's integrator with the trajectory's thermostat."""
    from ase import units
    from ase.md.bussi import Bussi
    from ase.md.langevinbaoab import LangevinBAOAB

    kind, tau = (LangevinBAOAB, "T_tau") if trajectory.thermostat == "langevin" else (Bussi, "taut")
    return kind(
        atoms,
        trajectory.timestep * units.fs,
        temperature_K=trajectory.temperature,
        rng=rng,
        **{tau: trajectory.damping_time * units.fs},
    )


def _save(
    path: Path,
    plan: dict[str, Any],
    atoms: Atoms,
    rng: np.random.Generator,
    stored: dict[str, list],
    settled: int,
) -> None:
    """Replace the checkpoint by one with the frames so far."""
    with atomic_write(path) as partial, open(partial, "wb") as stream:
        np.savez(
            stream,
            **{key: np.asarray(value) for key, value in stored.items()},
            **plan,
            z=atoms.numbers,
            cell=atoms.cell.array if atoms.pbc.any() else np.zeros((0, 3)),
            md_positions=atoms.positions,
            md_momenta=atoms.get_momenta(),
            rng=json.dumps(rng.bit_generator.state),
            equilibrated=settled,
        )


def _resume(
    path: Path, plan: dict[str, Any], atoms: Atoms, rng: np.random.Generator
) -> tuple[dict[str, list], int]:
    """The frames of a checkpoint and its steps of equilibration; none without a checkpoint.

    Atoms and generator are set to where it was.
    """
    if not path.exists():
        return {"R": [], "E": [], "F": [], "S": []}, 0
    with np.load(path) as data:
        if any(not np.array_equal(data[key], plan[key]) for key in plan):
            raise SystemExit(f"{path} was made by another plan: move it away, or restore it")
        atoms.positions = data["md_positions"]
        atoms.set_momenta(data["md_momenta"])
        rng.bit_generator.state = json.loads(str(data["rng"]))
        stored = {key: list(data[key]) for key in ("R", "E", "F", "S")}
        return stored, int(data["equilibrated"])
