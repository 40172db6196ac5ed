"""Whether energies are as spread as the forces say: both in units that belong together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import permutations

import numpy as np

from teadata.audit.finding import Finding, Sample, evenly
from teadata.frames import Frames
from teadata.structure.neighbours import near_pairs, periodic_vectors
from teadata.typing import Floats, Ints
from teadata.units import ENERGY_UNITS

NAME = "energies and forces"

FRAMES = 100
"""Frames of a subset that are looked at, evenly spread."""

FEWEST = 20
"""Of fewer frames nothing is said."""

CUTOFF = 5.0
"""Pairs of atoms farther apart have no energy, in Å; in a cell, than half its narrowest width."""

FUNCTIONS = 14
"""Functions of distance for each pair of elements."""

EXPLAINED, CORRELATED = 0.5, 0.15
"""Share of the squared forces that pairs must explain, and correlation of their energy with the
one that is given, for a judgement."""

TIMES = 8.0
"""Spreads that differ by more than this are of two units."""

SAME_VOLUME = 0.02
"""Where volumes differ by more, relative to their mean, forces do not tell energies apart."""


@dataclass(frozen=True)
class Spread:
    """How energies vary, beside what the forces of the same frames say.

    Parameters
    ----------
    explained
        Share of the squared forces that a potential of pairs explains.
    correlation
        Of its energies with those given.
    ratio
        Standard deviation of the energies given, over that of its own.
    """

    explained: float
    correlation: float
    ratio: float

    @property
    def known(self) -> bool:
        """Whether the ratio can be judged."""
        return self.explained > EXPLAINED and self.correlation > CORRELATED

    @property
    def off(self) -> float:
        """How many times too large or too small the energies' spread is; at least 1."""
        return max(self.ratio, 1 / self.ratio)


def check_spread(sample: Sample) -> Finding:
    """Check that energies vary by as much as forces do work, subset by subset.

    The subset with the most unlikely :func:`spread` is told.
    """
    found = {}
    for subset in sample.card.subsets:
        one = spread(sample.frames[sample.subset(subset)])
        if one is not None and one.known:
            found[subset] = one
    if not found:
        text = "a potential of pairs, fitted to the forces, says too little of the energies"
        return Finding(NAME, "not judged", text)
    evidence = {
        subset: {"explained": s.explained, "correlation": s.correlation, "ratio": s.ratio}
        for subset, s in found.items()
    }
    subset, worst = max(found.items(), key=lambda item: item[1].off)
    text = f"energies of {subset} vary {worst.ratio:.2g} times as much as the forces say"
    if worst.off < TIMES:
        return Finding(NAME, "pass", text, evidence)
    reasons = "; ".join(_reasons(worst.ratio, sample.frames.n_atoms))
    text += (
        f", so one of them is in another unit{f' ({reasons})' if reasons else ''}; make the "
        "dataset again with --energy-unit or --force-unit"
    )
    return Finding(NAME, "warning", text, evidence)


def _reasons(ratio: float, atoms: int) -> Iterator[str]:
    """What would make energies vary `ratio` times as much as they should, within a factor of 4."""
    for (mine, is_mine), (taken, is_taken) in permutations(ENERGY_UNITS.items(), 2):
        if 0.25 < ratio * is_mine / is_taken < 4 and "meV" not in (mine, taken):
            yield f"energies in {mine} taken for {taken}"
    if 0.25 < ratio * atoms < 4:
        yield "energies per atom"


def spread(frames: Frames) -> Spread | None:
    """Fit a potential of pairs to forces, and compare its energies with those given.

    The potential is a sum over pairs of atoms, and for each pair of elements over
    :data:`FUNCTIONS` Gaussians of the distance.  Its coefficients are found by least squares from
    forces alone, and so its energies are in the unit that belongs to the forces.

    Returns
    -------
    Spread or None
        None for fewer than :data:`FEWEST` frames, where energies or forces are all the same, or
        in cells of different volumes.
    """
    frames = evenly(frames, FRAMES)
    if len(frames) < FEWEST or frames.n_atoms < 2 or _volumes_differ(frames):
        return None
    energies, squares, products = _equations(frames)
    size = float(np.trace(squares)) / len(squares)
    total = float((frames.forces**2).sum())
    if min(size, total) == 0:
        return None
    coefficients = np.linalg.solve(squares + 1e-6 * size * np.eye(len(squares)), products)
    ours = energies @ coefficients
    deviations = np.std(ours), np.std(frames.energies)
    if min(deviations) == 0:
        return None
    return Spread(
        explained=float(coefficients @ products) / total,
        correlation=float(np.corrcoef(ours, frames.energies)[0, 1]),
        ratio=float(deviations[1] / deviations[0]),
    )


def _equations(frames: Frames) -> tuple[Floats, Floats, Floats]:
    """Energies (N, m) per coefficient, and the forces' normal equations, (m, m) and (m,)."""
    first, second = np.triu_indices(frames.n_atoms, 1)
    elements = np.sort(frames.numbers[np.stack([first, second])], axis=0)
    _, kind = np.unique(elements, axis=1, return_inverse=True)
    kind = kind.ravel()
    width = FUNCTIONS * (int(kind.max()) + 1)
    reach = _reach(frames)
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


def _volumes_differ(frames: Frames) -> bool:
    vectors = periodic_vectors(frames)
    volumes = np.sqrt(np.abs(np.linalg.det(vectors @ vectors.transpose(0, 2, 1))))
    return bool(np.ptp(volumes) > SAME_VOLUME * volumes.mean())
