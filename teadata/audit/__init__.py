"""The audit of a dataset: duplicates, leakage, outliers, cells, forces and their energies.

Where :mod:`teadata.verify` asks whether files are what the card says, the audit asks
whether the data can be trusted to mean it.  Each check and its thresholds are explained
in ``docs/audit.md``.
"""

from __future__ import annotations

from collections.abc import Iterator

from teadata.audit import bonds, geometry, labels, similarity, stress, succession, work
from teadata.audit.finding import Finding, Sample
from teadata.card import DatasetCard
from teadata.dataset import Dataset
from teadata.frames import Frames
from teadata.splits import SplitTable

__all__ = ["Finding", "audit", "audit_frames"]


def audit(dataset: Dataset) -> Iterator[Finding]:
    """Run every check of a dataset, and yield each finding as it is known.

    Frames with NaN, infinity or a collapsed cell are reported, and left out of what follows.

    Raises
    ------
    DataError
        If a file is missing or its checksum is not the card's.
    """
    yield from audit_frames(dataset.card, dataset.frames, dataset.splits)


def audit_frames(card: DatasetCard, frames: Frames, splits: SplitTable) -> Iterator[Finding]:
    """Run every check of some frames of a dataset, and yield each finding as it is known.

    Parameters
    ----------
    card
        The dataset's card.
    frames
        All frames, or some.
    splits
        Which of them are in which split.
    """
    finite, finding = geometry.check_finite(frames)
    yield finding
    frames = frames[finite]
    sound, finding = geometry.check_cell(frames, card.system.periodic)
    yield finding
    frames = frames[sound]
    if len(frames) == 0:
        return
    members = {split: frames.find(ids) for split, ids in splits.members.items()}
    sample = Sample(
        card=card,
        frames=frames,
        members={split: rows[rows >= 0] for split, rows in members.items()},
    )
    yield geometry.check_distances(sample)
    yield similarity.check_duplicates(sample)
    yield similarity.check_roles(sample)
    if frames.trajectories is None:
        yield succession.check_succession(sample)
    for task in card.tasks:
        yield similarity.check_task(sample, task)
    yield from labels.check_outliers(sample)
    yield bonds.check_sign(sample)
    yield work.check_spread(sample)
    if frames.stress is not None:
        yield stress.check_stress(sample)
    yield labels.check_net_force(sample)
    if not frames.periodic:
        yield labels.check_net_torque(sample)
