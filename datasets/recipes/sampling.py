"""Molecular dynamics that can be killed and picked up again, one file per trajectory.

A recipe describes each trajectory by a :class:`Trajectory`, and :func:`run` brings its
file to the required number of frames.  The file is its own checkpoint: it holds the
frames so far, the velocities and the state of the random generator, and is replaced in
one step, so that a killed run loses at most ``checkpoint_every`` frames.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from teadata.provenance import replacing

if TYPE_CHECKING:
    from ase import Atoms

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
        Time constant of the Langevin thermostat, fs.
    hydrogen_mass
        Mass given to H, in u.  Configurational averages do not depend on masses; a heavy
        hydrogen allows the longer time step.
    spacing
        Steps between stored frames.
    equilibration
        Steps before the first stored frame.
    frames
        Stored frames.
    """

    name: str
    seed: int
    temperature: float
    timestep: float
    damping_time: float
    hydrogen_mass: float
    spacing: int
    equilibration: int
    frames: int


def round_positions(positions: np.ndarray) -> np.ndarray:
    """Round positions (Å) to the grid that is stored, exactly, as float32."""
    return np.round(np.asarray(positions, dtype=np.float64) / POSITION_GRID) * POSITION_GRID


def run(
    trajectory: Trajectory,
    make_atoms: Callable[[], Atoms],
    make_calculator: Callable[[], object],
    label: Callable[[np.ndarray, np.ndarray], tuple[float, np.ndarray]],
    path: Path,
    checkpoint_every: int = 25,
) -> dict[str, np.ndarray]:
    """Bring the trajectory's file to its full length, and return its arrays.

    Langevin dynamics in the BAOAB splitting (Leimkuhler and Matthews, J. Chem. Phys.
    138, 174102, 2013).  Each stored frame is centred on its centre of mass, rounded to
    the stored grid and labelled there, by ``label(numbers, positions)`` in kcal/mol and
    kcal/mol/Å.
    """
    from ase import units
    from ase.md.langevinbaoab import LangevinBAOAB

    atoms = make_atoms()
    true_masses = atoms.get_masses()
    atoms.set_masses(np.where(atoms.numbers == 1, trajectory.hydrogen_mass, true_masses))
    rng = np.random.default_rng(trajectory.seed)
    plan = {"plan": json.dumps(asdict(trajectory)), "start": atoms.positions.copy()}
    stored = _resume(path, plan, atoms, rng)
    if stored is None:
        stored = {"R": [], "E": [], "F": []}
        scale = np.sqrt(units.kB * trajectory.temperature / atoms.get_masses())[:, None]
        atoms.set_velocities(scale * rng.standard_normal(atoms.positions.shape))
    atoms.calc = make_calculator()
    dynamics = LangevinBAOAB(
        atoms,
        trajectory.timestep * units.fs,
        temperature_K=trajectory.temperature,
        T_tau=trajectory.damping_time * units.fs,
        rng=rng,
    )
    for frame in range(len(stored["E"]), trajectory.frames):
        dynamics.run(trajectory.spacing if frame else trajectory.equilibration)
        centred = atoms.positions - true_masses @ atoms.positions / true_masses.sum()
        positions = round_positions(centred)
        energy, forces = label(atoms.numbers, positions)
        stored["R"].append(positions)
        stored["E"].append(energy)
        stored["F"].append(forces)
        if frame + 1 == trajectory.frames or (frame + 1) % checkpoint_every == 0:
            checkpoint = {
                **{key: np.asarray(value) for key, value in stored.items()},
                "z": atoms.numbers,
                "md_positions": atoms.positions,
                "md_velocities": atoms.get_velocities(),
                "rng": json.dumps(rng.bit_generator.state),
            }
            with replacing(path) as partial, open(partial, "wb") as stream:
                np.savez(stream, **checkpoint, **plan)
    return {"z": atoms.numbers, **{key: np.asarray(value) for key, value in stored.items()}}


def _resume(
    path: Path, plan: dict[str, Any], atoms: Atoms, rng: np.random.Generator
) -> dict[str, list] | None:
    """The frames of a checkpoint, with atoms and generator set to where it was; None without."""
    if not path.exists():
        return None
    with np.load(path) as data:
        if any(not np.array_equal(data[key], plan[key]) for key in plan):
            raise SystemExit(f"{path} was made by another plan: move it away, or restore it")
        atoms.positions = data["md_positions"]
        atoms.set_velocities(data["md_velocities"])
        rng.bit_generator.state = json.loads(str(data["rng"]))
        return {key: list(data[key]) for key in ("R", "E", "F")}
