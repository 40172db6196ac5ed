"""Whether forces pull stretched bonds together: gradients in their place push them apart."""

from __future__ import annotations

import numpy as np

from teadata.audit.finding import Finding, Outcome, Sample, evenly
from teadata.frames import Frames
from teadata.structure.bonds import bond_reach
from teadata.structure.neighbours import near_pairs
from teadata.typing import Floats, Ints

FRAMES = 200
"""Frames that are looked at, evenly spread."""

FEWEST = 10
"""Of fewer frames, or bonds of a kind, nothing is said."""

SURE = 0.5
"""A correlation beyond this is of one sign or the other (``docs/audit.md``)."""


def check_sign(sample: Sample) -> Finding:
    """Check that forces pull bonds together that are longer than their mean.

    The median of :func:`correlations` is judged.
    """
    name, count = "sign of forces", len(sample.frames)
    found = correlations(sample.frames)
    if count < FEWEST or len(found) == 0:
        what = "frames" if count < FEWEST else "bonds of a kind"
        return Finding(name, "not judged", f"fewer than {FEWEST} {what}", {"bonds": 0})
    median = float(np.median(found))
    outcome: Outcome = "fail" if median > SURE else "pass" if median < -SURE else "not judged"
    text = f"length of a bond and force along it: median correlation {median:.2f}"
    if median > SURE:
        text += (
            ": stretched bonds are pushed apart, as by gradients of the energy in place of forces; "
            "turn the sign of the forces"
        )
    elif median > -SURE:
        text += ", which says nothing about the sign"
    return Finding(name, outcome, text, {"median": median, "bonds": len(found)})


def correlations(frames: Frames) -> Floats:
    """Correlation of length and outward force of bonds of a kind, for each bond in a frame, (B,).

    Bonds are looked for in each of at most :data:`FRAMES` frames.  Of a kind are the bonds of two
    atoms, if these are bonded in :data:`FEWEST` frames or more, else those of two elements.  Bonds
    of rarer kinds, or of a kind whose length or force is always the same, are left out.
    """
    pairs, lengths, outward = _bonds(evenly(frames, FRAMES))
    _, kind = np.unique(_kinds(frames.numbers, pairs), return_inverse=True)
    members = np.bincount(kind)
    x, y = (values - (np.bincount(kind, values) / members)[kind] for values in (lengths, outward))
    spread = np.sqrt(np.bincount(kind, x**2) * np.bincount(kind, y**2))
    judged = (members >= FEWEST) & (spread > 1e-9)
    correlation = np.bincount(kind, x * y) / np.where(judged, spread, 1.0)
    found: Floats = correlation[kind][judged[kind]]
    return found


def _bonds(frames: Frames) -> tuple[Ints, Floats, Floats]:
    """All bonds of all frames: which pair of atoms, length in Å, and force along it, (B,) each.

    Pairs are numbered as in ``np.triu_indices``.  The force is the difference of those on the two
    atoms, in kcal/mol/Å; positive ones push the atoms apart.
    """
    first, second = np.triu_indices(frames.n_atoms, 1)
    reach = bond_reach(frames.numbers)[first, second]
    parts = []
    for near in near_pairs(frames, first, second, reach):
        forces, row, pair = near.frames.forces, near.row, near.pair
        force = forces[row, second[pair]] - forces[row, first[pair]]
        parts.append((pair, near.length, (force * near.arm).sum(axis=1) / near.length))
    pairs, lengths, outward = (np.concatenate(part) for part in zip(*parts, strict=True))
    return pairs, lengths, outward


def _kinds(numbers: Ints, pairs: Ints) -> Ints:
    """A number for the kind of each bond (B,), from the atomic numbers (A,) and pairs (B,)."""
    first, second = (numbers[atoms] for atoms in np.triu_indices(len(numbers), 1))
    elements = np.minimum(first, second) * (numbers.max() + 1) + np.maximum(first, second)
    often = np.bincount(pairs, minlength=len(elements)) >= FEWEST
    kinds: Ints = np.where(often, np.arange(len(elements)), -1 - elements)[pairs]
    return kinds
