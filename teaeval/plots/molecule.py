"""Drawing a structure: atoms as shaded spheres, bonds, depth, and the cell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from teadata.elements import COVALENT_RADII
from teadata.frames import Frames
from teadata.typing import Floats

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ELEMENTS = {
    1: "#F2F2F2",
    6: "#7A7A7A",
    7: "#3F62D8",
    8: "#D8342C",
    9: "#70C24A",
    15: "#E58A20",
    16: "#DCC83A",
    17: "#3CB54A",
    35: "#9A3324",
    53: "#8E3AA8",
    82: "#4A4F57",
}
"""Colours of elements, near to those of Fig. SI 4: H white, C grey, N blue, O red."""

OTHER = "#D98BC0"
"""Colour of every other element."""

BOND = 0.11
"""Half the width of a bond, Å."""

STRETCH = 1.2
"""Atoms are bonded if nearer than this many times the sum of their covalent radii."""

LATTICE = 1.3
"""The same for two atoms heavier than calcium: in a lattice of ions distances are longer."""

VACUUM = 4.0
"""A gap in a cell along z wider than this is a vacuum, Å: the cell is then drawn cut to it."""


def sphere(number: int) -> float:
    """Drawn radius of an element's atoms, Å."""
    radius = COVALENT_RADII[min(number, len(COVALENT_RADII) - 1)]
    return 0.18 + 0.38 * radius


@dataclass(frozen=True, eq=False)
class View:
    """One frame as it is drawn: x to the right, y up, z towards the reader, all in Å.

    Parameters
    ----------
    numbers
        (A,) atomic numbers.
    xyz
        (A, 3) atoms.
    bonds
        (B, 2) atoms that are bonded.
    edges
        (12, 2, 3) edges of the cell, or None.
    turn
        (3, 3) rotation that was applied.
    """

    numbers: NDArray[np.int64]
    xyz: Floats
    bonds: NDArray[np.int64]
    edges: Floats | None
    turn: Floats


def view(frame: Frames) -> View:
    """A frame as it is best seen.

    A molecule shows its two longest principal axes; of a slab in a vacuum or a crystal the z
    axis is up, seen from above or from the side.  Atoms of a crystal are put into its cell.

    Parameters
    ----------
    frame
        One frame.
    """
    positions, cell = frame.positions[0], None
    if frame.periodic and frame.cell is not None:
        cell = frame.cell[0]
        positions = _wrapped(positions, cell, frame.pbc)
        slab = _is_slab(positions, cell)
        turn = _tilted(-0.75 if slab else -1.35, 0.15 if slab else 0.32)
    else:
        centred = positions - positions.mean(axis=0)
        # one or two atoms have three axes, too
        centred = np.pad(centred, ((0, max(0, 3 - len(centred))), (0, 0)))
        axes = np.linalg.svd(centred, full_matrices=False)[2]
        turn = axes * np.sign(np.linalg.det(axes))
        # the long axis level, a little of the third seen
        turn = _tilted(0.25, 0.0) @ turn
    centre = positions.mean(axis=0)
    edges = None if cell is None else (_edges(cell, positions) - centre) @ turn.T
    return View(
        numbers=frame.numbers,
        xyz=(positions - centre) @ turn.T,
        bonds=_bonds(frame.numbers, positions),
        edges=edges,
        turn=turn,
    )


def _tilted(lean: float, spin: float) -> Floats:
    """Rotation about the upright axis, then towards the reader, radians."""
    c, s = np.cos(lean), np.sin(lean)
    towards = np.array([[1, 0, 0], [0, c, -s], [0, s, c]])
    c, s = np.cos(spin), np.sin(spin)
    turn: Floats = towards @ np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
    return turn


def _wrapped(positions: Floats, cell: Floats, pbc: NDArray[np.bool_]) -> Floats:
    """Atoms within the cell, whose origin is put where fewest bonds cross its faces."""
    shares = positions @ np.linalg.inv(cell)
    for axis in np.flatnonzero(pbc):
        values = np.sort(shares[:, axis] % 1)
        gaps = np.diff(np.concatenate([values, [values[0] + 1]]))
        widest = int(gaps.argmax())
        start = (values[widest] + gaps[widest] / 2) % 1
        shares[:, axis] = (shares[:, axis] - start) % 1 + start
    return shares @ cell


def _is_slab(positions: Floats, cell: Floats) -> bool:
    return bool(np.linalg.norm(cell[2]) - np.ptp(positions[:, 2]) > VACUUM)


def _edges(cell: Floats, positions: Floats) -> Floats:
    """The twelve edges of the cell about its atoms, (12, 2, 3)."""
    corners = np.array(list(np.ndindex(2, 2, 2))) @ cell
    corners += positions.mean(axis=0) - corners.mean(axis=0)
    if _is_slab(positions, cell):
        low, high = positions[:, 2].min() - 1, positions[:, 2].max() + 1
        corners[:, 2] = np.clip(corners[:, 2], low, high)
    pairs = [(a, b) for a in range(8) for b in range(a) if (a ^ b).bit_count() == 1]
    edges: Floats = corners[np.array(pairs)]
    return edges


def _bonds(numbers: NDArray[np.int64], positions: Floats) -> NDArray[np.int64]:
    """Pairs of bonded atoms within the drawn cell, (B, 2)."""
    radii = np.array(COVALENT_RADII)[np.minimum(numbers, len(COVALENT_RADII) - 1)]
    i, j = np.triu_indices(len(numbers), k=1)
    stretch = np.where((numbers[i] > 20) & (numbers[j] > 20), LATTICE, STRETCH)
    near = np.linalg.norm(positions[i] - positions[j], axis=1) < stretch * (radii[i] + radii[j])
    # two hydrogens share no bond in any of these systems but in H2
    near &= (numbers[i] > 1) | (numbers[j] > 1) | (numbers == 1).all()
    return np.stack([i[near], j[near]], axis=1)


def element_colours(numbers: NDArray[np.int64]) -> list[str]:
    """Colour of each atom by its element."""
    return [ELEMENTS.get(int(z), OTHER) for z in numbers]


def draw(ax: Axes, seen: View, colours: Sequence[Any], fog: float = 0.35) -> None:
    """Draw a structure, an atom a circle, in order of depth.

    Parameters
    ----------
    ax
        Where; its axes are turned off.
    seen
        From :func:`view`.
    colours
        Of each atom, anything that Matplotlib takes.
    fog
        How much of the farthest atom's colour is white.
    """
    xyz = seen.xyz
    depth = xyz[:, 2]
    near = (depth - depth.min()) / max(float(np.ptp(depth)), 1e-9)
    fade = fog * (1 - near) if np.ptp(depth) > 1 else np.zeros(len(depth))
    radii = np.array([sphere(int(z)) for z in seen.numbers])
    _draw_bonds(ax, seen, radii, fade)
    for i, colour in enumerate(colours):
        _draw_atom(ax, xyz[i], radii[i], colour, fade[i], f"atom-{i}")
    if seen.edges is not None:
        for edge in seen.edges:
            level = min(float(edge[:, 2].mean()), float(depth.min()))
            ax.plot(*edge[:, :2].T, color="0.6", linewidth=0.7, zorder=9 + level)
    points = xyz if seen.edges is None else np.concatenate([xyz, seen.edges.reshape(-1, 3)])
    low, high = points[:, :2].min(axis=0) - 0.8, points[:, :2].max(axis=0) + 0.8
    ax.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), aspect="equal")
    ax.axis("off")


def _draw_bonds(ax: Axes, seen: View, radii: Floats, fade: Floats) -> None:
    """Draw bonds as grey bars between the surfaces of atoms of these radii (A,) and fog (A,)."""
    from matplotlib.patches import Polygon

    # artists, not patches: of each patch Matplotlib would compute how far it reaches
    for a, b in seen.bonds:
        shape = _bond(seen.xyz[a], seen.xyz[b], radii[a], radii[b])
        if shape is not None:
            shade = 0.38 + 0.6 * float(fade[a] + fade[b]) / 2
            level = float(seen.xyz[a, 2] + seen.xyz[b, 2]) / 2
            bond = Polygon(shape, facecolor=str(shade), edgecolor="none", zorder=10 + level)
            ax.add_artist(bond)


def _draw_atom(ax: Axes, at: Floats, radius: float, colour: Any, fade: float, gid: str) -> None:
    """Draw an atom as a circle with a rim, and light on it from the upper left."""
    from matplotlib.colors import to_rgb
    from matplotlib.patches import Circle

    base = np.array(to_rgb(colour))
    rim = base * 0.45 + fade * (1 - base * 0.45)
    fill = base + fade * (1 - base)
    ax.add_artist(
        Circle(
            (at[0], at[1]),
            radius,
            facecolor=fill,
            edgecolor=rim,
            linewidth=0.6,
            zorder=10 + at[2],
            gid=gid,
        )
    )
    for size, alpha in ((0.55, 0.18), (0.25, 0.3)):
        light = Circle(
            (at[0] - 0.3 * radius, at[1] + 0.3 * radius),
            size * radius,
            facecolor="white",
            edgecolor="none",
            alpha=alpha,
            zorder=10 + at[2] + 1e-3,
        )
        ax.add_artist(light)


def _bond(a: Floats, b: Floats, radius_a: float, radius_b: float) -> Floats | None:
    """Corners of a bond between the surfaces of two atoms, None if it is seen end on."""
    along = b - a
    length = float(np.linalg.norm(along))
    start, end = a + along * 0.85 * radius_a / length, b - along * 0.85 * radius_b / length
    flat = (end - start)[:2]
    seen = float(np.linalg.norm(flat))
    if seen < 1e-3:
        return None
    side = BOND * np.array([-flat[1], flat[0]]) / seen
    return np.array([start[:2] + side, end[:2] + side, end[:2] - side, start[:2] - side])
