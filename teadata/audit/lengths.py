"""Whether positions are in the unit that they are taken for: bonds have the length of bonds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from teadata import units
from teadata.audit.finding import evenly
from teadata.elements import COVALENT_RADII
from teadata.frames import Frames
from teadata.structure.bonds import STRETCH
from teadata.structure.neighbours import distances
from teadata.typing import Floats

NOBLE = (2, 10, 18, 36, 54, 86)
"""Elements whose atoms are left out, as they have no bonds."""

FRAMES = 30
"""Frames that are looked at, evenly spread."""

BONDS = (0.65, STRETCH + 0.1)
"""An atom's nearest neighbour in a molecule or a solid is this far, in sums of covalent radii."""

FEW, MOST = 0.01, 0.8
"""Lengths are suspect if fewer atoms than the first share have a neighbour at the distance of a
bond, and if more than the second have in another unit."""

LEAST = 0.5
"""In cells it is not looked whether lengths should be shorter than this many times."""


@dataclass(frozen=True)
class OtherUnit:
    """The unit that lengths seem to be in, and how much longer they are in Å."""

    name: str
    longer: float

    def __str__(self) -> str:
        times = self.longer if self.longer > 1 else 1 / self.longer
        what = f"{times:.3g} times {'longer' if self.longer > 1 else 'shorter'}"
        return (
            f"no atom has a neighbour at the distance of a bond, and most would if lengths were "
            f"{what}: positions seem to be in {self.name}; make the dataset again with "
            f"--length-unit {self.name}"
        )


def other_unit(frames: Frames) -> OtherUnit | None:
    """The unit in which atoms have neighbours at the distance of bonds, if in Å none have.

    Nothing is said where some atoms are bonded, or have no neighbour in another unit either, as
    in noble gases, or where atoms are alone or far apart.  Nor of two atoms: they may be so.
    """
    frames = evenly(frames, FRAMES)
    bonding = ~np.isin(frames.numbers, NOBLE)
    if bonding.sum() < (2 if frames.periodic else 3):
        return None
    near = _nearest(frames, BONDS[1])[:, bonding]
    if _share(near, 1.0) > FEW:
        return None
    for name, longer in _others():
        if longer < LEAST and frames.periodic:  # too many images
            continue
        if longer < 1:  # neighbours are farther than was looked
            near = _nearest(frames, BONDS[1] / longer)[:, bonding]
        if _share(near, longer) > MOST:
            return OtherUnit(name, longer)
    return None


def _others() -> Iterator[tuple[str, float]]:
    """Units that lengths may be in that were taken for Å; or Å, taken for another unit."""
    for name, in_angstrom in units.LENGTH_UNITS.items():
        if in_angstrom != 1:
            yield name, in_angstrom
            yield "Å", 1 / in_angstrom


def _share(near: Floats, longer: float) -> float:
    """Share of nearest neighbours (n, A) that are at the distance of a bond."""
    scaled = near * longer
    return float(((scaled > BONDS[0]) & (scaled < BONDS[1])).mean())


def _nearest(frames: Frames, most: float) -> Floats:
    """Distances (n, A) of atoms to their nearest neighbours, in sums of covalent radii.

    Those beyond `most` may be too long.  Noble gases are no neighbours.
    """
    radii = np.array(COVALENT_RADII)[np.minimum(frames.numbers, len(COVALENT_RADII) - 1)]
    sums = radii[:, None] + radii
    sums[:, np.isin(frames.numbers, NOBLE)] = 1e-9
    found = np.empty((len(frames), frames.n_atoms))
    for rows, lengths in distances(frames, most * float(sums.max())):
        found[rows] = (lengths.min(axis=3) / sums).min(axis=2)
    return found
