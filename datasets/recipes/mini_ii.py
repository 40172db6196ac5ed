"""How mini-ii was made: AcPheAla5Lys in several potential wells, labelled by GFN2-xTB.

    python datasets/recipes/mini_ii.py                # sample, label, write (resumes)
    python datasets/recipes/mini_ii.py --check 20     # relabel 20 stored frames, compare

1. Starting structures: RDKit builds the neutral peptide, the backbone dihedrals are set to
   one of five motifs, each jittered by 10 degrees, side chains as embedded at random, and
   MMFF94 removes the clashes.
2. Langevin dynamics on the GFN2-xTB surface at 500 K, many short independent trajectories;
   a trajectory belongs to one role (train, valid or test).
3. Every stored frame is rounded to the stored precision and labelled at those positions.
4. The wells are found in the backbone dihedrals of all frames (``wells.py``), whatever
   motif a trajectory started from; frames between wells are dropped.
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
import wells

from teadata.frames import Frames

SMILES = "CC(=O)N[C@@H](Cc1ccccc1)C(=O)" + "N[C@@H](C)C(=O)" * 5 + "N[C@@H](CCCCN)C(=O)O"
# C' before, N, C-alpha and C' of each of the seven residues.
CARBONYL_C = (1, 12, 17, 22, 27, 32, 37, 46)
AMIDE_N = (3, 14, 19, 24, 29, 34, 39)
ALPHA_C = (4, 15, 20, 25, 30, 35, 40)

# Backbone (phi, psi), degrees, of the starts.
HELIX, LEFT_HELIX, RIBBON = (-63, -42), (57, 47), (-82, 72)
STRAND, POLYPROLINE = (-120, 130), (-75, 145)
TURN = ((60, 30), (90, 0))  # type I'
STARTS = ("helix", "extended", "ribbon", "hairpin", "left")
LEFT_OUT = ("hairpin", "left")  # of incomplete: the wells with positive phi

CUT = 1.0  # of the clustering, root mean square chord per dihedral (0 to 2)
MIN_FRAMES = 100  # of a cluster that is a well
SIZES = (100, 200, 400)

FRAMES = 25  # per trajectory
# Trajectories of each role, by start.
TRAJECTORIES = {
    "train": {"helix": 6, "extended": 6, "ribbon": 6, "hairpin": 4, "left": 4},
    "valid": {"helix": 6, "extended": 6, "ribbon": 6, "hairpin": 4, "left": 4},
    "test": {"helix": 8, "extended": 8, "ribbon": 8, "hairpin": 12, "left": 12},
}
ENGINE = labels.Engine("GFN2-xTB")
BUILD = publish.BUILD / "mini-ii"


def motif(start: str, rng: np.random.Generator) -> list[tuple[float, float]]:
    """Backbone dihedrals of a start, residue by residue."""
    strands = [(STRAND, POLYPROLINE)[i] for i in rng.integers(2, size=7)]
    return {
        "helix": [HELIX] * 7,
        "extended": strands,
        "ribbon": [RIBBON] * 7,
        "hairpin": [STRAND, STRAND, *TURN, STRAND, STRAND, STRAND],
        "left": [LEFT_HELIX] * 7,
    }[start]


def start_structure(start: str, seed: int):
    """A starting structure: the motif, jittered by a seed; positions in Å."""
    from ase import Atoms
    from rdkit import Chem
    from rdkit.Chem import AllChem, rdMolTransforms

    rng = np.random.default_rng([seed, 1])
    molecule = Chem.AddHs(Chem.MolFromSmiles(SMILES))
    AllChem.EmbedMolecule(molecule, randomSeed=seed)
    conformer = molecule.GetConformer()

    def turn(*atoms_and_angle: float) -> None:
        rdMolTransforms.SetDihedralDeg(conformer, *atoms_and_angle)

    for i, (phi, psi) in enumerate(motif(start, rng)):
        jitter = rng.uniform(-10, 10, 2)
        after = (*AMIDE_N, 47)[i + 1]  # the last residue ends in the O of its COOH
        before, n, alpha, carbonyl = CARBONYL_C[i], AMIDE_N[i], ALPHA_C[i], CARBONYL_C[i + 1]
        turn(before, n, alpha, carbonyl, phi + jitter[0])
        turn(n, alpha, carbonyl, after, psi + jitter[1])
    for before, carbonyl, n, alpha in zip(
        (0, *ALPHA_C), CARBONYL_C, AMIDE_N, ALPHA_C, strict=False
    ):
        turn(before, carbonyl, n, alpha, 180)
    AllChem.MMFFOptimizeMolecule(molecule, maxIters=100)
    return Atoms([a.GetSymbol() for a in molecule.GetAtoms()], conformer.GetPositions())


def trajectory(start: str, role: str, k: int) -> sampling.Trajectory:
    """The k-th trajectory of a role from a kind of start."""
    return sampling.Trajectory(
        name=f"{start}-{role}-{k:03d}",
        seed=1 + (k * 3 + list(TRAJECTORIES).index(role)) * len(STARTS) + STARTS.index(start),
        temperature=500.0,
        timestep=3.0,
        damping_time=40.0,
        masses={"H": 4.0},
        spacing=10,
        equilibration=80,
        frames=FRAMES,
    )


def run_one(job: tuple[str, str, int]) -> str:
    """Run (or read) one trajectory; return its name."""
    plan = trajectory(*job)
    sampling.run(
        plan,
        functools.partial(start_structure, job[0], plan.seed),
        ENGINE.dynamics,
        ENGINE.label,
        BUILD / f"{plan.name}.npz",
    )
    return plan.name


def jobs() -> list[tuple[str, str, int]]:
    """All trajectories, so ordered that every start and role grows evenly."""
    return sorted(
        (
            (start, role, k)
            for role, counts in TRAJECTORIES.items()
            for start, count in counts.items()
            for k in range(count)
        ),
        key=lambda job: (job[2], job),
    )


def backbone(positions: np.ndarray) -> np.ndarray:
    """The dihedrals phi1, psi1, phi2 … phi7 of the backbone, (N, 13) in radians.

    The last residue's psi turns its COOH group only, and is left out.
    """
    quadruples = []
    for i, n in enumerate(AMIDE_N):
        quadruples.append((CARBONYL_C[i], n, ALPHA_C[i], CARBONYL_C[i + 1]))
        if i + 1 < len(AMIDE_N):
            quadruples.append((n, ALPHA_C[i], CARBONYL_C[i + 1], AMIDE_N[i + 1]))
    return wells.dihedrals(positions, np.array(quadruples))


def select(roles: np.ndarray, well: np.ndarray) -> publish.Picked:
    """Rows of each subset and role, in random (seeded) rank order, wells in turn."""
    rng = np.random.default_rng(2023)
    picked = {}
    kept = [name for name in STARTS if name not in LEFT_OUT]
    for role in TRAJECTORIES:
        rows = {
            name: rng.permutation(np.flatnonzero((roles == role) & (well == name)))
            for name in STARTS
        }
        subsets = {"complete": STARTS, "incomplete": kept}
        if role == "test":
            subsets["unknown"] = LEFT_OUT
        for subset, names in subsets.items():
            parts = [rows[name] for name in names]
            equal = len(parts) * min(map(len, parts))
            quota = equal if role == "test" else SIZES[-1]
            picked[subset, role] = publish.round_robin(parts, quota)
    return picked


def build(processes: int) -> None:
    """Sample what is missing, find the wells, write file, split table and card."""
    todo = jobs()
    sampling.run_all(run_one, todo, BUILD, processes)
    frames = publish.read([BUILD / f"{trajectory(*job).name}.npz" for job in todo])
    starts = np.array([todo[i][0] for i in frames.trajectories])
    roles = np.array([todo[i][1] for i in frames.trajectories])
    found = wells.find(backbone(frames.positions), CUT)
    well = wells.name(found, starts, MIN_FRAMES)
    picked = select(roles, well)
    plan = trajectory(*todo[0])
    spacing = plan.spacing * plan.timestep
    counts = {name: int((well == name).sum()) for name in STARTS}
    fields = {
        "id": "mini-ii",
        "version": "1.0.0",
        "title": "AcPheAla5Lys, five potential wells, GFN2-xTB",
        "challenge": "II",
        "system": publish.system("AcPheAla5Lys", frames),
        **publish.common(ENGINE, "neutral singlet, gas phase"),
        "citations": [citations.CHALLENGE, citations.GFN2],
        "subsets": {
            "complete": "all five wells in equal parts",
            "incomplete": "helix, extended and ribbon in equal parts",
            "unknown": "the wells left out of incomplete: hairpin and left-handed helix",
        },
        "sizes": list(SIZES),
        "tasks": ["complete->complete", "incomplete->incomplete", "incomplete->unknown"],
        "sampling": describe(frames, plan, counts),
        "acceptance": {
            "sampled": len(frames),
            "accepted": sum(counts.values()),
            "stored": len(publish.storage_order(picked)),
        },
        "correlation_times": publish.correlation_times(frames, spacing),
        "trajectories": [publish.run_entry(plan, role, start=start) for start, role, _ in todo],
        "changelog": [{"version": "1.0.0", "date": "2026-11-23", "text": "First version."}],
    }
    card = publish.publish(fields, frames, picked)
    print(f"{card.full_id}: {card.acceptance}, {[file.bytes for file in card.files]} bytes")


def describe(frames: Frames, plan: sampling.Trajectory, counts: dict[str, int]) -> str:
    """The card's account of the sampling, with what was measured."""
    return (
        f"{len(jobs())} independent Langevin trajectories on the GFN2-xTB surface (BAOAB, "
        f"{plan.temperature:g} K, {plan.timestep:g} fs, damping time {plan.damping_time:g} fs, "
        f"hydrogen mass {plan.masses['H']:g} u, {plan.equilibration * plan.timestep / 1000:g} ps "
        f"of equilibration), a frame every {plan.spacing * plan.timestep:g} fs. Starts: RDKit/"
        "MMFF94 conformers with the backbone dihedrals of five motifs: right-handed helix, "
        "extended (beta and PPII), C7 ribbon, type I' hairpin, left-handed helix. Wells: "
        "average-linkage clustering of all frames by the cosines and sines of the 13 backbone "
        f"dihedrals, cut at a root mean square chord of {CUT:g} (the merges on either side of "
        f"the cut were at {wells.around_cut(backbone(frames.positions), CUT)}); clusters of fewer "
        f"than {MIN_FRAMES} frames were dropped, and the others, "
        + ", ".join(f"{name} {count}" for name, count in counts.items())
        + " frames, are named by the motif most of their trajectories started from. Train, valid "
        "and test frames come from different trajectories. Positions were rounded to 2^-14 Å "
        "before they were labelled."
    )


if __name__ == "__main__":
    sys.exit(publish.main(__doc__, "mini-ii", ENGINE, build))
