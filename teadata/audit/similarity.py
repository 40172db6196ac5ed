"""Checks by fingerprint: duplicate frames, and leakage between roles."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np

from teadata.audit.finding import Finding, Outcome, Sample, quantiles
from teadata.splits import ROLES
from teadata.structure.duplicates import copies
from teadata.structure.fingerprint import nearest
from teadata.typing import Floats, Ints

NEAR_DUPLICATE = 0.01
"""Frames with fingerprints nearer than this, in Å, count as one geometry (``docs/audit.md``)."""

SHOWN = 20
"""Pairs of frames listed as evidence, the nearest first."""


def _near(sample: Sample, rows: Ints, others: Ints, labels: Ints) -> tuple[Ints, Ints, Floats]:
    """Rows within :data:`NEAR_DUPLICATE` of one of `others`, their nearest partners and distances.

    `labels` (N,) are of all frames; two with the same label are not compared.
    """
    values = sample.fingerprints.values
    distance, place = nearest(values[rows], values[others], (labels[rows], labels[others]))
    near = distance < NEAR_DUPLICATE
    return rows[near], others[place[near]], distance[near]


def _pairs(sample: Sample, rows: Ints, others: Ints, distance: Floats) -> list[dict[str, Any]]:
    """The nearest pairs as evidence, each once."""
    ids, gaps = sample.frames.ids, {}
    for i in np.argsort(distance, kind="stable")[: 2 * SHOWN]:
        pair = tuple(sorted((int(ids[rows[i]]), int(ids[others[i]]))))
        gaps[pair] = float(distance[i])
    return [{"frames": list(pair), "distance": gap} for pair, gap in gaps.items()][:SHOWN]


def check_duplicates(sample: Sample) -> Finding:
    """Look for duplicate frames anywhere in the dataset.

    Exact copies fail.  Near ones are a warning, and none where both are of one trajectory:
    consecutive frames are meant to be near.
    """
    values, frames = sample.fingerprints.values, sample.frames
    every = np.arange(len(frames))
    distance, other = nearest(values, values, (every, every))
    near = np.flatnonzero(distance < NEAR_DUPLICATE)
    later, earlier = copies(frames)
    exact = np.union1d(later, earlier)
    foreign = near
    if frames.trajectories is not None:
        foreign, _, _ = _near(sample, near, every, frames.trajectories)
    evidence: dict[str, Any] = {
        "threshold": NEAR_DUPLICATE,
        "nearest_other_frame": quantiles(distance),
        "exact": len(exact),
        "near": len(near),
        "near_in_other_trajectories": len(foreign),
        "pairs": _pairs(sample, near, other[near], distance[near]),
    }
    text = f"{len(near)} of {len(frames)} frames within {NEAR_DUPLICATE:g} Å of another"
    if len(near):
        text += f", {len(exact)} of them exactly"
        if frames.trajectories is not None:
            text += f", {len(foreign)} of another trajectory"
        first, second = evidence["pairs"][0]["frames"]
        text += f", e.g. frames {first} and {second}"
    elif len(frames) > 1:
        text += f"; the nearest two are {distance.min():.3f} Å apart"
    if len(exact):
        errors = np.abs(frames.energies[later] - frames.energies[earlier])
        evidence["energy_difference"] = float(errors.max())
        text += f"; energies of exact copies differ by up to {errors.max():.2g} kcal/mol"
    outcome: Outcome = "fail" if len(exact) else "warning" if len(foreign) else "pass"
    return Finding("duplicates", outcome, text, evidence)


def _contacts(sample: Sample, rows: Ints, others: Ints) -> dict[str, Any]:
    """What two roles share: frames, trajectories, and near-duplicate frames."""
    frames = sample.frames
    near, partners, distance = _near(sample, rows, others, np.arange(len(frames)))
    evidence: dict[str, Any] = {
        "frames": len(np.intersect1d(rows, others)),
        "near_duplicates": len(near),
        "pairs": _pairs(sample, near, partners, distance),
    }
    if frames.trajectories is not None:
        shared = np.intersect1d(frames.trajectories[rows], frames.trajectories[others])
        evidence["trajectories"] = len(shared)
    return evidence


def _leaks(contacts: dict[str, Any]) -> list[str]:
    names = {
        "frames": "shared frames",
        "trajectories": "shared trajectories",
        "near_duplicates": "near duplicates",
    }
    leaks = [f"{contacts[key]} {name}" for key, name in names.items() if contacts.get(key)]
    if contacts["pairs"]:
        first, second = contacts["pairs"][0]["frames"]
        leaks[-1] += f" (e.g. frames {first} and {second})"
    return leaks


def check_roles(sample: Sample) -> Finding:
    """Check that no frame, trajectory or near duplicate is in two roles, over all subsets."""
    evidence, problems = {}, []
    for first, second in combinations(ROLES, 2):
        contacts = _contacts(sample, sample.role(second), sample.role(first))
        evidence[f"{first}, {second}"] = contacts
        problems += [f"{leak} in {first} and {second}" for leak in _leaks(contacts)]
    text = "; ".join(problems) or f"nothing shared between {', '.join(ROLES)}, over all subsets"
    return Finding("roles", "fail" if problems else "pass", text, evidence)


def check_task(sample: Sample, task: str) -> Finding:
    """Check a task for leakage: how near test and valid frames are to training frames.

    The distances are information; only what is shared fails.
    """
    source, target = task.split("->")
    train, name = sample.rows(source, "train"), f"leakage {task}"
    among = _among(sample, train)
    if not among:
        return Finding(name, "warning", f"{source}/train has no two frames to compare")
    evidence: dict[str, Any] = {key: quantiles(distance) for key, distance in among.items()}
    problems = []
    for subset, role in ((source, "valid"), (target, "test")):
        rows = sample.rows(subset, role)
        if len(rows) == 0:
            continue
        values = sample.fingerprints.values
        distance = nearest(values[rows], values[train])[0]
        contacts = _contacts(sample, rows, train)
        evidence[f"{role} to train"] = quantiles(distance)
        evidence[role] = contacts | {
            f"nearer than {key}": {
                "closest": float((distance < reference.min()).mean()),
                "1%": float((distance < np.quantile(reference, 0.01)).mean()),
            }
            for key, reference in among.items()
        }
        problems += [f"{role}: {leak}" for leak in _leaks(contacts)]
    text = "; ".join([*problems, _distances_in_words(evidence, list(among)[-1])])
    return Finding(name, "fail" if problems else "pass", text, evidence)


def _among(sample: Sample, train: Ints) -> dict[str, Floats]:
    """Distances (n,) in Å from each training frame to the nearest other one.

    To any other, and where trajectories are known to one of another trajectory: what test
    frames, which are of other trajectories, should be like.
    """
    values, trajectories = sample.fingerprints.values[train], sample.frames.trajectories
    labels = {"train to train": train}
    if trajectories is not None:
        labels["train to other trajectories of train"] = trajectories[train]
    nearest_distances = {}
    for key, label in labels.items():
        distance = nearest(values, values, (label, label))[0]
        if np.isfinite(distance).any():
            nearest_distances[key] = distance[np.isfinite(distance)]
    return nearest_distances


def _distances_in_words(evidence: dict[str, Any], reference: str) -> str:
    """Minimum and median of each distribution, and the share of test that is unusually near."""
    parts = [
        f"{name} {values['min']:.3f}/{values['50%']:.3f}"
        for name, values in evidence.items()
        if " to " in name
    ]
    text = f"nearest min/median Å: {', '.join(parts)}"
    if "test" in evidence:
        share = evidence["test"][f"nearer than {reference}"]["1%"]
        text += f"; {share:.1%} of test below the 1 % quantile of {reference}"
    return text
