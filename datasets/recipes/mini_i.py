"""How mini-i was made: Ac-Ala3-NHMe, folded and unfolded, labelled by GFN2-xTB.

    python datasets/recipes/mini_i.py                # sample, label, write (resumes)
    python datasets/recipes/mini_i.py --check 20     # relabel 20 stored frames, compare

1. Starting structures: RDKit builds the peptide, the backbone dihedrals are set to folded
   motifs (alpha and 3-10 helix, type I and II turn) or extended ones (beta, PPII, and C7
   per residue), each jittered by 10 degrees, and MMFF94 removes the clashes.
2. Langevin dynamics on the GFN2-xTB surface at 500 K, many independent trajectories; a
   trajectory belongs to one role (train, valid or test), so no test frame shares a
   trajectory with a training frame.
3. Every stored frame is rounded to the stored precision and labelled at those positions.
4. A frame is *folded* or *unfolded* by its radius of gyration and its intramolecular
   hydrogen bonds, whatever its trajectory started from; frames in the gap are dropped.
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"  # one process per core; must precede tblite

import functools
import math
import multiprocessing
import sys

import citations
import labels
import numpy as np
import publish
import sampling

from teadata.frames import Frames

SMILES = "CC(=O)N[C@@H](C)C(=O)N[C@@H](C)C(=O)N[C@@H](C)C(=O)NC"
CARBONYL_C, CARBONYL_O = (1, 6, 11, 16), (2, 7, 12, 17)
AMIDE_N, ALPHA_C = (3, 8, 13, 18), (4, 9, 14)

# Backbone (phi, psi) per residue, degrees.
FOLDED_MOTIFS = (
    ((-63, -42), (-63, -42), (-63, -42)),  # alpha helix
    ((-57, -30), (-57, -30), (-57, -30)),  # 3-10 helix
    ((-60, -30), (-90, 0), (-63, -42)),  # type I turn, then helix
    ((-63, -42), (-60, -30), (-90, 0)),  # helix, then type I turn
    ((-60, 120), (80, 0), (-75, 145)),  # type II turn
    ((-57, -30), (-57, -30), (-63, -42)),  # 3-10 into alpha helix
)
EXTENDED_RESIDUES = ((-135, 135), (-75, 145), (-82, 72))  # beta, PPII, C7

FRAMES = 150  # per trajectory
QUOTA = {"train": 1000, "valid": 1000, "test": 2500}
# Share of a trajectory's frames expected to be usable, by start: sizes the first round.
EXPECTED = {"folded": 0.80, "unfolded": 0.85}

# The criterion, with a gap between the two sides.
FOLDED_MAX_RG, UNFOLDED_MIN_RG = 3.35, 3.60  # Å
FOLDED_MAX_OH, UNFOLDED_MIN_OH = 3.00, 3.50  # Å
# C=O of residue a to N-H of residue b: beta turn and 3-10 (a, a+3), alpha (a, a+4).
HYDROGEN_BONDS = ((0, 2), (1, 3), (0, 3))

ENGINE = labels.Engine("GFN2-xTB")
BUILD = publish.BUILD / "mini-i"


def start_structure(start: str, k: int, seed: int):
    """A starting structure: the k-th motif, jittered by a seed; positions in Å."""
    from ase import Atoms
    from rdkit import Chem
    from rdkit.Chem import AllChem, rdMolTransforms

    rng = np.random.default_rng([seed, 1])
    molecule = Chem.AddHs(Chem.MolFromSmiles(SMILES))
    AllChem.EmbedMolecule(molecule, randomSeed=1)
    conformer = molecule.GetConformer()
    if start == "folded":
        motif = FOLDED_MOTIFS[k % len(FOLDED_MOTIFS)]
    else:
        motif = tuple(EXTENDED_RESIDUES[k] for k in rng.integers(len(EXTENDED_RESIDUES), size=3))
    for i, (phi, psi) in enumerate(motif):
        jitter = rng.uniform(-10, 10, 2)
        rdMolTransforms.SetDihedralDeg(
            conformer, CARBONYL_C[i], AMIDE_N[i], ALPHA_C[i], CARBONYL_C[i + 1], phi + jitter[0]
        )
        rdMolTransforms.SetDihedralDeg(
            conformer, AMIDE_N[i], ALPHA_C[i], CARBONYL_C[i + 1], AMIDE_N[i + 1], psi + jitter[1]
        )
    before = (0, *ALPHA_C)
    after = (*ALPHA_C, 19)
    for i in range(4):
        rdMolTransforms.SetDihedralDeg(
            conformer, before[i], CARBONYL_C[i], AMIDE_N[i], after[i], 180
        )
    AllChem.MMFFOptimizeMolecule(molecule, maxIters=50)
    return Atoms([a.GetSymbol() for a in molecule.GetAtoms()], conformer.GetPositions())


def radius_of_gyration(numbers: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """Radius of gyration of the heavy atoms, (N,) in Å (equation 11 of the SI)."""
    from ase.data import atomic_masses

    heavy = numbers > 1
    masses = atomic_masses[numbers[heavy]]
    r = positions[:, heavy]
    r = r - np.einsum("a,nai->ni", masses, r)[:, None] / masses.sum()
    return np.sqrt(np.einsum("a,nai,nai->n", masses, r, r) / masses.sum())


def shortest_hydrogen_bond(numbers: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """Shortest O...H distance of the turn and helix hydrogen bonds, (N,) in Å."""
    hydrogens = np.flatnonzero(numbers == 1)
    first = positions[0]
    amide_h = [
        hydrogens[np.linalg.norm(first[hydrogens] - first[n], axis=1).argmin()] for n in AMIDE_N
    ]
    oxygen = [CARBONYL_O[a] for a, _ in HYDROGEN_BONDS]
    hydrogen = [amide_h[b] for _, b in HYDROGEN_BONDS]
    return np.linalg.norm(positions[:, oxygen] - positions[:, hydrogen], axis=2).min(axis=1)


def classify(numbers: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """Subset of each frame: ``"folded"``, ``"unfolded"`` or ``""`` in the gap, (N,)."""
    gyration = radius_of_gyration(numbers, positions)
    bond = shortest_hydrogen_bond(numbers, positions)
    folded = (gyration <= FOLDED_MAX_RG) & (bond <= FOLDED_MAX_OH)
    unfolded = (gyration >= UNFOLDED_MIN_RG) & (bond >= UNFOLDED_MIN_OH)
    return np.where(folded, "folded", np.where(unfolded, "unfolded", ""))


def trajectory(start: str, role: str, k: int) -> sampling.Trajectory:
    """The k-th trajectory of a role from a kind of start."""
    seed = (k * 3 + list(QUOTA).index(role)) * 2 + (start == "unfolded")
    return sampling.Trajectory(
        name=f"{start}-{role}-{k:03d}",
        seed=seed,
        temperature=500.0,
        timestep=2.5,
        damping_time=40.0,
        masses={"H": 4.0},
        spacing=16,
        equilibration=160,
        frames=FRAMES,
    )


def run_one(job: tuple[str, str, int]) -> tuple[str, dict[str, int]]:
    """Run (or read) one trajectory; return its role and its frames per subset."""
    start, role, k = job
    plan = trajectory(start, role, k)
    data = sampling.run(
        plan,
        functools.partial(start_structure, start, k, plan.seed),
        ENGINE.dynamics,
        ENGINE.label,
        BUILD / f"{plan.name}.npz",
    )
    subsets = classify(data["z"], data["R"])
    return role, {name: int((subsets == name).sum()) for name in ("folded", "unfolded")}


def sample(processes: int) -> list[tuple[str, str, int]]:
    """Run trajectories until every role has its quota of each subset; return the jobs."""
    BUILD.mkdir(parents=True, exist_ok=True)
    have = {(subset, role): 0 for subset in EXPECTED for role in QUOTA}
    jobs: list[tuple[str, str, int]] = []
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        while True:
            batch = []
            for (subset, role), count in have.items():
                per_trajectory = EXPECTED[subset] * FRAMES
                n_old = sum(job[:2] == (subset, role) for job in jobs)
                n_new = math.ceil(max(0, QUOTA[role] - count) / per_trajectory)
                batch += [(subset, role, n_old + i) for i in range(n_new)]
            if not batch:
                return jobs
            for i, (role, counts) in enumerate(pool.imap_unordered(run_one, batch), 1):
                for subset, count in counts.items():
                    have[subset, role] += count
                print(f"{i}/{len(batch)} trajectories", have, flush=True)
            jobs += batch


def collect(jobs: list[tuple[str, str, int]]) -> tuple[Frames, np.ndarray, np.ndarray]:
    """All sampled frames, with the role and the subset of each."""
    frames = publish.read([BUILD / f"{trajectory(*job).name}.npz" for job in jobs])
    roles = np.array([jobs[i][1] for i in frames.trajectories])
    return frames, roles, classify(frames.numbers, frames.positions)


def select(roles: np.ndarray, subsets: np.ndarray) -> publish.Picked:
    """Rows of each subset and role, in random (seeded) rank order, as many as the quota."""
    rng = np.random.default_rng(2023)
    picked = {}
    for subset in EXPECTED:
        for role, quota in QUOTA.items():
            rows = np.flatnonzero((roles == role) & (subsets == subset))
            picked[subset, role] = rng.permutation(rows)[:quota]
    for role, quota in QUOTA.items():
        both = [picked["folded", role], picked["unfolded", role]]
        picked["complete", role] = publish.round_robin(both, 2 * quota if role == "test" else quota)
    return picked


def describe(frames: Frames, dropped: int) -> str:
    """The card's account of the sampling, with what was measured."""
    plan = trajectory("folded", "train", 0)
    n_trajectories = len(np.unique(frames.trajectories))
    return (
        f"{n_trajectories} independent Langevin trajectories on the GFN2-xTB surface (BAOAB, "
        f"{plan.temperature:g} K, {plan.timestep:g} fs, damping time {plan.damping_time:g} fs, "
        f"hydrogen mass {plan.masses['H']:g} u, {plan.equilibration * plan.timestep / 1000:g} ps "
        f"of equilibration), a frame every {plan.spacing * plan.timestep:g} fs. Starts: RDKit/"
        "MMFF94 conformers. folded: radius of gyration of "
        f"the heavy atoms <= {FOLDED_MAX_RG:.2f} Å and a turn or helix hydrogen "
        f"bond (C=O of residue i to H-N of i+3 or i+4) with O...H <= "
        f"{FOLDED_MAX_OH:.2f} Å; unfolded: >= {UNFOLDED_MIN_RG:.2f} Å and "
        f"every such O...H >= {UNFOLDED_MIN_OH:.2f} Å; {dropped} of {len(frames)} sampled frames "
        "lay between and were dropped, whatever start their trajectory had; the others were drawn "
        "at random up to the sizes of the splits. Train, valid and test frames come from different "
        "trajectories. Positions were rounded to 2^-14 Å before they were labelled."
    )


def runs(jobs: list[tuple[str, str, int]]) -> list[dict[str, object]]:
    """The card's list of trajectories."""
    plan = trajectory("folded", "train", 0)
    return [publish.run_entry(plan, role, start=start) for start, role, _ in jobs]


def build(processes: int) -> None:
    """Sample what is missing, then write file, split table and card."""
    jobs = sorted(sample(processes))
    frames, roles, subsets = collect(jobs)
    picked = select(roles, subsets)
    dropped = int((subsets == "").sum())
    trajectories = runs(jobs)
    fields = {
        "id": "mini-i",
        "version": "1.0.0",
        "title": "Ac-Ala3-NHMe, folded and unfolded, GFN2-xTB",
        "challenge": "I",
        "system": publish.system("Ac-Ala3-NHMe", frames),
        **publish.common(ENGINE, "neutral singlet, gas phase"),
        "citations": [citations.CHALLENGE, citations.GFN2],
        "subsets": {
            "complete": "folded and unfolded in equal parts",
            "folded": "compact, with a turn or helix hydrogen bond",
            "unfolded": "extended, without one",
        },
        "sizes": [200, 400, 600, 800, 1000],
        "tasks": [
            "complete->complete",
            "folded->folded",
            "folded->unfolded",
            "unfolded->unfolded",
            "unfolded->folded",
        ],
        "sampling": describe(frames, dropped),
        "acceptance": {
            "sampled": len(frames),
            "accepted": len(frames) - dropped,
            "stored": len(publish.storage_order(picked)),
        },
        "correlation_times": publish.correlation_times(frames, trajectories[0]["spacing"]),
        "trajectories": trajectories,
        "changelog": [{"version": "1.0.0", "date": "2026-11-22", "text": "First version."}],
    }
    # Version 1.0.0 stores its frames in the order they were sampled.
    order = np.unique(np.concatenate(list(picked.values())))
    card = publish.publish(fields, frames, picked, order)
    print(f"{card.full_id}: {card.acceptance}, {[file.bytes for file in card.files]} bytes")


if __name__ == "__main__":
    sys.exit(publish.main(__doc__, "mini-i", ENGINE, build))
