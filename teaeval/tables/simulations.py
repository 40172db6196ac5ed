"""Tables of simulations: how long models lasted, what broke, and what they sampled."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from teaeval.md.comparison import by_state, tests
from teaeval.md.observed import Estimate, Observed, Separation
from teaeval.md.record import Simulations
from teaeval.tables.grid import EMPTY, Cell, Grid, Row
from teaeval.tables.numbers import significant, span

ALL_APART = 0.995
"""Hellinger's distance of halves that have as good as nothing in common."""

UNTOLD = "halves of the reference have nothing in common, so no model is farther away than they are"

NOISY = ("langevin", "bussi")
"""Thermostats that draw random numbers."""

ALL = "all of them"
"""In a log-rank test of more than two."""


def distinct(records: Sequence[Simulations]) -> list[Simulations]:
    """Records of different simulations: several scores of a model may hold the same ones."""
    found = {tuple(one.trajectory_sha256 for one in record.replicas): record for record in records}
    return list(found.values())


def grids(records: Sequence[Simulations]) -> list[Grid]:
    """Lay records out: survival, log-rank tests where models share a state, what broke."""
    parts = [survival(records), log_ranks(records), broken(records), *sampled(records)]
    return [grid for grid in parts if grid is not None]


def survival(records: Sequence[Simulations]) -> Grid:
    """How many replicas of each record lasted, and how long."""
    rows = []
    for state, members in by_state(records).items():
        for label, record in members:
            curve = record.survival
            share, low, high = curve.at(curve.followed)
            rows.append(
                Row(
                    (state, label),
                    (
                        Cell(str(len(record.replicas))),
                        Cell(f"{record.planned:g}"),
                        Cell(f"{record.stable_time:.4g}"),
                        Cell(str(record.failed)),
                        Cell(significant(share)),
                        Cell(span((low, high))),
                        Cell(significant(curve.median)),
                    ),
                )
            )
    return Grid(
        title="Survival of replicas",
        stubs=("state", "model"),
        groups=("",),
        columns=("replicas", "ps each", "ps stable", "failed", "share left", "95 %", "median, ps"),
        rows=rows,
        notes=(
            "share left: Kaplan–Meier at the end, with its 95 % interval (log–log; Clopper–Pearson "
            "where all or none are left); median: when half have failed, a dash if not yet",
            *_unwatched(records),
            *_same_noise(records),
        ),
    )


def _unwatched(records: Sequence[Simulations]) -> list[str]:
    """Which models were not watched for all that makes a simulation unstable."""
    found: dict[str, list[str]] = {}
    for record in records:
        if record.unwatched is not None:
            found.setdefault(record.unwatched, []).append(record.name)
    return [f"{', '.join(dict.fromkeys(names))}: {text}" for text, names in found.items()]


def _same_noise(records: Sequence[Simulations]) -> list[str]:
    """Which records of one model have seeds in common, and so the same random forces."""
    found = []
    for members in by_state(records).values():
        for (label, one), (other, two) in itertools.combinations(members, 2):
            both = sorted({r.seed for r in one.replicas} & {r.seed for r in two.replicas})
            if one.name == two.name and both and one.settings.thermostat in NOISY:
                seeds = ", ".join(map(str, both))
                found.append(
                    f"{label} and {other}: replicas of the seeds {seeds} have the same noise, and "
                    "are not independent; simulate one of them with a --seed that is farther away"
                )
    return found


def log_ranks(records: Sequence[Simulations]) -> Grid | None:
    """Log-rank tests between the models of each state; None if no two share one."""
    found = tests(records)
    if not found:
        return None
    rows = []
    for one in found:
        test = one.test
        between = " / ".join(one.labels) if len(one.labels) < 3 else ALL
        observed = " / ".join(str(n) for n in test.observed)
        expected = " / ".join(f"{n:.3g}" for n in test.expected)
        cells = (observed, expected, significant(test.statistic), f"{test.p:.3g}")
        kind = "all" if test.exact else "drawn"
        rows.append(
            Row(
                (one.state, between),
                (*map(Cell, cells), Cell(f"{test.regroupings} {kind}"), Cell(f"{test.until:g}")),
            )
        )
    return Grid(
        title="Log-rank tests",
        stubs=("state", "between"),
        groups=("",),
        columns=("failed", "expected", "χ²", "p", "regroupings", "up to ps"),
        rows=rows,
        notes=("p: share of regroupings of the replicas whose χ² is as large; not corrected for "
               "the number of tests",),
    )  # fmt: skip


def broken(records: Sequence[Simulations]) -> Grid | None:
    """What broke, when and how often; None if nothing did."""
    rows = [
        Row(
            (state, label, f"{item.what}: {item.place}"),
            (
                Cell(f"{len(item.replicas)} of {len(record.replicas)}"),
                Cell(", ".join(f"{time:.3g}" for time in sorted(item.times))),
            ),
        )
        for state, members in by_state(records).items()
        for label, record in members
        for item in record.broken
    ]
    if not rows:
        return None
    return Grid(
        title="What broke",
        stubs=("state", "model", "kind and place"),
        groups=("",),
        columns=("replicas", "after ps"),
        rows=rows,
        notes=("atoms are counted from 0",),
    )


def sampled(records: Sequence[Simulations]) -> list[Grid]:
    """What the models of each state sampled, beside the reference: means and distances."""
    found = []
    for state, members in by_state(records).items():
        quantities: dict[tuple[str, str], dict[str, Observed]] = {}
        for label, record in members:
            for one in record.observables:
                name = f"{one.quantity}, {one.unit}" if one.unit and one.mean else one.quantity
                quantities.setdefault((one.observable, name), {})[label] = one
        if quantities:
            found.append(_sampled(state, members, quantities))
    return found


def _sampled(
    state: str,
    members: Sequence[tuple[str, Simulations]],
    quantities: dict[tuple[str, str], dict[str, Observed]],
) -> Grid:
    labels = [label for label, _ in members]
    rows, mixed = [], []
    for names, own in quantities.items():
        compared = [one for one in own.values() if one.distance is not None]
        first = next(iter([*compared, *own.values()]))
        apart = {label: one.distance for label, one in own.items() if one.distance is not None}
        alike = len({_yardstick(one) for one in compared}) < 2
        if not alike:
            mixed.append(names[0])
        least = min((one.value for one in apart.values()), default=None) if alike else None
        cells = []
        for label in labels:
            mean = own[label].mean if label in own else None
            cells.append(_mean(mean))
            if (one := apart.get(label)) is None:
                cells.append(EMPTY)
                continue
            limits = None if one.low is None or one.high is None else (one.low, one.high)
            best = len(apart) > 1 and one.value == least
            cells.append(
                Cell(significant(one.value), best, None if limits is None else span(limits))
            )
        halves = next(iter(apart.values()), None)
        if first.exact is not None:
            cells.append(Cell(f"{significant(first.exact)} (theory)"))
        else:
            cells.append(_mean(first.reference_mean))
        cells.append(_halves(halves))
        rows.append(Row(names, tuple(cells)))
        rows += _wells(names, [own.get(label) for label in labels])
    used = [o.reference for own in quantities.values() for o in own.values() if o.reference]
    return Grid(
        title=f"What was sampled: {state}",
        stubs=("observable", "quantity"),
        groups=(*labels, "reference"),
        columns=("mean", "distance"),
        rows=rows,
        notes=(
            "mean ± standard error by blocks; distance: Hellinger's of the distributions (0 to 1), "
            "or the difference of means or curves, with its 95 % interval; of the reference, the "
            "mean distance between halves of it, and what 95 % of these are below",
            *(f"reference: {text}" for text in dict.fromkeys(used)),
            *_mixed(quantities, mixed),
            *_discarded(members),
            *_notes([one for own in quantities.values() for one in own.values()]),
        ),
    )


def _yardstick(one: Observed) -> tuple[Any, ...]:
    """What a quantity was compared with: the label, and what was measured in it."""
    halves = one.distance.halves if one.distance else None
    return one.reference, one.reference_mean and one.reference_mean.value, halves


def _mixed(
    quantities: dict[tuple[str, str], dict[str, Observed]], mixed: Sequence[str]
) -> list[str]:
    """What to say if models were compared with different references."""
    if not mixed:
        return []
    with_which: dict[str, list[str]] = {}
    for (name, _), own in quantities.items():
        for label, one in own.items():
            if name in mixed and one.reference is not None:
                with_which.setdefault(one.reference, []).append(label)
    parts = [f"{', '.join(dict.fromkeys(names))} with {text}" for text, names in with_which.items()]
    if len(parts) == 1:
        parts.append("measured at other times (--discard, or the time between frames)")
    return [
        f"not all models were compared with the same: {'; '.join(parts)}. So no distance is the "
        f"best, and the reference's columns are of the first ({', '.join(dict.fromkeys(mixed))})"
    ]


def _discarded(members: Sequence[tuple[str, Simulations]]) -> list[str]:
    """What to say if different times were left out at the start."""
    if len({record.discard for _, record in members}) < 2:
        return []
    times = "; ".join(f"{label} {record.discard:g} ps" for label, record in members)
    return [f"left out at the start: {times}; analyse with the same --discard to compare them"]


def _wells(names: tuple[str, str], members: Sequence[Observed | None]) -> Iterator[Row]:
    """A line for each well of a map: the share of the frames that is in it."""
    places = dict.fromkeys((w.x, w.y) for one in members if one for w in one.wells)
    units = next((tuple(a.unit for a in one.axes) for one in members if one), ("", ""))
    for place in places:
        found = [
            next((w for w in one.wells if (w.x, w.y) == place), None) if one else None
            for one in members
        ]
        cells = [cell for w in found for cell in (_mean(w.share if w else None), EMPTY)]
        reference = next(w.reference for w in found if w)
        at = ", ".join(f"{x:.3g}{unit}" for x, unit in zip(place, units, strict=True))
        label = f"{names[1]}, share in the well at {at}".replace("-", "−")
        yield Row((names[0], label), (*cells, _mean(reference), EMPTY))


def _notes(every: Sequence[Observed]) -> list[str]:
    """Notes, each with the quantities that it is of."""
    found: dict[str, list[str]] = {}
    for one in every:
        for note in one.notes:
            found.setdefault(note, []).append(f"{one.observable} {one.quantity}")
        apart = one.distance
        if apart and apart.measure == "hellinger" and (apart.halves_most or 0) >= ALL_APART:
            found.setdefault(UNTOLD, []).append(f"{one.observable} {one.quantity}")
    return [f"{note}: {', '.join(dict.fromkeys(names))}" for note, names in found.items()]


def _mean(mean: Estimate | None) -> Cell:
    """A mean with its error."""
    if mean is None:
        return EMPTY
    if not mean.error:
        return Cell(significant(mean.value))
    digits = max(0, 1 - math.floor(math.log10(mean.error)))  # two of the error
    return Cell(f"{mean.value:.{digits}f} ± {mean.error:.{digits}f}")


def _halves(one: Separation | None) -> Cell:
    """How far halves of the reference are apart."""
    if one is None or one.halves is None:
        return EMPTY
    return Cell(significant(one.halves), interval=f"at most {significant(one.halves_most)}")


def entries(records: Sequence[Simulations]) -> dict[str, Any]:
    """The same as data: survival curves, log-rank tests, what broke, of each record."""
    simulations = []
    for state, members in by_state(records).items():
        for label, record in members:
            curve = record.survival
            lists = {n: v.tolist() if hasattr(v, "tolist") else v for n, v in asdict(curve).items()}
            simulations.append(
                {
                    "state": state,
                    "model": label,
                    "planned": record.planned,
                    "time": record.time,
                    "stable_time": record.stable_time,
                    "failed": record.failed,
                    "survival": lists | {"median": curve.median},
                    "observables": [one.model_dump() for one in record.observables],
                    "left_out": record.left_out,
                    "broken": [item.model_dump() for item in record.broken],
                }
            )
    return {"simulations": simulations, "log_rank": [asdict(one) for one in tests(records)]}


def lines(records: Sequence[Simulations]) -> list[dict[str, Any]]:
    """A line for each replica of each record: how long it lasted, and what ended it."""
    return [
        {
            "state": state,
            "model": label,
            "replica": i,
            "seed": replica.seed,
            "status": replica.status,
            "ps": replica.time,
            "stable_ps": replica.stable_time,
            "kind": replica.failure.kind if replica.failure else None,
            "place": replica.failure.place if replica.failure else None,
        }
        for state, members in by_state(records).items()
        for label, record in members
        for i, replica in enumerate(record.replicas)
    ]
