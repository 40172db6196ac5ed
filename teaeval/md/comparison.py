"""Records of simulations beside each other: how long they lasted, and what broke."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from teaeval.md.record import Simulations
from teaeval.md.survival import LogRank, log_rank


@dataclass(frozen=True)
class Compared:
    """A log-rank test between simulations of one system at one temperature.

    ``state`` says of what, ``labels`` name the records.
    """

    state: str
    labels: tuple[str, ...]
    test: LogRank


def state_of(record: Simulations) -> str:
    """What was simulated: dataset, subset and temperature."""
    return f"{record.dataset} {record.subset}, {record.settings.temperature:g} K"


def labels_of(records: Sequence[Simulations]) -> list[str]:
    """A name for each record: the model's, numbered where two are the same in one state."""
    keys = [(state_of(record), record.name) for record in records]
    counts, seen = Counter(keys), Counter[tuple[str, str]]()
    labels = []
    for key in keys:
        seen[key] += 1
        labels.append(key[1] if counts[key] == 1 else f"{key[1]} #{seen[key]}")
    return labels


def by_state(records: Sequence[Simulations]) -> dict[str, list[tuple[str, Simulations]]]:
    """Records with their labels, by what was simulated."""
    found: dict[str, list[tuple[str, Simulations]]] = {}
    for label, record in zip(labels_of(records), records, strict=True):
        found.setdefault(state_of(record), []).append((label, record))
    return found


def tests(records: Sequence[Simulations]) -> list[Compared]:
    """Log-rank tests of each state that several records are of: of all, and of each two.

    Replicas are compared up to the shortest length that any of them was to have.
    """
    found = []
    for state, members in by_state(records).items():
        if len(members) < 2:
            continue
        pairs = [(a, b) for i, a in enumerate(members) for b in members[i + 1 :]]
        for group in ([members] if len(members) > 2 else []) + [list(pair) for pair in pairs]:
            until = min(record.planned for _, record in group)
            test = log_rank([record.lasted for _, record in group], until=until)
            found.append(Compared(state, tuple(label for label, _ in group), test))
    return found
