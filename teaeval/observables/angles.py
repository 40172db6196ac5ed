"""Angles between neighbours, dihedral angles, Ramachandran maps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from teadata.elements import SYMBOLS
from teadata.errors import DataError, UsageError
from teadata.frames import Frames
from teadata.structure.vesin_lists import neighbour_list
from teadata.typing import Floats, Ints
from teaeval.observables.arrays import (
    checked_cells,
    checked_numbers,
    checked_positions,
    chunks,
    numbers_of,
)
from teaeval.observables.blocks import slices

FLAT = 1e-12
"""Sine below which three atoms are on a line, and a dihedral angle is none."""

CARBON, NITROGEN = 6, 7


@dataclass(frozen=True, eq=False)
class AngularDistribution:
    """Angles at an atom between two of its neighbours, counted.

    Parameters
    ----------
    triple
        Symbols of a neighbour, the atom in the middle, and the other neighbour.
    edges
        (B+1,) edges of the bins in degrees.
    counts
        (K, B) angles in each of K blocks of frames; two neighbours make one angle.
    """

    triple: tuple[str, str, str]
    edges: Floats
    counts: Floats

    @property
    def density(self) -> Floats:
        """Probability density, (B,) in 1/degree; zero where there are no angles at all."""
        total = self.counts.sum(axis=0)
        found: Floats = total / max(float(total.sum()), 1.0) / np.diff(self.edges)
        return found


def adf(
    positions: ArrayLike,
    numbers: ArrayLike,
    triple: tuple[str, str, str],
    cutoff: float,
    *,
    cell: ArrayLike | None = None,
    bins: int = 90,
    blocks: int = 1,
) -> AngularDistribution:
    """Distribution of the angles between neighbours of an atom.

    Neighbours are found by vesin, every periodic image within the cutoff included.

    Parameters
    ----------
    positions
        (N, A, 3) in Å.
    numbers
        (A,) atomic numbers.
    triple
        Symbols of a neighbour, the atom in the middle, and the other neighbour.
    cutoff
        Largest distance of a neighbour from the atom in the middle, in Å.
    cell
        (3, 3) or (N, 3, 3) in Å, periodic along all three; None for a molecule.
    bins
        Number of bins from 0° to 180°.
    blocks
        Number of blocks of consecutive frames that are counted apart, for intervals.

    Raises
    ------
    DataError
        If the arrays do not fit each other.
    UsageError
        If a species is not there, the cutoff is not positive, or there are more blocks than
        frames.
    MissingExtraError
        If vesin is not installed.
    """
    places = checked_positions(positions)
    z = checked_numbers(numbers, places)
    there = {SYMBOLS[n]: n for n in sorted(set(z.tolist()))}
    if isinstance(triple, str) or len(triple) != 3:
        raise UsageError(
            f"triple {triple!r}: expected three symbols, the atom in the middle second, such as "
            "('H', 'O', 'H')"
        )
    for symbol in triple:
        if symbol not in there:
            raise UsageError(f"no atom {symbol!r} here; there are {', '.join(there)}")
    if not cutoff > 0 or bins < 1:
        raise UsageError(f"cutoff {cutoff:g} Å, {bins} bins; expected positive numbers")
    cells = None if cell is None else checked_cells(cell, len(places))
    left, middle, right = (there[symbol] for symbol in triple)
    edges = np.linspace(0.0, 180.0, bins + 1)
    counts = np.zeros((blocks, bins))
    for block, part in enumerate(slices(len(places), blocks)):
        for n in range(part.start, part.stop):
            box = None if cells is None else cells[n]
            angles = _angles(places[n], box, z, cutoff, (left, middle, right))
            counts[block] += np.histogram(angles, edges)[0]
    return AngularDistribution(triple, edges, counts)


def _angles(
    positions: Floats,
    cell: Floats | None,
    numbers: Ints,
    cutoff: float,
    triple: tuple[int, int, int],
) -> Floats:
    """Angles of one frame, (n,) in degrees."""
    left, middle, right = triple
    a, b, every = corners(positions, cell, numbers, cutoff, middle, (left, right))
    found: Floats = every[((a == left) & (b == right)) | ((a == right) & (b == left))]
    return found


def corners(
    positions: Floats,
    cell: Floats | None,
    numbers: Ints,
    cutoff: float,
    middle: int,
    ends: Sequence[int] | None = None,
) -> tuple[Ints, Ints, Floats]:
    """All angles of one frame at atoms of an element, between two neighbours within a cutoff.

    Parameters
    ----------
    positions, cell
        (A, 3) and (3, 3) in Å; no cell for a molecule.
    numbers
        (A,) atomic numbers.
    cutoff
        In Å.
    middle
        Atomic number of the atom in the middle.
    ends
        Atomic numbers of neighbours; None for all.

    Returns
    -------
    array, array, array
        (n,) atomic numbers of the two neighbours, and the angle in degrees.

    Raises
    ------
    MissingExtraError
        If vesin is not installed.
    """
    search = neighbour_list("an angular distribution", cutoff)
    box = np.zeros((3, 3)) if cell is None else cell
    i, j, vectors = search.compute(positions, box, cell is not None, "ijD")
    wanted = numbers[i] == middle
    if ends is not None:
        wanted &= np.isin(numbers[j], ends)
    i, j, vectors = i[wanted].astype(np.int64), j[wanted], vectors[wanted]
    order = np.argsort(i, kind="stable")
    i, j, vectors = i[order], j[order], vectors[order]
    first, second = _within_groups(i)
    u, v = vectors[first], vectors[second]
    cosine = np.einsum("ni,ni->n", u, v)
    cross = np.linalg.norm(np.cross(u, v), axis=1)
    found: Floats = np.degrees(np.arctan2(cross, cosine))
    return numbers[j[first]], numbers[j[second]], found


def _within_groups(groups: Ints) -> tuple[Ints, Ints]:
    """All pairs of rows of the same group, each once; the groups (n,) are in order."""
    end = np.searchsorted(groups, groups, side="right")
    partners = end - np.arange(len(groups)) - 1
    first = np.repeat(np.arange(len(groups)), partners)
    within = np.arange(len(first)) - np.repeat(np.cumsum(partners) - partners, partners)
    return first, first + 1 + within


def dihedrals(positions: ArrayLike, quadruples: ArrayLike) -> Floats:
    """Dihedral angles, (N, D) in degrees from −180 to 180, by the IUPAC convention of sign.

    Parameters
    ----------
    positions
        (N, A, 3) in Å, of molecules that are whole.
    quadruples
        (D, 4) atoms of each angle, in order.

    Raises
    ------
    DataError
        If the shapes are others, an atom does not exist, or three atoms are on a line.
    """
    places = checked_positions(positions)
    atoms: Ints = np.asarray(quadruples, dtype=np.int64)
    if atoms.ndim != 2 or atoms.shape[1] != 4:
        raise DataError(f"dihedral angles are of shape {atoms.shape}; expected (angles, 4) atoms")
    if atoms.size and not (atoms.min() >= 0 and atoms.max() < places.shape[1]):
        raise DataError(
            f"dihedral angles of atoms {atoms.min()} to {atoms.max()}; there are "
            f"{places.shape[1]}, counted from 0"
        )
    found = np.empty((len(places), len(atoms)))
    for rows in chunks(len(places), 12 * max(1, len(atoms))):
        a, b, c, d = np.moveaxis(places[rows][:, atoms], 2, 0)
        before, axis, after = b - a, c - b, d - c
        m, n = np.cross(before, axis), np.cross(axis, after)
        length = np.linalg.norm(axis, axis=-1)
        least = FLAT * length * np.minimum(
            np.linalg.norm(before, axis=-1), np.linalg.norm(after, axis=-1)
        )  # fmt: skip
        if (np.minimum(np.linalg.norm(m, axis=-1), np.linalg.norm(n, axis=-1)) <= least).any():
            raise DataError("three atoms of a dihedral angle are on a line: it has no value")
        sine = (before * n).sum(axis=-1) * length
        found[rows] = np.degrees(np.arctan2(sine, (m * n).sum(axis=-1)))
    return found


@dataclass(frozen=True)
class Backbone:
    """Atoms of the angles φ and ψ of a peptide's residues.

    Parameters
    ----------
    names
        (R,) name of each residue that has both.
    phi, psi
        (R, 4) atoms: C, N, Cα, C and N, Cα, C, N.
    """

    names: tuple[str, ...]
    phi: Ints
    psi: Ints


def backbone(frame: Frames) -> Backbone:
    """The backbone of a peptide, from the bonds of one frame.

    Raises
    ------
    UsageError
        If the frame is not of a peptide with a residue between two others, caps included.
    """
    from teadata.structure.bonds import bonded
    from teadata.structure.residues import residues

    chain = residues(frame)
    if len(chain) < 3:
        raise UsageError(
            f"{frame.formula} is not a peptide with a residue between two others (caps count), "
            "and has no angles φ and ψ"
        )
    bonds, numbers = bonded(frame), frame.numbers
    names, phi, psi = [], [], []
    for before, residue, after in zip(chain, chain[1:], chain[2:], strict=False):
        link = _bond(bonds, numbers, before.atoms, residue.atoms)
        onward = _bond(bonds, numbers, residue.atoms, after.atoms)
        alpha = [a for a in residue.atoms if bonds[a, link[1]] and bonds[a, onward[0]]]
        if len(alpha) != 1:
            continue  # not an α-amino acid
        names.append(residue.name)
        phi.append((*link, alpha[0], onward[0]))
        psi.append((link[1], alpha[0], *onward))
    return Backbone(
        tuple(names),
        np.array(phi, dtype=np.int64).reshape(-1, 4),
        np.array(psi, dtype=np.int64).reshape(-1, 4),
    )


def _bond(
    bonds: np.ndarray, numbers: Ints, first: Sequence[int], second: Sequence[int]
) -> tuple[int, int]:
    """Carbon of the first residue and nitrogen of the second that are bonded."""
    ((carbon, nitrogen),) = [
        (a, b)
        for a in first
        for b in second
        if bonds[a, b] and numbers[a] == CARBON and numbers[b] == NITROGEN
    ]
    return carbon, nitrogen


def ramachandran(phi: ArrayLike, psi: ArrayLike, *, bins: int = 36, blocks: int = 1) -> Floats:
    """Counts of φ and ψ on a map of −180° to 180°, (K, bins, bins) of K blocks of frames.

    Parameters
    ----------
    phi, psi
        (N,) or (N, R) angles in degrees, of N frames; residues are counted together.
    bins
        Number of bins along each.
    blocks
        Number of blocks of consecutive frames that are counted apart.

    Raises
    ------
    DataError
        If the shapes differ, or an angle is not from −180° to 180°.
    UsageError
        If there are more blocks than frames, or no bins.
    """
    x, y = numbers_of(phi, "φ"), numbers_of(psi, "ψ")
    if x.shape != y.shape or x.ndim not in (1, 2) or not len(x):
        raise DataError(f"φ has shape {x.shape}, ψ {y.shape}; expected the same, frames first")
    if not (np.abs([x, y]) <= 180).all():
        raise DataError("φ and ψ: expected degrees from −180 to 180, as dihedrals() gives them")
    if bins < 1:
        raise UsageError(f"{bins} bins; expected at least one")
    edges = np.linspace(-180.0, 180.0, bins + 1)
    return np.stack([
        np.histogram2d(x[part].ravel(), y[part].ravel(), (edges, edges))[0]
        for part in slices(len(x), blocks)
    ])  # fmt: skip
