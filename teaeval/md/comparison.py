"""Records of simulations beside each other: how long they lasted, and what broke."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from teadata.errors import expect_several
from teaeval.md.record import Simulations
from teaeval.md.survival import LogRank, log_rank


@dataclass(frozen=True)
class Compared:
    """A log-rank test between simulations of one system under the same conditions.

    ``state`` says of what, ``labels`` name the records.
    """

    state: str
    labels: tuple[str, ...]
    test: LogRank


def listed(records: Simulations | Iterable[Simulations]) -> list[Simulations]:
    """What is drawn: one record, or several.

    Raises
    ------
    UsageError
        If it is something else.
    """
    what = "records of teaeval md analyse, one or a list, as teaeval.md.record.read gives"
    return expect_several(records, Simulations, what)


def states_of(records: Sequence[Simulations]) -> list[str]:
    """What each record is of: dataset, subset and temperature.

    Thermostat and time step are added where they are not the same in all records of it, and so is
    what was watched: their simulations are not compared with each other.
    """
    systems = [f"{record.dataset} {record.subset}" for record in records]
    states = [
        f"{system}, {record.settings.temperature:g} K"
        for system, record in zip(systems, records, strict=True)
    ]
    full = [
        f"{system}, {record.conditions}" for system, record in zip(systems, records, strict=True)
    ]
    states = _told_apart(states, full)
    watched = [f"{state}, {record.watched}" for state, record in zip(states, records, strict=True)]
    return _told_apart(states, watched)


def _told_apart(states: Sequence[str], longer: Sequence[str]) -> list[str]:
    """The longer name of each state of which there are several."""
    ways: dict[str, set[str]] = {}
    for state, name in zip(states, longer, strict=True):
        ways.setdefault(state, set()).add(name)
    return [
        state if len(ways[state]) == 1 else name for state, name in zip(states, longer, strict=True)
    ]


def labels_of(records: Sequence[Simulations]) -> list[str]:
    """A name for each record: the model's, numbered where two are the same in one state."""
    keys = list(zip(states_of(records), (record.name for record in records), strict=True))
    counts, seen = Counter(keys), Counter[tuple[str, str]]()
    labels = []
    for key in keys:
        seen[key] += 1
        labels.append(key[1] if counts[key] == 1 else f"{key[1]} #{seen[key]}")
    return labels


def by_state(records: Sequence[Simulations]) -> dict[str, list[tuple[str, Simulations]]]:
    """Records with their labels, by what was simulated."""
    found: dict[str, list[tuple[str, Simulations]]] = {}
    for state, label, record in zip(states_of(records), labels_of(records), records, strict=True):
        found.setdefault(state, []).append((label, record))
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
