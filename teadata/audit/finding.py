"""The sample that the audit's checks examine, and the findings they return."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from teadata.card import DatasetCard
from teadata.frames import Frames
from teadata.splits import ROLES
from teadata.structure.fingerprint import Fingerprints, fingerprints
from teadata.typing import Floats, Ints

Outcome = Literal["pass", "not judged", "warning", "fail"]


@dataclass(frozen=True)
class Finding:
    """Outcome of one check: its name, what was found in words, and the numbers behind it."""

    name: str
    outcome: Outcome
    found: str
    evidence: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Sample:
    """Frames to be audited, and the split of each.

    Parameters
    ----------
    card
        The dataset's card.
    frames
        Its frames, less those with values or a cell that cannot be computed with.
    members
        For each subset and role, rows of `frames`, (n,).
    """

    card: DatasetCard
    frames: Frames
    members: dict[tuple[str, str], Ints]

    @cached_property
    def fingerprints(self) -> Fingerprints:
        """Fingerprints of the frames."""
        return fingerprints(self.frames)

    def rows(self, subset: str, role: str) -> Ints:
        """Rows of a subset in a role; none where there is no such split."""
        return self.members.get((subset, role), np.empty(0, dtype=np.int64))

    def subset(self, name: str) -> Ints:
        """Distinct rows of a subset, whatever the role."""
        return np.unique(np.concatenate([self.rows(name, role) for role in ROLES]))

    def role(self, role: str) -> Ints:
        """Distinct rows in a role, whatever the subset."""
        rows_of_role = [rows for (_, other), rows in self.members.items() if other == role]
        return (
            np.unique(np.concatenate(rows_of_role)) if rows_of_role else np.empty(0, dtype=np.int64)
        )


def evenly(frames: Frames, most: int) -> Frames:
    """At most so many of the frames, evenly spread from the first to the last."""
    count = len(frames)
    return frames[np.unique(np.linspace(0, count - 1, min(count, most)).astype(np.int64))]


def name_ids(ids: Iterable[int], shown: int = 5) -> str:
    """A few ids, and how many more there are: ``frames 3, 17 and 40 more``."""
    every = [int(i) for i in ids]
    more = f" and {len(every) - shown} more" if len(every) > shown else ""
    return f"frame{'s' * (len(every) > 1)} {', '.join(map(str, every[:shown]))}{more}"


def quantiles(values: Floats) -> dict[str, float]:
    """Minimum, 1, 10, 50, 90 and 99 % quantiles and maximum of the finite values."""
    names = {"min": 0.0, "1%": 0.01, "10%": 0.1, "50%": 0.5, "90%": 0.9, "99%": 0.99, "max": 1.0}
    finite = values[np.isfinite(values)]
    if len(finite) == 0:
        return {}
    levels = np.quantile(finite, list(names.values()))
    return {name: float(value) for name, value in zip(names, levels, strict=True)}


def listed(frames: Frames, bad: NDArray[np.bool_]) -> list[int]:
    """Ids of the frames marked in (N,) `bad`."""
    ids: list[int] = frames.ids[bad].tolist()
    return ids
