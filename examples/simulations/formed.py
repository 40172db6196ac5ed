"""How wrong a model was where a simulation formed a bond, beside GFN2-xTB at the same positions.

For each replica in which two atoms fused: how near such atoms came in the training frames
(elements alike, more than three bonds apart), and how far off the model's energy and forces were
in the first stored frame of the last approach in which these two were nearer, and in the last
stored frame.  Needs the extra ``build`` and the simulations:

    python examples/simulations/formed.py md/physnet/* md/sgdml/*
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # must precede tblite

import numpy as np
from ase import Atoms, units
from ase.neighborlist import natural_cutoffs, neighbor_list
from scipy.sparse.csgraph import shortest_path
from tblite.ase import TBLite

import teadata
from teaeval.md import Plan, Trajectory, find_calculator

KCAL = units.mol / units.kcal  # kcal/mol in an eV
TRAINING = "train/1000"
APART = 3  # bonds; atoms that are fewer apart are near for that reason
COLUMNS = (
    "model", "K", "formed", "nearest in training, Å", "first nearer, Å", "E, kcal/mol",
    "F, kcal/mol/Å", "at the end, Å", "E", "F",
)  # fmt: skip


def nearest(frames: teadata.Frames) -> dict[tuple[str, ...], float]:
    """How near atoms come that are far apart along the bonds, in Å, by their elements."""
    (first,) = frames[:1].to_ase()
    symbols = first.get_chemical_symbols()
    bonds = np.zeros((len(first), len(first)))
    bonds[neighbor_list("ij", first, natural_cutoffs(first, mult=1.2))] = 1
    least: dict[tuple[str, ...], float] = {}
    for a, b in np.argwhere(np.triu(shortest_path(bonds, unweighted=True) > APART)):
        kind = tuple(sorted((symbols[a], symbols[b])))
        apart = np.linalg.norm(frames.positions[:, a] - frames.positions[:, b], axis=1)
        least[kind] = min(least.get(kind, np.inf), apart.min())
    return least


def errors(atoms: Atoms, model, reference) -> tuple[str, str]:
    """Energy of a model less that of the reference, and the MAE of its forces."""
    found = []
    for calculator in (model, reference):
        atoms.calc = calculator
        found.append((atoms.get_potential_energy(), atoms.get_forces()))
    (energy, forces), (true_energy, true_forces) = found
    mae = np.abs(forces - true_forces).mean() * KCAL
    return f"{(energy - true_energy) * KCAL:.1f}", f"{mae:.1f}"


def rows(folder: Path) -> Iterator[tuple[str, ...]]:
    """A row for each replica of a folder of simulations that ended with a bond formed."""
    plan = Plan.model_validate_json((folder / "plan.json").read_text())
    least = nearest(teadata.load(plan.dataset).split(f"{plan.subset}/{TRAINING}"))
    model = find_calculator(plan.calculator, plan.model)
    engine = TBLite(method="GFN2-xTB", accuracy=0.01, verbosity=0)
    for path in sorted(folder.glob("replica-*/outcome.json")):
        failure = json.loads(path.read_text())["failure"]
        if failure is None or "formed" not in failure["message"]:
            continue
        trajectory = Trajectory(path.with_name("trajectory.h5md"))
        names, pair = failure["names"][:2], trajectory.positions[:, failure["atoms"][:2]]
        apart = np.linalg.norm(pair[:, 0] - pair[:, 1], axis=1)
        kind = tuple(sorted(name.rstrip("0123456789") for name in names))
        nearer = 1 + np.flatnonzero(apart >= least[kind])[-1]
        cells = []
        for frame in (min(nearer, len(apart) - 1), len(apart) - 1):
            atoms = Atoms(trajectory.numbers, trajectory.positions[frame])
            cells += [f"{apart[frame]:.2f}", *errors(atoms, model, engine)]
        state = f"{plan.settings.temperature:.0f}"
        yield plan.name, state, "–".join(names), f"{least[kind]:.2f}", *cells


def main() -> None:
    """Print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folders", type=Path, nargs="+", help="of simulations at a temperature")
    print(f"| {' | '.join(COLUMNS)} |\n|---|--:|---|{'--:|' * 7}")
    for folder in parser.parse_args().folders:
        for row in rows(folder):
            print(f"| {' | '.join(row)} |")


if __name__ == "__main__":
    main()
