"""Detect frames, atoms or axes in the wrong order, from the forces themselves.

Forces identify frames and atoms well: in the embedded test sets the forces of two atoms
never correlate above 0.17, and the cosine of those of two frames is never above 0.67.  All of it
is free of scale, so that a wrong unit hides nothing.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from teadata.stored_frames import AnyFrames
from teadata.typing import Floats, Ints
from teaeval.checks.sample import FEWEST, Sample, evenly, regress
from teaeval.predictions.findings import Evidence, Finding

OWN_COSINE = 0.5
"""Frames whose forces have a larger cosine with their reference are in the right place."""

OTHER_COSINE = 0.8
"""Frames belong elsewhere only if their forces have a larger cosine with another frame's."""

SUSPECTS = 500
"""Largest number of frames that are compared with the whole test set."""

FEWEST_ATOMS = 20
"""With fewer atoms the forces of two frames may agree by chance."""

BLOCK = 2048
"""Reference frames that are compared at a time."""

ATOM_CORRELATION = 0.5
"""An atom's forces belong to another atom only if they correlate this well with its …"""

ATOM_MARGIN = 0.3
"""… and this much less with the atom's own reference forces."""

AXES_R2 = 0.8
"""Share of the variance that forces must explain when they are rotated or reshaped."""


def _unit(vectors: Floats) -> Floats:
    """Scale rows to length 1; rows of zeros stay as they are."""
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    scaled: Floats = vectors / np.where(norms > 0, norms, 1.0)
    return scaled


def _nearest(vectors: Floats, test: AnyFrames) -> tuple[Floats, Ints]:
    """Largest absolute cosine between each vector (m, 3A) and any test frame's forces, and whose.

    Memory is bounded by :data:`BLOCK` test frames.
    """
    best, where = np.zeros(len(vectors)), np.zeros(len(vectors), dtype=np.int64)
    for start in range(0, len(test), BLOCK):
        known = _unit(test.forces[start : start + BLOCK].reshape(-1, vectors.shape[1]))
        cosine = np.abs(vectors @ known.T)
        column = cosine.argmax(axis=1)
        value = cosine[np.arange(len(vectors)), column]
        better = value > best
        best[better], where[better] = value[better], start + column[better]
    return best, where


def shuffled_frames(sample: Sample, test: AnyFrames) -> tuple[Finding | None, Sample]:
    """Error if frames carry the forces of other frames.

    Frames whose forces have little to do with their own reference are compared with the whole
    test set.  A bad model's are near to no frame; those of a frame in the wrong place are near
    to one other, and to a different one for each.
    """
    if sample.forces.shape[1] < FEWEST_ATOMS:
        return None, sample
    predicted = _unit(sample.forces.reshape(len(sample), -1))
    reference = _unit(sample.reference_forces.reshape(len(sample), -1))
    own = np.abs(np.einsum("ij,ij->i", predicted, reference))
    strange = np.flatnonzero(own < OWN_COSINE)
    if len(strange) < 2:
        return None, sample
    suspects = strange[evenly(len(strange), SUSPECTS)]
    cosine, partner = _nearest(predicted[suspects], test)
    hit = cosine >= OTHER_COSINE
    count = int(hit.sum())
    if count < 2 or len(np.unique(partner[hit])) < count / 2:
        return None, sample
    strays, place = suspects[hit], partner[hit]
    energies, forces = sample.reference_energies.copy(), sample.reference_forces.copy()
    energies[strays], forces[strays] = test.energies[place], test.forces[place]
    evidence: dict[str, Evidence] = {
        "share": len(strange) / len(sample) * count / len(suspects),
        "compared": len(suspects),
        "matched": count,
        "cosine_own": float(own[strays].mean()),
        "cosine_other": float(cosine[hit].mean()),
        "energy_r2_own": regress(sample.energies[strays], sample.reference_energies[strays]).r2,
        "energy_r2_other": regress(sample.energies[strays], energies[strays]).r2,
    }
    keep = np.sort(np.concatenate([np.flatnonzero(own >= OWN_COSINE), strays]))
    if len(keep) < FEWEST:
        keep = np.arange(len(sample))
    mended = Sample(sample.energies[keep], sample.forces[keep], energies[keep], forces[keep])
    return _shuffled(evidence), mended


def _shuffled(evidence: dict[str, Evidence]) -> Finding:
    """Make the finding that frames carry the forces of others."""
    text = (
        "{share:.1%} of the frames have another frame's: of {compared} that were compared with "
        "all, {matched} have a cosine of {cosine_other:.3f} with the forces of another frame, "
        "and of {cosine_own:.3f} with their own; r² of their energies is {energy_r2_own:.2f} "
        "with their own frames and {energy_r2_other:.2f} with those"
    )
    return Finding.error(
        "shuffled-frames",
        expected="the forces of the frame that each frame_id or geometry names",
        found=text.format(**evidence),
        remedy="save frame_id, energy and forces in the same order",
        evidence=evidence,
    )


def _atom_correlations(predicted: Floats, reference: Floats) -> Floats:
    """Correlation of each atom's predicted forces with each atom's reference forces, (A, A)."""
    atoms = predicted.shape[1]
    rows = [
        _unit(forces.transpose(1, 0, 2).reshape(atoms, -1)) for forces in (predicted, reference)
    ]
    correlations: Floats = rows[0] @ rows[1].T
    return correlations


def permuted_atoms(sample: Sample, test: AnyFrames) -> tuple[Finding | None, Sample]:
    """Error if atoms carry, in all frames, the forces of other atoms.

    Equivalent atoms do not move in step: each has its own force in each frame, by which it is
    told from the others.
    """
    correlation = _atom_correlations(sample.forces, sample.reference_forces)
    if correlation.max(axis=1).sum() < -correlation.min(axis=1).sum():
        correlation = -correlation  # gradients: their sign is another finding
    own, best = np.diagonal(correlation), correlation.max(axis=1)
    moves = (best >= ATOM_CORRELATION) & (own < best - ATOM_MARGIN)
    belongs = np.where(moves, correlation.argmax(axis=1), np.arange(len(own)))
    moved = np.flatnonzero(moves)
    if len(moved) == 0 or not np.array_equal(np.sort(belongs), np.arange(len(own))):
        return None, sample
    forces = np.empty_like(sample.forces)
    forces[:, belongs] = sample.forces
    before = regress(sample.forces[:, moved], sample.reference_forces[:, moved])
    after = regress(forces[:, moved], sample.reference_forces[:, moved])
    if 1 - after.r2 > 0.25 * (1 - before.r2):  # the RMSE, at the best scale, must halve
        return None, sample
    mae = [float(np.abs(f - sample.reference_forces).mean()) for f in (sample.forces, forces)]
    examples = ", ".join(
        f"{test.symbols[i]}{i} is {test.symbols[belongs[i]]}{belongs[i]}" for i in moved[:4]
    )
    finding = Finding.error(
        "permuted-atoms",
        expected="forces in the dataset's order of atoms",
        found=f"{len(moved)} of {len(own)} atoms with the forces of others ({examples}"
        f"{', …' if len(moved) > 4 else ''}; numbered from 0): their r² goes from {before.r2:.3f} "
        f"to {after.r2:.3f}, and the MAE of all forces from {mae[0]:.4g} to {mae[1]:.4g} "
        "kcal/mol/Å, when they are put in order",
        remedy="reorder the atoms of forces as in Frames.numbers and Frames.positions; "
        "teaeval score --fix atoms does so",
        evidence={
            "atoms": len(moved),
            "mae_before": mae[0],
            "mae_after": mae[1],
            "r2_before": before.r2,
            "r2_after": after.r2,
            "belongs": tuple(int(i) for i in belongs),
        },
    )
    return finding, replace(sample, forces=forces)


def reshaped_forces(sample: Sample, test: AnyFrames) -> tuple[Finding | None, Sample]:
    """Error if each frame's forces are all x, then all y, then all z, cut into rows of three."""
    count, atoms, _ = sample.forces.shape
    forces = sample.forces.reshape(count, 3, atoms).transpose(0, 2, 1)
    before = regress(sample.forces, sample.reference_forces).r2
    after = regress(forces, sample.reference_forces).r2
    if after < AXES_R2 or after - before < 0.2:
        return None, sample
    finding = Finding.error(
        "reshaped-forces",
        expected="x, y and z of an atom's force side by side, (N, A, 3)",
        found=f"r² of {before:.3f} as they are, and of {after:.3f} if each frame has x of all "
        "atoms, then y, then z, as an array (N, 3, A) that was reshaped has",
        remedy="swap the axes with numpy.transpose(forces, (0, 2, 1)), not with reshape",
        evidence={"r2_before": before, "r2_after": after},
    )
    return finding, replace(sample, forces=forces)


def rotated_forces(sample: Sample, test: AnyFrames) -> tuple[Finding | None, Sample]:
    """Error if the forces of all frames are rotated or mirrored, or their axes swapped."""
    predicted, reference = sample.forces.reshape(-1, 3), sample.reference_forces.reshape(-1, 3)
    norm = float(np.sqrt((predicted**2).sum()) * np.sqrt((reference**2).sum()))
    if norm == 0:
        return None, sample
    left, singular, right = np.linalg.svd(predicted.T @ reference)
    before = (float(np.trace(predicted.T @ reference)) / norm) ** 2
    after = (float(singular.sum()) / norm) ** 2
    # A flipped sign is a matrix like any other here, but it changes nothing in r².
    if after < AXES_R2 or after - before < 0.2 or 1 - after > 0.25 * (1 - before):
        return None, sample
    turn = left @ right
    text = "; ".join(" ".join(f"{value:.2f}" for value in row) for row in turn.T + 0.0)
    finding = Finding.error(
        "rotated-forces",
        expected="forces in the axes of the dataset's positions",
        found=f"r² of {before:.3f} as they are, and of {after:.3f} when each force is multiplied "
        f"by the matrix [{text}]",
        remedy="predict the frames in the orientation they have, with x, y and z in that order",
        evidence={"r2_before": before, "r2_after": after, "matrix": text},
    )
    return finding, replace(sample, forces=(predicted @ turn).reshape(sample.forces.shape))
