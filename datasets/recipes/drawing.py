"""Pictures of a dataset's page: a structure, distributions, backbone dihedrals."""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from ase.data import covalent_radii
from ase.data.colors import jmol_colors

from teadata.frames import Frames

DPI = 120
# Okabe and Ito's colours, told apart by colour-blind readers.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")


def _view(points: np.ndarray, positions: np.ndarray, periodic: bool) -> np.ndarray:
    """Points as they are seen: a crystal from above, a molecule with its long axes in the page.

    Parameters
    ----------
    points
        (P, 3), Å, to be turned.
    positions
        (A, 3), Å, of the atoms: their principal axes are a molecule's view.
    periodic
        Whether the z axis is up.
    """
    tilt = -1.15 if periodic else 0.45  # towards the reader, radians
    turned = points - positions.mean(axis=0)
    if not periodic:
        axes = np.linalg.svd(positions - positions.mean(axis=0), full_matrices=False)[2]
        turned = turned @ (axes * np.sign(np.linalg.det(axes))).T
    lean = np.array([[1, 0, 0], [0, np.cos(tilt), -np.sin(tilt)], [0, np.sin(tilt), np.cos(tilt)]])
    return turned @ lean.T


def _cell_edges(cell: np.ndarray, low: float, high: float) -> np.ndarray:
    """The twelve edges of a cell, (12, 2, 3) in Å, cut in z to where the atoms are."""
    corners = np.array(list(np.ndindex(2, 2, 2))) @ cell
    corners[:, 2] = np.clip(corners[:, 2], low, high)
    pairs = [(a, b) for a in range(8) for b in range(a) if (a ^ b).bit_count() == 1]
    return corners[np.array(pairs)]


def structure(frames: Frames, path: Path, title: str) -> None:
    """The first frame with bonds and depth, and with its cell if it has one."""
    numbers, positions = frames.numbers, frames.positions[0]
    xyz = _view(positions, positions, frames.periodic)
    radii = covalent_radii[numbers]
    i, j = np.triu_indices(len(numbers), k=1)
    # Heavy metals and their halogens are bonded by ions' distances.
    slack = np.where((numbers[i] > 20) | (numbers[j] > 20), 1.25, 1.2)
    bonded = np.linalg.norm(xyz[i] - xyz[j], axis=1) < slack * (radii[i] + radii[j])
    depth = xyz[:, 2]
    near = (depth - depth.min()) / max(np.ptp(depth), 1e-9)
    extent = np.ptp(xyz[:, :2], axis=0) + 2.5
    width = 6.0
    fig, ax = plt.subplots(figsize=(width, max(2.2, width * extent[1] / extent[0])))
    points_per_angstrom = 72 * width / max(extent)
    fade = 0.45 + 0.55 * near
    for a, b in zip(i[bonded], j[bonded], strict=True):
        ax.plot(
            *xyz[[a, b], :2].T,
            color=str(0.55 - 0.3 * (near[a] + near[b]) / 2),
            lw=0.16 * points_per_angstrom,
            zorder=(depth[a] + depth[b]) / 2 - 0.05,
            solid_capstyle="round",
        )
    for atom in np.argsort(depth):
        ax.scatter(
            *xyz[atom, :2],
            s=(points_per_angstrom * (0.35 + 0.45 * radii[atom])) ** 2 * 0.6,
            color=1 - fade[atom] * (1 - jmol_colors[numbers[atom]]),
            edgecolor=str(0.6 - 0.5 * near[atom]),
            lw=0.6,
            zorder=depth[atom],
        )
    if frames.cell is not None:
        heights = positions[:, 2]
        edges = _cell_edges(frames.cell[0], heights.min() - 1, heights.max() + 1)
        for edge in _view(edges, positions, frames.periodic):
            ax.plot(*edge[:, :2].T, color="0.75", lw=0.7, zorder=depth.min() - 1)
    for z in np.unique(numbers)[::-1]:
        symbol = frames.symbols[int(np.flatnonzero(numbers == z)[0])]
        ax.scatter([], [], s=60, color=jmol_colors[z], edgecolor="0.3", lw=0.6, label=symbol)
    ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
    ax.set(aspect="equal", title=title)
    ax.margins(0.06)
    ax.axis("off")
    fig.savefig(path, dpi=DPI, bbox_inches="tight", metadata={"Software": None})
    plt.close(fig)


MOST_CURVES = 6
"""Subsets that are told apart as curves; more are boxes, one below the other."""


def boxes(tests: dict[str, Frames], path: Path) -> None:
    """As :func:`distributions`, a box of the quartiles for each subset, whiskers 1 to 99 %."""
    height = 1.2 + 0.25 * len(tests)
    fig, (left, right) = plt.subplots(1, 2, figsize=(9, height), sharey=True, layout="constrained")
    lowest = min(frames.energies.min() for frames in tests.values())
    style = {
        "orientation": "horizontal", "whis": (1, 99), "showfliers": False, "patch_artist": True,
        "tick_labels": list(tests), "boxprops": {"facecolor": "0.85"},
        "medianprops": {"color": COLOURS[0], "linewidth": 2},
    }  # fmt: skip
    left.boxplot([frames.energies - lowest for frames in tests.values()], **style)
    right.boxplot([frames.forces.ravel() for frames in tests.values()], **style)
    left.set(xlabel="E − lowest E of the test splits (kcal/mol)")
    left.invert_yaxis()
    right.set(xlabel="force component (kcal/mol/Å)")
    fig.savefig(path, dpi=DPI, metadata={"Software": None})
    plt.close(fig)


def distributions(tests: dict[str, Frames], path: Path) -> None:
    """Relative energies and force components of the test split of each subset."""
    if len(tests) > MOST_CURVES:
        boxes(tests, path)
        return
    fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.2), layout="constrained")
    lowest = min(frames.energies.min() for frames in tests.values())
    every = np.concatenate([frames.energies for frames in tests.values()]) - lowest
    for (name, frames), colour in zip(tests.items(), COLOURS * len(tests), strict=False):
        style = {"histtype": "step", "density": True, "label": name, "color": colour}
        left.hist(
            frames.energies - lowest, bins=np.linspace(0, every.max(), 40), linewidth=1.5, **style
        )
        right.hist(frames.forces.ravel(), bins=81, linewidth=1.5, **style)
    left.set(xlabel="E − lowest E of the test splits (kcal/mol)", ylabel="density")
    right.set(xlabel="force component (kcal/mol/Å)", yscale="log")
    if len(tests) > 1:
        left.legend(frameon=False, fontsize="small")
    fig.savefig(path, dpi=DPI, metadata={"Software": None})
    plt.close(fig)


def ramachandran(angles: np.ndarray, wells: np.ndarray, path: Path) -> None:
    """Dihedrals phi and psi of the residues that have both, one panel per well.

    Parameters
    ----------
    angles
        (N, 13) phi1, psi1, phi2 … in radians.
    wells
        (N,) name of each frame's well.
    """
    names = list(dict.fromkeys(wells.tolist()))
    fig, panels = plt.subplots(
        1, len(names), figsize=(2.5 * len(names), 3.5), sharey=True, layout="constrained"
    )
    for ax, name in zip(panels, names, strict=True):
        chosen = np.degrees(angles[wells == name])
        for residue in range(6):
            ax.scatter(
                chosen[:, 2 * residue],
                chosen[:, 2 * residue + 1],
                s=1,
                alpha=0.4,
                color=COLOURS[residue],
                label=f"residue {residue + 1}",
            )
        ax.set(title=name, xlabel="φ (°)", aspect="equal", xlim=(-180, 180), ylim=(-180, 180))
        ax.set(xticks=(-120, 0, 120), yticks=(-120, 0, 120))
        ax.grid(alpha=0.3)
    panels[0].set_ylabel("ψ (°)")
    handles, labels = panels[0].get_legend_handles_labels()
    fig.legend(handles, labels, loc="outside lower center", ncols=6, frameon=False, markerscale=5)
    fig.savefig(path, dpi=DPI, metadata={"Software": None})
    plt.close(fig)
