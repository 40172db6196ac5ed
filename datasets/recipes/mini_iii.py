"""How mini-iii was made: 1,8-naphthyridine on graphene, labelled by GFN2-xTB.

    python datasets/recipes/mini_iii.py                # sample, label, write (resumes)
    python datasets/recipes/mini_iii.py --check 10     # relabel 10 stored frames, compare

Dynamics with this engine is too slow to decorrelate the sheet's bending modes, so frames
are drawn, each independently of all others, from a harmonic ensemble at 500 K:

1. The sheet: displacements from the Boltzmann distribution of the GFN2-xTB Hessian of
   pristine graphene in the same cell (two atoms are displaced; translations give the rest).
2. The molecule's own vibrations: likewise, from its Hessian in the gas phase.
3. Where the molecule is: any lateral position, any direction in the plane, either face;
   its height above the plane of the carbons below it, and its tilt, from the Boltzmann
   distribution of the GFN2-xTB adsorption energy, scanned on the flat sheet.
4. Every frame is rounded to the stored precision and labelled at those positions.
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"  # one process per core; must precede tblite

import multiprocessing
import sys

import citations
import labels
import numpy as np
import publish
from sampling import round_positions
from scipy.spatial.transform import Rotation

from teadata.files import atomic_write
from teadata.frames import Frames
from teadata.units import HARTREE

TEMPERATURE = 500.0  # K
KT = labels.BOLTZMANN * TEMPERATURE * HARTREE  # kcal/mol

# The cell and the order of the sheet's atoms are those of the published Challenge III.
REPEATS = 7
CELL = np.array(
    [[17.25837925, 0.0, 0.0], [8.62899692, 14.9458635, 0.0], [0.0, 0.0, 38.70524185]]
)  # Å
SHEET_Z = 16.0  # Å
N_SHEET, N_MOLECULE = 98, 16

# Atom maps are positions in the published order, counted from 1; a hydrogen follows its carbon.
SMILES = "[cH:1]1[cH:2][cH:3][c:4]2[cH:8][cH:6][cH:13][n:7][c:5]2[n:15]1"
HYDROGEN_OF = {0: 8, 1: 9, 2: 10, 7: 11, 12: 13, 5: 15}

QUOTA = {"train": 200, "valid": 100, "test": 200}
CHUNK = 10  # frames labelled between two checkpoints
STEP = 0.01  # Å, of the finite differences
HEIGHTS = np.arange(2.7, 5.31, 0.2)  # Å, of the adsorption scan
SITES = 4  # lateral positions and directions the scan averages over

ENGINE = labels.Engine("GFN2-xTB")
BUILD = publish.BUILD / "mini-iii"


def sheet() -> np.ndarray:
    """Flat graphene, (98, 3) in Å; the two carbons of a primitive cell follow each other."""
    cells = np.array(list(np.ndindex(REPEATS, REPEATS)))
    shifted = cells[:, None] + np.array([0, 2 / 3])[:, None]
    flat = shifted.reshape(-1, 2) / REPEATS @ CELL[:2]
    return flat + np.array([0, 0, SHEET_Z])


def molecule() -> tuple[np.ndarray, np.ndarray]:
    """Numbers and relaxed positions (Å), centred, in the xy plane."""
    from ase import Atoms
    from ase.optimize import BFGS
    from rdkit import Chem
    from rdkit.Chem import AllChem

    embedded = Chem.AddHs(Chem.MolFromSmiles(SMILES))
    AllChem.EmbedMolecule(embedded, randomSeed=1)
    order = np.empty(N_MOLECULE, dtype=int)
    for atom in embedded.GetAtoms():
        if atom.GetAtomicNum() > 1:
            order[atom.GetAtomMapNum() - 1] = atom.GetIdx()
        else:
            parent = atom.GetNeighbors()[0].GetAtomMapNum() - 1
            order[HYDROGEN_OF[parent]] = atom.GetIdx()
    numbers = np.array([atom.GetAtomicNum() for atom in embedded.GetAtoms()])[order]
    atoms = Atoms(numbers, embedded.GetConformer().GetPositions()[order])
    atoms.calc = ENGINE.dynamics(ENGINE.accuracy)
    BFGS(atoms, logfile=None).run(fmax=1e-4, steps=500)
    centred = atoms.positions - atoms.positions.mean(axis=0)
    axes = np.linalg.svd(centred)[2]
    axes *= np.sign(np.linalg.det(axes))
    return numbers, centred @ axes.T


def hessian_columns(
    numbers: np.ndarray, positions: np.ndarray, cell: np.ndarray | None, atoms: list[int]
) -> np.ndarray:
    """Second derivatives by the positions of some atoms, (3 A, 3 n), kcal/mol/Å²."""
    columns = []
    for atom in atoms:
        for axis in range(3):
            forces = []
            for sign in (1, -1):
                moved = positions.copy()
                moved[atom, axis] += sign * STEP
                forces.append(ENGINE.label(numbers, moved, cell).forces.ravel())
            columns.append((forces[1] - forces[0]) / (2 * STEP))
    return np.stack(columns, axis=1)


def sheet_hessian() -> np.ndarray:
    """Hessian of the flat sheet, (294, 294), from the displacement of two atoms."""
    columns = hessian_columns(np.full(N_SHEET, 6), sheet(), CELL, [0, 1])
    block = columns.reshape(REPEATS, REPEATS, 2, 3, 2, 3)
    full = np.empty((REPEATS, REPEATS, 2, 3, REPEATS, REPEATS, 2, 3))
    for i, j in np.ndindex(REPEATS, REPEATS):
        full[:, :, :, :, i, j] = np.roll(block, (i, j), axis=(0, 1))
    return full.reshape(3 * N_SHEET, 3 * N_SHEET)


def modes(hessian: np.ndarray, free: int) -> np.ndarray:
    """Matrix that turns standard normal numbers into thermal displacements, (3 A, n).

    The `free` softest modes, translations and rotations, are left out.
    """
    values, vectors = np.linalg.eigh((hessian + hessian.T) / 2)
    if values[free] <= 0.05:
        raise SystemExit(f"the structure is not a minimum: curvatures {values[: free + 4]}")
    return vectors[:, free:] * np.sqrt(KT / values[free:])


def place(
    carbons: np.ndarray, centre: np.ndarray, height: float, turn: Rotation, shape: np.ndarray
) -> np.ndarray:
    """The molecule above the plane of the carbons below it; positions in Å."""
    images = carbons[:, :2] - centre
    fractional = images @ np.linalg.inv(CELL[:2, :2])
    near = (fractional - np.round(fractional)) @ CELL[:2, :2]
    below = (near**2).sum(axis=1) < 4.0**2
    design = np.column_stack([near[below], np.ones(below.sum())])
    slope_x, slope_y, level = np.linalg.lstsq(design, carbons[below, 2], rcond=None)[0]
    normal = np.array([-slope_x, -slope_y, 1.0]) / np.hypot(1, np.hypot(slope_x, slope_y))
    lean = Rotation.align_vectors([normal], [[0, 0, 1.0]])[0]
    foot = np.array([*centre, level])
    return foot + height * normal + (lean * turn).apply(shape)


def adsorption() -> dict[str, np.ndarray]:
    """Relaxed molecule, Hessians and adsorption energies; computed once."""
    path = BUILD / "adsorption.npz"
    if not path.exists():
        numbers, shape = molecule()
        every = np.concatenate([np.full(N_SHEET, 6), numbers])
        rng = np.random.default_rng(3)
        energy = np.zeros((SITES, len(HEIGHTS)))
        tilted = np.zeros((SITES, 2))
        for site in range(SITES):
            centre, yaw = rng.random(2) @ CELL[:2, :2], rng.uniform(0, 2 * np.pi)
            spin = Rotation.from_euler("z", yaw)

            def bound(height: float, turn: Rotation, centre: np.ndarray = centre) -> float:
                positions = np.concatenate([sheet(), place(sheet(), centre, height, turn, shape)])
                return ENGINE.label(every, positions, CELL).energy

            energy[site] = [bound(height, spin) for height in HEIGHTS]
            best = HEIGHTS[energy[site].argmin()]
            for k, axis in enumerate("xy"):
                tilt = Rotation.from_euler(axis, 0.1)
                tilted[site, k] = bound(best, spin * tilt) - energy[site].min()
        result = {
            "numbers": numbers,
            "shape": shape,
            "sheet_hessian": sheet_hessian(),
            "molecule_hessian": hessian_columns(numbers, shape, None, list(range(16))),
            "energy": energy,
            "tilt_stiffness": 2 * tilted.mean(axis=0) / 0.1**2,
        }
        with atomic_write(path) as partial, open(partial, "wb") as stream:
            np.savez(stream, **result)
    with np.load(path) as data:
        return dict(data)


def draw(frame: int, known: dict[str, np.ndarray]) -> np.ndarray:
    """Positions of a frame, (114, 3) in Å on the stored grid."""
    rng = np.random.default_rng([500, frame])
    shake = modes(known["sheet_hessian"], 3)
    carbons = sheet() + (shake @ rng.standard_normal(shake.shape[1])).reshape(-1, 3)
    shake = modes(known["molecule_hessian"], 6)
    shape = known["shape"] + (shake @ rng.standard_normal(shake.shape[1])).reshape(-1, 3)
    grid = np.linspace(HEIGHTS[0], HEIGHTS[-1], 2000)
    potential = np.interp(grid, HEIGHTS, known["energy"].mean(axis=0))
    weight = np.exp(-(potential - potential.min()) / KT)
    height = rng.choice(grid, p=weight / weight.sum())
    tilt = rng.normal(0, np.sqrt(KT / known["tilt_stiffness"]))
    face = Rotation.from_euler("x", np.pi * rng.integers(2))
    turn = (
        Rotation.from_euler("z", rng.uniform(0, 2 * np.pi))
        * Rotation.from_rotvec([*tilt, 0])
        * face
    )
    centre = rng.random(2) @ CELL[:2, :2]
    return round_positions(np.concatenate([carbons, place(carbons, centre, height, turn, shape)]))


def run_chunk(chunk: int) -> int:
    """Draw and label (or find) a chunk of frames; return how many it holds."""
    path = BUILD / f"frames-{chunk:03d}.npz"
    if not path.exists():
        known = adsorption()
        numbers = np.concatenate([np.full(N_SHEET, 6), known["numbers"]])
        frames = [draw(chunk * CHUNK + i, known) for i in range(CHUNK)]
        found = [ENGINE.label(numbers, positions, CELL) for positions in frames]
        with atomic_write(path) as partial, open(partial, "wb") as stream:
            np.savez(
                stream,
                z=numbers,
                R=np.array(frames),
                E=np.array([label.energy for label in found]),
                F=np.array([label.forces for label in found]),
            )
    return CHUNK


def sample(processes: int) -> None:
    """Draw and label what is missing."""
    BUILD.mkdir(parents=True, exist_ok=True)
    adsorption()
    chunks = range(sum(QUOTA.values()) // CHUNK)
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        for i, _ in enumerate(pool.imap_unordered(run_chunk, chunks), 1):
            print(f"{i * CHUNK} of {len(chunks) * CHUNK} frames", flush=True)


def collect() -> Frames:
    """All frames, forces rounded to what is stored."""
    parts = []
    for path in sorted(BUILD.glob("frames-*.npz")):
        with np.load(path) as data:
            parts.append(
                Frames(
                    numbers=data["z"],
                    positions=data["R"],
                    energies=data["E"],
                    forces=data["F"].astype(np.float32),
                    cell=np.broadcast_to(CELL, (CHUNK, 3, 3)),
                    pbc=(True, True, True),
                )
            )
    return Frames.concatenate(parts)


def describe(frames: Frames) -> str:
    """The card's account of the sampling, with what was measured."""
    known = adsorption()
    minimum = known["energy"].min(axis=1).mean()
    # Vibrations of the sheet and of the molecule, height and two tilts.
    freedom = 3 * N_SHEET - 3 + 3 * N_MOLECULE - 6 + 3
    excess = frames.energies - minimum
    curve = known["energy"].mean(axis=0)
    return (
        f"{len(frames)} independent draws from a harmonic ensemble at {TEMPERATURE:g} K, not "
        "dynamics: sheet and molecule are displaced by the Boltzmann distributions of their "
        "GFN2-xTB Hessians (pristine graphene in this cell, the molecule in the gas phase; finite "
        f"differences of {STEP:g} Å); the molecule lies at any lateral position, in any direction, "
        "on either of its faces, above the plane of the carbons below it, height and tilt from "
        "the Boltzmann distribution of the rigid adsorption energy, averaged over "
        f"{SITES} sites (minimum at {HEIGHTS[curve.argmin()]:.1f} Å, "
        f"{curve[-1] - curve.min():.1f} kcal/mol below {HEIGHTS[-1]:.1f} Å). Anharmonicity and the "
        "effect of adsorption on vibrations and tilt are neglected: the energy lies "
        f"{excess.mean():.1f} kcal/mol above the minimum on average with a standard deviation of "
        f"{excess.std():.1f}, where {freedom} classical harmonic degrees of freedom would have "
        f"{freedom / 2 * KT:.1f} and {np.sqrt(freedom / 2) * KT:.1f}. Frame k is the same "
        "whichever frames were drawn before it; the first are train, then valid, then test. "
        "Positions were rounded to 2^-14 Å before they were labelled."
    )


def build(processes: int) -> None:
    """Draw and label what is missing, then write file, split table and card."""
    sample(processes)
    frames = collect()
    picked, done = {}, 0
    for role, quota in QUOTA.items():
        picked["complete", role] = np.arange(done, done + quota)
        done += quota
    fields = {
        "id": "mini-iii",
        "version": "1.0.0",
        "title": "1,8-Naphthyridine on graphene, GFN2-xTB",
        "challenge": "III",
        "system": publish.system("1,8-naphthyridine on graphene", frames),
        **publish.common(ENGINE, "neutral singlet, periodic, Gamma point"),
        "citations": [citations.CHALLENGE, citations.GFN2],
        "groups": {"mol": [list(range(N_SHEET, N_SHEET + N_MOLECULE))]},
        "subsets": {"complete": "500 K, any adsorption site and direction"},
        "sizes": [50, 100, 200],
        "tasks": ["complete->complete"],
        "sampling": describe(frames),
        "acceptance": {"sampled": len(frames), "accepted": len(frames), "stored": done},
        "changelog": [{"version": "1.0.0", "date": "2026-11-23", "text": "First version."}],
    }
    card = publish.publish(fields, frames, picked, np.arange(done))
    print(f"{card.full_id}: {card.acceptance}, {[file.bytes for file in card.files]} bytes")
    print(card.sampling)


if __name__ == "__main__":
    sys.exit(publish.main(__doc__, "mini-iii", ENGINE, build))
