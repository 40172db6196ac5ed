"""Checks of geometries: finite values, sound cells, no atoms on top of each other."""

from __future__ import annotations

from typing import Any

import numpy as np

from teadata.audit.finding import Finding, Outcome, Sample, listed, name_ids
from teadata.audit.lengths import other_unit
from teadata.elements import COVALENT_RADII, SYMBOLS
from teadata.frames import Frames
from teadata.structure.fingerprint import CUTOFF
from teadata.typing import Floats, Mask

COLLAPSED = 0.05
"""A cell whose volume is less than this part of the product of its edges has collapsed."""

SMALLEST_ANGLE = 30.0
"""Smallest angle in degrees; a cell with a smaller one, or its supplement, should be reduced."""

FLOOR = 0.5
"""Atoms nearer than this part of the sum of their covalent radii are too close."""


def check_finite(frames: Frames) -> tuple[Mask, Finding]:
    """Look for NaN and infinity: which frames (N,) are finite, and the finding."""
    arrays = {
        name: getattr(frames, name)
        for name in ("positions", "energies", "forces", "cell", "stress")
    }
    counts = {}
    finite = np.ones(len(frames), dtype=np.bool_)
    for name, array in arrays.items():
        if array is None:
            continue
        good = np.isfinite(array)
        if not good.all():
            counts[name] = int((~good).sum())
            finite &= good.reshape(len(frames), -1).all(axis=1)
    if not counts:
        return finite, Finding("finite values", "pass", "no NaN, no infinity")
    text = ", ".join(f"{count} values of {name}" for name, count in counts.items())
    ids = listed(frames, ~finite)
    evidence = {"values": counts, "frames": ids}
    return finite, Finding("finite values", "fail", f"{text}: {name_ids(ids)}", evidence)


def check_cell(frames: Frames, periodic: bool) -> tuple[Mask, Finding]:
    """Check the cells of a periodic system: which frames (N,) have a sound one, and the finding.

    Parameters
    ----------
    frames
        Frames with finite cells, or without.
    periodic
        Whether the card says so.
    """
    every = np.ones(len(frames), dtype=np.bool_)
    if not frames.periodic:
        sound, finding = every, Finding("cell", "pass", "not periodic")
    elif frames.cell is None:
        sound, finding = ~every, Finding("cell", "fail", "periodic, and without cell vectors")
    else:
        sound, finding = _judge_cells(frames, frames.cell)
    if frames.periodic != periodic:
        text = f"the card says {'' if periodic else 'not '}periodic, pbc is {frames.pbc.tolist()}"
        finding = Finding("cell", "fail", f"{text}; {finding.found}", finding.evidence)
    return sound, finding


def _judge_cells(frames: Frames, cell: Floats) -> tuple[Mask, Finding]:
    vectors = _completed(cell, frames.pbc)
    edges = np.linalg.norm(vectors, axis=2)
    volume = np.linalg.det(vectors)
    sound = np.abs(volume) > COLLAPSED * edges.prod(axis=1)
    if not sound.all():
        ids = listed(frames, ~sound)
        text = f"no volume: {name_ids(ids)}; correct the cell vectors"
        return sound, Finding("cell", "fail", text, {"frames": ids})
    angles = _angles(vectors / edges[:, :, None])
    left: Mask = np.less(volume, 0)
    narrow: Mask = np.any(np.minimum(angles, 180 - angles) < SMALLEST_ANGLE, axis=1)
    evidence: dict[str, Any] = {"edges": _span(edges[:, frames.pbc]), "angles": _span(angles)}
    text = "edges {:.4g} to {:.4g} Å".format(*evidence["edges"])
    text += ", angles {:.4g} to {:.4g}°".format(*evidence["angles"])
    if frames.pbc.all():
        evidence["volume"] = _span(frames.volumes)
        evidence["density"] = _span(frames.densities)
        text += ", density {:.4g} to {:.4g} g/cm³".format(*evidence["density"])
    outcome: Outcome = "pass"
    for marked, what in ((left, "left-handed"), (narrow, "narrow")):
        evidence[what] = listed(frames, np.asarray(marked))
        if marked.any():
            outcome = "warning"
            text += f"; {what}: {name_ids(evidence[what])}"
    return sound, Finding("cell", outcome, text, evidence)


def _angles(units: Floats) -> Floats:
    """Angles α, β, γ of cells, (N, 3) in degrees, from their edges' unit vectors (N, 3, 3)."""
    cosines = np.einsum("nix,nix->ni", units[:, [1, 0, 0]], units[:, [2, 2, 1]])
    angles: Floats = np.degrees(np.arccos(np.clip(cosines, -1, 1)))
    return angles


def _completed(cell: Floats, pbc: Mask) -> Floats:
    """Cells (N, 3, 3) in Å whose non-periodic vectors are unit vectors normal to the others.

    Their values in the file mean nothing, and often are zero.
    """
    vectors = cell.copy()
    if pbc.all():
        return vectors
    # The last rows of Vᵀ are normal to the periodic vectors.
    _, _, basis = np.linalg.svd(cell[:, pbc])
    vectors[:, ~pbc] = basis[:, int(pbc.sum()) :]
    flip = np.where(np.linalg.det(vectors) < 0, -1.0, 1.0)
    vectors[:, ~pbc] *= flip[:, None, None]
    return vectors


def _span(values: Floats) -> list[float]:
    return [float(values.min()), float(values.max())]


def check_distances(sample: Sample) -> Finding:
    """Check the shortest distance of each pair of elements, periodic images included."""
    shortest, close = {}, np.zeros(len(sample.frames), dtype=np.bool_)
    for (a, b), values in sample.fingerprints.shortest.items():
        if values.min() >= CUTOFF:
            continue
        floor = FLOOR * (_radius(a) + _radius(b))
        shortest[f"{SYMBOLS[a]}-{SYMBOLS[b]}"] = {"shortest": float(values.min()), "floor": floor}
        close |= values < floor
    if not shortest:
        return _every_distance_long(sample)
    text = (
        ", ".join(f"{pair} {closest['shortest']:.2f}" for pair, closest in shortest.items()) + " Å"
    )
    ids = listed(sample.frames, close)
    if ids:
        text = f"below {FLOOR:g} of the covalent radii: {name_ids(ids)}; shortest {text}"
    evidence: dict[str, Any] = {"pairs": shortest, "frames": ids}
    if (other := other_unit(sample.frames)) is not None:
        evidence["seems_in"] = other.name
        text = f"{other}; shortest {text}" if not ids else f"{text}; {other}"
    outcome: Outcome = "fail" if ids else "pass" if other is None else "warning"
    return Finding("shortest distances", outcome, text, evidence)


def _every_distance_long(sample: Sample) -> Finding:
    """The finding where no two atoms are near each other in any frame."""
    text, other = f"every distance is above {CUTOFF:g} Å", other_unit(sample.frames)
    if other is None:
        return Finding("shortest distances", "pass", text)
    return Finding("shortest distances", "warning", f"{text}; {other}", {"seems_in": other.name})


def _radius(number: int) -> float:
    """Covalent radius in Å; an element beyond the table gets the last radius."""
    return COVALENT_RADII[min(number, len(COVALENT_RADII) - 1)]
