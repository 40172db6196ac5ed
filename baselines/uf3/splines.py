"""Values, gradients and features of B-spline potentials of one element, as array work.

uf3's own featuriser loops over the atoms of a supercell and its calculator has numerical
stress: a dense frame of 32 hydrogen atoms takes them most of a minute.  What is computed here is
the same, see `tests/baselines/uf3/test_backend.py`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from baselines.toolkit.neighbours import AllPairs, pairs_of_pairs
from teadata.errors import MissingExtraError
from teadata.typing import Floats

try:
    from scipy.interpolate import BSpline
    from scipy.sparse import csr_array
except ImportError:
    raise MissingExtraError("scipy", "uf3", "UF3") from None

DEGREE = 3

AT_ONCE = 4096
"""Triangles whose products of splines are in memory at the same time."""


def basis(knots: Floats, lengths: Floats) -> tuple[Floats, Floats]:
    """Evaluate the cubic B-splines (M, K) of a knot sequence, and their derivatives.

    Beyond the last knot all are zero.
    """
    splines = BSpline(knots, np.eye(len(knots) - DEGREE - 1), DEGREE, extrapolate=False)
    values, slopes = splines(lengths), splines(lengths, nu=1)
    return np.nan_to_num(values), np.nan_to_num(slopes)


class Triangles(NamedTuple):
    """Pairs of neighbours j, k of an atom i, each once.

    Parameters
    ----------
    corners
        (T, 3) atoms i, j, k.
    sides
        (T, 3) lengths of ij, ik, jk in Å.
    edges
        (T, 3, 3) vectors along them.
    """

    corners: NDArray[np.int64]
    sides: Floats
    edges: Floats

    @classmethod
    def of(cls, near: AllPairs, cutoff: float) -> Triangles:
        """Find the triangles whose first two sides are within a cutoff in Å."""
        kept = near.lengths < cutoff
        first, second = near.first[kept], near.second[kept]
        vectors = near.vectors[kept]
        ij, ik = pairs_of_pairs(first)
        once = ij < ik
        ij, ik = ij[once], ik[once]
        edges = np.stack([vectors[ij], vectors[ik], vectors[ik] - vectors[ij]], axis=1)
        sides = np.sqrt((edges**2).sum(axis=-1))
        return cls(np.stack([first[ij], second[ij], second[ik]], axis=1), sides, edges)

    def part(self, start: int) -> Triangles:
        """Take :data:`AT_ONCE` triangles from `start` on."""
        kept = slice(start, start + AT_ONCE)
        return Triangles(self.corners[kept], self.sides[kept], self.edges[kept])

    def ends(self, side: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the two atoms of a side: of ij, ik or jk."""
        a, b = ((0, 1), (0, 2), (1, 2))[side]
        return self.corners[:, a], self.corners[:, b]


def derivatives(
    first: NDArray[np.int64], second: NDArray[np.int64], vectors: Floats, atoms: int
) -> csr_array:
    """Make the matrix that turns derivatives (M,) by lengths into those by positions and strain.

    Parameters
    ----------
    first, second
        (M,) atoms between which the lengths are.
    vectors
        (M, 3) from the first to the second, in Å.
    atoms
        How many there are.

    Returns
    -------
    (3 · atoms + 9, M): the derivatives by each coordinate, then by the components (3, 3) of a
    strain of positions and cell, in Å.
    """
    lengths = np.sqrt((vectors**2).sum(axis=1))[:, None]
    # Two images of neighbours can be at one place, where their distance has no direction.
    units = vectors / np.maximum(lengths, 1e-9)
    axes, strains = np.arange(3), 3 * atoms + np.arange(9)
    rows = np.concatenate(
        [3 * second[:, None] + axes, 3 * first[:, None] + axes,
         np.broadcast_to(strains, (len(first), 9))], axis=1,
    )  # fmt: skip
    by_strain = (units[:, :, None] * vectors[:, None, :]).reshape(-1, 9)
    values = np.concatenate([units, -units, by_strain], axis=1)
    columns = np.repeat(np.arange(len(first)), rows.shape[1])
    return csr_array((values.ravel(), (rows.ravel(), columns)), shape=(3 * atoms + 9, len(first)))


def pair_features(near: AllPairs, knots: Floats, atoms: int) -> tuple[Floats, Floats]:
    """Sum the pair splines (K,), with their :func:`derivatives` (3 · atoms + 9, K).

    uf3 counts a pair in both orders.
    """
    values, slopes = basis(knots, near.lengths)
    matrix = derivatives(near.first, near.second, near.vectors, atoms)
    return values.sum(axis=0), matrix @ slopes


def trio_features(
    triangles: Triangles, knots: tuple[Floats, Floats, Floats], atoms: int
) -> tuple[Floats, Floats]:
    """Sum the products of splines (L, M, N), with their :func:`derivatives` stacked before them."""
    shape = tuple(len(each) - DEGREE - 1 for each in knots)
    sums, slopes = np.zeros(shape), np.zeros((3 * atoms + 9, *shape))
    for start in range(0, len(triangles.sides), AT_ONCE):
        part = triangles.part(start)
        bases = [basis(knots[side], part.sides[:, side]) for side in range(3)]
        values = [each[0] for each in bases]
        sums += np.einsum("ta,tb,tc->abc", *values, optimize=True)
        for side in range(3):
            factors = [*values]
            factors[side] = bases[side][1]
            products = np.einsum("ta,tb,tc->tabc", *factors, optimize=True)
            matrix = derivatives(*part.ends(side), part.edges[:, side], atoms)
            slopes += (matrix @ products.reshape(len(products), -1)).reshape(slopes.shape)
    return sums, slopes


def pair_values(near: AllPairs, knots: Floats, coefficients: Floats) -> tuple[Floats, Floats]:
    """Evaluate the pair potential (P,), and its derivatives by the lengths."""
    values, slopes = basis(knots, near.lengths)
    return values @ coefficients, slopes @ coefficients


def trio_values(
    triangles: Triangles, knots: tuple[Floats, Floats, Floats], coefficients: Floats
) -> tuple[Floats, Floats]:
    """Evaluate the three-body potential (T,), and its derivatives (T, 3) by the sides."""
    values, slopes = np.empty(len(triangles.sides)), np.empty(triangles.sides.shape)
    for start in range(0, len(values), AT_ONCE):
        part = slice(start, start + AT_ONCE)
        (a, da), (b, db), (c, dc) = (
            basis(knots[side], triangles.sides[part, side]) for side in range(3)
        )
        # Contracted side by side: first the last one, which has the most splines.
        over_c = np.einsum("tc,abc->tab", c, coefficients, optimize=True)
        over_bc = np.einsum("tab,tb->ta", over_c, b)
        values[part] = (over_bc * a).sum(axis=1)
        slopes[part, 0] = (over_bc * da).sum(axis=1)
        slopes[part, 1] = np.einsum("tab,ta,tb->t", over_c, a, db)
        over_dc = np.einsum("tc,abc->tab", dc, coefficients, optimize=True)
        slopes[part, 2] = np.einsum("tab,ta,tb->t", over_dc, a, b)
    return values, slopes
