"""Whether energies are as spread as the forces say: both in units that belong together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import permutations

import numpy as np

from teadata.audit.finding import Finding, Sample
from teadata.audit.pairs import fitted
from teadata.frames import Frames
from teadata.structure.neighbours import periodic_vectors
from teadata.units import ENERGY_UNITS

NAME = "energies and forces"

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

    Its coefficients are found from forces alone, and so its energies are in the unit that belongs
    to the forces; see :func:`teadata.audit.pairs.fitted`.

    Returns
    -------
    Spread or None
        None for few frames, where energies or forces are all the same, or in cells of different
        volumes.
    """
    if _volumes_differ(frames):
        return None
    pairs = fitted(frames)
    if pairs is None:
        return None
    given = pairs.frames.energies
    deviations = np.std(pairs.energies), np.std(given)
    if min(deviations) == 0:
        return None
    return Spread(
        explained=pairs.explained,
        correlation=float(np.corrcoef(pairs.energies, given)[0, 1]),
        ratio=float(deviations[1] / deviations[0]),
    )


def _volumes_differ(frames: Frames) -> bool:
    vectors = periodic_vectors(frames)
    volumes = np.sqrt(np.abs(np.linalg.det(vectors @ vectors.transpose(0, 2, 1))))
    return bool(np.ptp(volumes) > SAME_VOLUME * volumes.mean())
