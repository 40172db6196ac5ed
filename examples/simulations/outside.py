"""How wrong a model was where its simulations broke, beside GFN2-xTB at the same positions.

For each replica that broke: which two atoms were farthest outside of the distances that the
training frames have, in the last stored frame; and how far off the model's energy and forces were
in the frame in which these two had left them, and in the last one.  Distances are compared of
pairs of the same elements and with as many bonds between them, more than three counted together;
beyond two bonds only those that are too near.  Needs the extra ``build`` and the simulations:

    python examples/simulations/outside.py md/physnet/* md/sgdml/*
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
FAR = 4  # bonds; pairs with as many between them, or more, are of one kind
BOTH = 2  # bonds; pairs with as many, or fewer, may also be too far apart
COLUMNS = (
    "model", "K", "atoms", "bonds between", "in training, Å", "first outside, Å", "E, kcal/mol",
    "F, kcal/mol/Å", "at the end, Å", "E", "F",
)  # fmt: skip


class Pairs:
    """All pairs of atoms of a molecule, and how near and how far apart training frames have them.

    Parameters
    ----------
    frames
        The training frames; the bonds are those of the first.
    """

    def __init__(self, frames: teadata.Frames) -> None:
        (first,) = frames[:1].to_ase()
        self.symbols = first.get_chemical_symbols()
        bonds = np.zeros((len(first), len(first)))
        bonds[neighbor_list("ij", first, natural_cutoffs(first, mult=1.2))] = 1
        self.atoms = np.stack(np.triu_indices(len(first), 1))
        self.between = shortest_path(bonds, unweighted=True)[*self.atoms].clip(max=FAR).astype(int)
        names = [
            (*sorted((self.symbols[a], self.symbols[b])), str(count))
            for a, b, count in zip(*self.atoms, self.between, strict=True)
        ]
        _, kinds = np.unique(names, axis=0, return_inverse=True)
        seen, count = self.distances(frames.positions), kinds.max() + 1
        least, most = np.full(count, np.inf), np.zeros(count)
        np.minimum.at(least, kinds, seen.min(0))
        np.maximum.at(most, kinds, seen.max(0))
        self.least, self.most = least[kinds], most[kinds]

    def distances(self, positions: np.ndarray) -> np.ndarray:
        """(N, P) distances in Å of all pairs in frames (N, A, 3)."""
        return np.linalg.norm(positions[:, self.atoms[0]] - positions[:, self.atoms[1]], axis=2)

    def outside(self, distances: np.ndarray) -> np.ndarray:
        """By how many Å distances (N, P) are outside of those in training; negative if within."""
        far = np.where(self.between <= BOTH, distances - self.most, -np.inf)
        return np.maximum(self.least - distances, far)

    def described(self, pair: int) -> tuple[str, str, str]:
        """Names of the two atoms, bonds between them, and the distances of their kind."""
        names = [f"{self.symbols[atom]}{atom}" for atom in self.atoms[:, pair]]
        between = f"{self.between[pair]}{' or more' if self.between[pair] == FAR else ''}"
        far = f" to {self.most[pair]:.2f}" if self.between[pair] <= BOTH else " or more"
        return "–".join(names), between, f"{self.least[pair]:.2f}{far}"


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
    """A row for each replica of a folder of simulations that broke."""
    plan = Plan.model_validate_json((folder / "plan.json").read_text())
    train = json.loads((Path(plan.model) / "plan.json").read_text())["train"]
    pairs = Pairs(teadata.load(plan.dataset).split(train))
    model = find_calculator(plan.calculator, plan.model)
    engine = TBLite(method="GFN2-xTB", accuracy=0.01, verbosity=0)
    for path in sorted(folder.glob("replica-*/outcome.json")):
        if json.loads(path.read_text())["failure"] is None:
            continue
        trajectory = Trajectory(path.with_name("trajectory.h5md"))
        apart = pairs.distances(trajectory.positions)
        outside = pairs.outside(apart)
        pair = int(outside[-1].argmax())
        within = np.flatnonzero(outside[:, pair] <= 0)
        first = within[-1] + 1 if len(within) else 0
        cells = []
        for frame in (min(first, len(apart) - 1), len(apart) - 1):
            atoms = Atoms(trajectory.numbers, trajectory.positions[frame])
            cells += [f"{apart[frame, pair]:.2f}", *errors(atoms, model, engine)]
        yield plan.name, f"{plan.settings.temperature:.0f}", *pairs.described(pair), *cells


def main() -> None:
    """Print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folders", type=Path, nargs="+", help="of simulations at a temperature")
    print(f"| {' | '.join(COLUMNS)} |\n|---|--:|---|{'--:|' * 8}")
    for folder in parser.parse_args().folders:
        for row in rows(folder):
            print(f"| {' | '.join(row)} |", flush=True)


if __name__ == "__main__":
    main()
