"""Tables of simulations: how long models lasted, what broke, and what they sampled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from teaeval.md.comparison import by_state, tests
from teaeval.md.record import Simulations
from teaeval.tables.grid import Cell, Grid, Row
from teaeval.tables.numbers import significant, span

ALL = "all of them"
"""In a log-rank test of more than two."""


def grids(records: Sequence[Simulations]) -> list[Grid]:
    """Lay records out: survival, log-rank tests where models share a state, what broke."""
    parts = [survival(records), log_ranks(records), broken(records)]
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
                        Cell(f"{record.stable_time:.1f}"),
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
        ),
    )


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
            (state, label, f"{item.kind}: {item.place}"),
            (
                Cell(f"{len(item.replicas)} of {len(record.replicas)}"),
                Cell(", ".join(f"{time:.3g}" for time in item.times)),
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
        notes=("of overheated replicas the bond that was broken or most strained; atoms are "
               "counted from 0",),
    )  # fmt: skip


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
