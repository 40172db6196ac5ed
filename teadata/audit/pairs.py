"""A potential of pairs, fitted to forces: what they say of energies and stress."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from teadata.audit.finding import evenly
from teadata.frames import Frames
from teadata.structure.neighbours import near_pairs, periodic_vectors
from teadata.typing import Floats, Ints

FRAMES = 100
"""Frames of a subset that are looked at, evenly spread."""

FEWEST = 20
"""Of fewer frames nothing is said."""

CUTOFF = 5.0
"""Pairs of atoms farther apart have no energy, in Å; in a cell, than half its narrowest width."""

FUNCTIONS = 14
"""Functions of distance for each pair of elements."""


@dataclass(frozen=True)
class PairPotential:
    """A sum over pairs of atoms, and for each pair of elements over Gaussians of the distance.

    Parameters
    ----------
    frames
        The frames that it was fitted to.
    energies
        (N,) its energies of them, in kcal/mol.
    coefficients
        Those of the functions, for each pair of elements in turn, in kcal/mol.
    explained
        Share of the squared forces that it explains.
    reach
        The distance in Å from which its energies are zero.
    """

    frames: Frames
    energies: Floats
    coefficients: Floats
    explained: float
    reach: float

    def stress(self) -> Floats:
        """Its stress of the frames, (N, 3, 3) in kcal/mol/Å³: negative under compression."""
        frames, reach = self.frames, self.reach
        first, second, kind = _kinds(frames)
        virials = []
        for near in near_pairs(frames, first, second, reach, 3 * frames.n_atoms * FUNCTIONS):
            _, slopes = _functions(near.length, reach)
            of_kind = self.coefficients.reshape(-1, FUNCTIONS)[kind[near.pair]]
            slope = (slopes * of_kind).sum(axis=1) / near.length
            products = (slope[:, None] * near.arm)[:, :, None] * near.arm[:, None, :]
            places = 9 * near.row[:, None] + np.arange(9)
            virials.append(_summed(places, products.reshape(-1, 9), (len(near.frames), 9)))
        stress: Floats = np.concatenate(virials).reshape(-1, 3, 3) / frames.volumes[:, None, None]
        return stress


def fitted(frames: Frames) -> PairPotential | None:
    """Fit a potential of pairs to the forces of some frames, by least squares.

    Its energies and stress are in the units that belong to the forces.

    Returns
    -------
    PairPotential or None
        None for fewer than :data:`FEWEST` frames, or where no forces act.
    """
    frames = evenly(frames, FRAMES)
    if len(frames) < FEWEST or frames.n_atoms < 2:
        return None
    reach = _reach(frames)
    energies, squares, products = _equations(frames, reach)
    size = float(np.trace(squares)) / len(squares)
    total = float((frames.forces**2).sum())
    if min(size, total) == 0:
        return None
    solved = np.linalg.solve(squares + 1e-6 * size * np.eye(len(squares)), products)
    coefficients = solved.astype(np.float64, copy=False)
    explained = float(coefficients @ products) / total
    return PairPotential(frames, energies @ coefficients, coefficients, explained, reach)


def _kinds(frames: Frames) -> tuple[Ints, Ints, Ints]:
    """The two atoms of all pairs, and the number of each pair's two elements."""
    first, second = np.triu_indices(frames.n_atoms, 1)
    elements = np.sort(frames.numbers[np.stack([first, second])], axis=0)
    _, kind = np.unique(elements, axis=1, return_inverse=True)
    return first, second, kind.ravel()


def _equations(frames: Frames, reach: float) -> tuple[Floats, Floats, Floats]:
    """Energies (N, m) per coefficient, and the forces' normal equations, (m, m) and (m,)."""
    first, second, kind = _kinds(frames)
    width = FUNCTIONS * (int(kind.max()) + 1)
    energies, squares, products = [], np.zeros((width, width)), np.zeros(width)
    for near in near_pairs(frames, first, second, reach, 3 * frames.n_atoms * width):
        some, row, pair = near.frames, near.row, near.pair
        value, slope = _functions(near.length, reach)
        column = FUNCTIONS * kind[pair, None] + np.arange(FUNCTIONS)
        energies.append(_summed(row[:, None] * width + column, value, (len(some), width)))
        pull = slope[:, None] * (near.arm / near.length[:, None])[:, :, None]
        forces = np.zeros((3 * frames.n_atoms * len(some), width))
        for atom, sign in ((first[pair], 1.0), (second[pair], -1.0)):
            line = 3 * (row * frames.n_atoms + atom)[:, None] + np.arange(3)
            forces += sign * _summed(line[:, :, None] * width + column[:, None], pull, forces.shape)
        squares += forces.T @ forces
        products += some.forces.ravel() @ forces
    return np.concatenate(energies), squares, products


def _summed(places: Ints, values: Floats, shape: tuple[int, int]) -> Floats:
    """Values added up at their places in a flat array of a shape."""
    size = shape[0] * shape[1]
    sums = np.bincount(places.ravel(), values.ravel(), minlength=size)
    return sums.reshape(shape).astype(np.float64, copy=False)


def _functions(length: Floats, reach: float) -> tuple[Floats, Floats]:
    """Gaussians (Q, K) of distances (Q,), which vanish smoothly at `reach`, and their slopes."""
    centres, spacing = np.linspace(0.5, reach, FUNCTIONS, endpoint=False, retstep=True)
    from_centre = (length[:, None] - centres) / spacing
    gaussian = np.exp(-0.5 * from_centre**2)
    inside = (1 - length / reach)[:, None]
    slope = -gaussian * (inside**2 * from_centre / spacing + 2 * inside / reach)
    return gaussian * inside**2, slope


def _reach(frames: Frames) -> float:
    """The distance to which pairs have an energy: of one image at most, in any frame."""
    vectors = periodic_vectors(frames)
    planes = np.linalg.norm(np.linalg.pinv(vectors), axis=1).max(initial=0.0)
    return min(CUTOFF, 0.5 / planes) if planes > 0 else CUTOFF
