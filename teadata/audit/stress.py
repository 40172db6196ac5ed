"""Whether stress is as the forces say: of ASE's sign, and in a unit that belongs to them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from teadata.audit.finding import Finding, Sample
from teadata.audit.pairs import fitted
from teadata.frames import Frames
from teadata.typing import Floats
from teadata.units import ENERGY_UNITS, GIGAPASCAL

NAME = "stress and forces"

CORRELATED, OPPOSITE = 0.3, -0.5
"""Correlations above which stress has the forces' sign, and below which it has the other."""

TIMES = 8.0
"""Spreads that differ by more than this are of two units."""

USUAL = ("kcal/mol", "eV", "Hartree")
"""Units of energy that stress is looked for in."""

WITHIN, MOST_REASONS = 4.0, 3
"""Factor within which a unit explains a ratio, and units that are named at most."""

VIRIALS = "virials, not divided by the volume"

UPPER = np.triu_indices(3)
"""Components of a stress that are different numbers."""


@dataclass(frozen=True)
class Agreement:
    """How stress varies from frame to frame, beside what the forces of the same frames say.

    Parameters
    ----------
    correlation
        Of all components' deviations from their means with those of a potential of pairs.
    ratio
        Their standard deviation, over that of the potential's.
    volume
        Mean volume in Å³.
    """

    correlation: float
    ratio: float
    volume: float

    @property
    def known(self) -> bool:
        """Whether sign and size can be judged."""
        return self.correlation > CORRELATED or self.correlation < OPPOSITE

    @property
    def off(self) -> tuple[bool, float]:
        """Whether the sign is the other, and how many times too large or small stress is."""
        return self.correlation < 0, max(self.ratio, 1 / self.ratio)


def check_stress(sample: Sample) -> Finding:
    """Check that stress varies as forces say, subset by subset; the most unlikely one is told."""
    found = {}
    for subset in sample.card.subsets:
        one = agreement(sample.frames[sample.subset(subset)])
        if one is not None and one.known:
            found[subset] = one
    if not found:
        text = "a potential of pairs, fitted to the forces, says too little of the stress"
        return Finding(NAME, "not judged", text)
    evidence = {s: {"correlation": a.correlation, "ratio": a.ratio} for s, a in found.items()}
    subset, worst = max(found.items(), key=lambda item: item[1].off)
    text = (
        f"stress of {subset} varies {worst.ratio:.2g} times as much as the forces say, "
        f"correlation {worst.correlation:.2f}"
    )
    opposite, off = worst.off
    reasons = [] if off < TIMES else _reasons(worst)
    sized = f" ({'; '.join(reasons)})" if reasons else ""
    advice = (
        "write it in the unit of energy over that of length cubed, negative under compression, and "
        "make the dataset again"
    )
    if opposite and VIRIALS in reasons:
        advice += "; if these are virials, with --virial-key in place of --stress-key"
    if opposite:
        return Finding(NAME, "fail", f"{text}: it has the opposite sign{sized}; {advice}", evidence)
    if off < TIMES:
        return Finding(NAME, "pass", text, evidence)
    return Finding(NAME, "warning", f"{text}, so it is in another unit{sized}; {advice}", evidence)


def _reasons(found: Agreement) -> list[str]:
    """What would make stress vary so many times as much as it should, the likeliest first."""
    energies = {f"{name}/Å³": factor for name, factor in ENERGY_UNITS.items() if name in USUAL}
    ratios = {VIRIALS: found.volume}
    for mine, is_mine in {"GPa": GIGAPASCAL, "kbar": GIGAPASCAL / 10, **energies}.items():
        ratios |= {
            f"{mine} taken for {taken}": is_taken / is_mine for taken, is_taken in energies.items()
        }
    off = {reason: abs(math.log(found.ratio / ratio)) for reason, ratio in ratios.items()}
    near = [reason for reason in ratios if off[reason] < math.log(WITHIN)]
    return sorted(near, key=off.__getitem__)[:MOST_REASONS]


def agreement(frames: Frames) -> Agreement | None:
    """Fit a potential of pairs to forces, and compare its stress with the one that is given.

    Compared are the six components' deviations from their means over the frames: what is the same
    in all frames, as the pressure of a homogeneous medium, forces do not tell.

    Returns
    -------
    Agreement or None
        None for few frames, without stress in a cell that is periodic in all directions, or where
        it or forces are all the same.
    """
    if frames.stress is None or not frames.pbc.all() or not (frames.volumes > 0).all():
        return None
    pairs = fitted(frames)
    if pairs is None or pairs.frames.stress is None:
        return None
    ours, given = _deviations(pairs.stress()), _deviations(pairs.frames.stress)
    if min(ours.std(), given.std()) == 0:
        return None
    return Agreement(
        correlation=float(np.corrcoef(ours, given)[0, 1]),
        ratio=float(given.std() / ours.std()),
        volume=float(frames.volumes.mean()),
    )


def _deviations(stress: Floats) -> Floats:
    """Deviations of the six components from their means, (6 N,)."""
    components = stress[:, UPPER[0], UPPER[1]]
    deviations: Floats = (components - components.mean(axis=0)).ravel()
    return deviations
