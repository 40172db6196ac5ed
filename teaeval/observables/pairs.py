"""Radial distribution functions, by pairs of species, with minimum images."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from teadata.elements import SYMBOLS
from teadata.errors import DataError, UsageError
from teadata.frames import cell_volumes
from teadata.typing import Floats, Ints
from teaeval.observables.arrays import checked_cells, checked_numbers, checked_positions, chunks
from teaeval.observables.blocks import slices

IN_CACHE = 1 << 14
"""Coordinates worked on at a time: what the processor's cache holds."""


@dataclass(frozen=True, eq=False)
class RadialDistribution:
    """Distances between two species, counted.

    Parameters
    ----------
    pair
        The species, such as ``("H", "O")``.
    edges
        (B+1,) edges of the bins in Å.
    counts
        (K, B) ordered pairs of atoms at these distances, in each of K blocks of frames.
    ideal
        (K, B) the same of atoms without order at the same mean volume.
    density
        Number density of the second species, 1/Å³.
    frames, centres
        Number of frames, and of atoms of the first species.
    """

    pair: tuple[str, str]
    edges: Floats
    counts: Floats
    ideal: Floats
    density: float
    frames: int
    centres: int

    @property
    def r(self) -> Floats:
        """Middles of the bins, (B,) in Å."""
        found: Floats = (self.edges[1:] + self.edges[:-1]) / 2
        return found

    @property
    def g(self) -> Floats:
        """The radial distribution function g(r), (B,), of all frames."""
        found: Floats = self.counts.sum(axis=0) / self.ideal.sum(axis=0)
        return found

    @property
    def coordination(self) -> Floats:
        """Atoms of the second species within each outer edge of an atom of the first, (B,)."""
        found: Floats = np.cumsum(self.counts.sum(axis=0)) / (self.frames * self.centres)
        return found


def plane_distances(cell: ArrayLike) -> Floats:
    """Distances between opposite faces of cells (…, 3, 3), (…, 3) in Å."""
    inverse = np.linalg.inv(np.asarray(cell, dtype=np.float64))
    found: Floats = 1.0 / np.linalg.norm(inverse, axis=-2)
    return found


def largest_radius(cell: ArrayLike) -> float:
    """Half the least distance between opposite faces of any cell, in Å.

    Nearer than that an atom has one image of every other, and the rounding of fractional
    coordinates finds it.
    """
    return float(plane_distances(cell).min()) / 2


def check_radius(radius: float, cell: ArrayLike, what: str) -> None:
    """Refuse a distance within which atoms have more than one image.

    Raises
    ------
    UsageError
        If it is not positive, or larger than :func:`largest_radius`.
    """
    most = largest_radius(cell)
    if not 0 < radius <= most * (1 + 1e-12):
        raise UsageError(
            f"{what} of {radius:g} Å; expected above 0, and at most half the cell's least width, "
            f"{most:.4g} Å: beyond it minimum images are not all there are"
        )


def minimum_images(positions: Floats, cell: Floats) -> Floats:
    """Vectors (n, A, A, 3) in Å from each atom to the minimum image of each other.

    Parameters
    ----------
    positions
        (n, A, 3) in Å, wrapped or not.
    cell
        (n, 3, 3) in Å.
    """
    fractions = positions @ np.linalg.inv(cell)
    between = fractions[:, None] - fractions[:, :, None]
    between -= np.rint(between)
    found: Floats = between @ cell[:, None]
    return found


def rdf(
    positions: ArrayLike,
    numbers: ArrayLike,
    cell: ArrayLike,
    *,
    pairs: Sequence[tuple[str, str]] | None = None,
    r_max: float | None = None,
    bins: int = 150,
    blocks: int = 1,
) -> dict[tuple[str, str], RadialDistribution]:
    """Radial distribution functions of pairs of species.

    g(r) is the number of pairs in a spherical shell over that of atoms without order, of which
    there are Nₐ·Nᵦ pairs (a = b: Nₐ·(Nₐ−1)) in the mean volume of the frames: it tends to one.

    Parameters
    ----------
    positions
        (N, A, 3) in Å, wrapped or not.
    numbers
        (A,) atomic numbers.
    cell
        (3, 3) or (N, 3, 3) cell vectors as rows in Å, periodic along all three.
    pairs
        Pairs of symbols, in either order or both; all of the species there are by default.
    r_max
        Largest distance in Å; by default the largest for which minimum images are all there are.
    bins
        Number of bins from 0 to `r_max`.
    blocks
        Number of blocks of consecutive frames that are counted apart, for intervals.

    Raises
    ------
    DataError
        If the arrays do not fit each other.
    UsageError
        If a species is not there, `r_max` is beyond half the cell, or there are more blocks than
        frames.
    """
    places = checked_positions(positions)
    z = checked_numbers(numbers, places)
    cells = checked_cells(cell, len(places))
    one = np.asarray(cell).ndim == 2
    reach = largest_radius(cells[:1] if one else cells) if r_max is None else float(r_max)
    check_radius(reach, cells[:1] if one else cells, "r_max")
    if bins < 1:
        raise UsageError(f"{bins} bins; expected at least one")
    wanted = _pairs(z, pairs)
    either_way = list(dict.fromkeys((min(pair), max(pair)) for pair in wanted))
    keep = np.isin(z, sorted({n for pair in wanted for n in pair}))
    kinds = _kinds(z[keep], either_way)
    edges = np.linspace(0.0, reach, bins + 1)
    shells = 4 / 3 * np.pi * np.diff(edges**3)
    parts = slices(len(places), blocks)
    counts = np.stack([
        _count(places[part], keep, cells[part], kinds, reach, bins, len(either_way))
        for part in parts
    ])  # fmt: skip
    volumes = cell_volumes(cells)
    frames_by_volume = np.array([(part.stop - part.start) / volumes[part].mean() for part in parts])
    found = {}
    for first, second in wanted:
        i = either_way.index((min(first, second), max(first, second)))
        na, nb = int((z == first).sum()), int((z == second).sum())
        ordered = na * (na - 1) if first == second else na * nb
        ideal = (frames_by_volume * ordered)[:, None] * shells
        names = (SYMBOLS[first], SYMBOLS[second])
        found[names] = RadialDistribution(
            names,
            edges,
            counts[:, i] * (2.0 if first == second else 1.0),
            ideal,
            nb / float(volumes.mean()),
            len(places),
            na,
        )
    return found


def _pairs(numbers: Ints, pairs: Sequence[tuple[str, str]] | None) -> list[tuple[int, int]]:
    there = sorted(set(numbers.tolist()))
    if pairs is None:
        wanted = list(itertools.combinations_with_replacement(there, 2))
        return [(a, b) for a, b in wanted if a != b or (numbers == a).sum() > 1]
    names = {SYMBOLS[n]: n for n in there}
    for pair in pairs:
        for symbol in pair:
            if symbol not in names:
                raise UsageError(f"no atom {symbol!r} here; there are {', '.join(names)}")
        if pair[0] == pair[1] and (numbers == names[pair[0]]).sum() < 2:
            raise UsageError(f"one atom of {pair[0]} makes no pair {pair[0]}–{pair[1]}")
    return [(names[a], names[b]) for a, b in pairs]


def _kinds(numbers: Ints, wanted: Sequence[tuple[int, int]]) -> Ints:
    """Which of the wanted pairs two atoms are, (A, A); their number for none of them."""
    kinds = np.full((len(numbers), len(numbers)), len(wanted))
    for i, (first, second) in enumerate(wanted):
        match = (numbers[:, None] == first) & (numbers == second)
        kinds[match | match.T] = i
    return kinds


def _count(
    positions: Floats,
    keep: NDArray[np.bool_],
    cells: Floats,
    kinds: Ints,
    reach: float,
    bins: int,
    pairs: int,
) -> Floats:
    """Number of unordered pairs of each kind in each bin, (pairs, bins).

    Fractional coordinates lie as (3, A, n): atoms that are k apart in it are neighbouring slices,
    and one operation works on all frames of a chunk that fits into the cache.
    """
    atoms = len(kinds)
    total = np.zeros((pairs + 1) * (bins + 1), dtype=np.int64)
    scale = bins / reach
    for rows in chunks(len(positions), atoms, IN_CACHE):
        inverse = np.linalg.inv(cells[rows])
        fractions = np.ascontiguousarray(
            np.moveaxis(positions[rows][:, keep] @ inverse, (2, 1, 0), (0, 1, 2))
        )
        metric = np.moveaxis(cells[rows] @ cells[rows].transpose(0, 2, 1), 0, 2) * scale**2
        square = not metric[np.triu_indices(3, 1)].any()
        for k in range(1, atoms):
            delta = fractions[:, k:] - fractions[:, :-k]
            delta -= np.rint(delta)
            binned = _lengths(delta, metric, square)
            np.minimum(binned, bins, out=binned)
            index = binned.astype(np.int64)
            kind = np.diagonal(kinds, k)
            if pairs > 1 or kind.any():
                index += (kind * (bins + 1))[:, None]
            total += np.bincount(index.ravel(), minlength=len(total))
    return total.reshape(pairs + 1, bins + 1)[:pairs, :bins].astype(np.float64)


def _lengths(delta: Floats, metric: Floats, square: bool) -> Floats:
    """Lengths (a, n) of fractional vectors (3, a, n) by metric tensors (3, 3, n)."""
    x, y, z = delta
    if square:
        found = x * x * metric[0, 0] + y * y * metric[1, 1] + z * z * metric[2, 2]
    else:
        found = x * (x * metric[0, 0] + 2 * (y * metric[0, 1] + z * metric[0, 2]))
        found += y * (y * metric[1, 1] + 2 * z * metric[1, 2]) + z * z * metric[2, 2]
    result: Floats = np.sqrt(np.maximum(found, 0.0, out=found), out=found)
    return result


def mutual_neighbours(positions: ArrayLike, cell: ArrayLike, cutoff: float) -> Ints:
    """The atom that each is paired with, (N, A); −1 for none.

    Two atoms are a pair if each is the other's nearest neighbour, and they are nearer than the
    cutoff.

    Parameters
    ----------
    positions
        (N, A, 3) in Å, of two atoms or more.
    cell
        (3, 3) or (N, 3, 3) in Å, periodic along all three.
    cutoff
        Å.

    Raises
    ------
    DataError
        If the arrays do not fit each other, or there is one atom only.
    UsageError
        If the cutoff is beyond half the cell.
    """
    places = checked_positions(positions)
    cells = checked_cells(cell, len(places))
    check_radius(cutoff, cells, "cutoff")
    atoms = places.shape[1]
    if atoms < 2:
        raise DataError("one atom has no neighbour; expected two or more")
    found = np.empty(places.shape[:2], dtype=np.int64)
    diagonal = np.arange(atoms)
    for rows in chunks(len(places), 3 * atoms**2):
        vectors = minimum_images(places[rows], cells[rows])
        squared = np.einsum("nabi,nabi->nab", vectors, vectors)
        squared[:, diagonal, diagonal] = np.inf
        nearest = squared.argmin(axis=2)
        mutual = np.take_along_axis(nearest, nearest, axis=1) == diagonal
        near = squared.min(axis=2) < cutoff**2
        found[rows] = np.where(mutual & near, nearest, -1)
    return found
