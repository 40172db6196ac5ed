"""Simulations on the site: survival, and whether test errors say how they go."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from markupsafe import Markup

from teaeval.board.charts import Axis, Series, chart
from teaeval.board.correlation import rank_correlation
from teaeval.board.filed import Filed
from teaeval.board.names import model_page
from teaeval.board.ranking import holm
from teaeval.board.tasks import Line, told_apart
from teaeval.hydrogen.record import Record as Hydrogen
from teaeval.md.record import Simulations
from teaeval.md.survival import Survival, log_rank
from teaeval.tables.numbers import significant, span


@dataclass(frozen=True)
class Run:
    """Simulations of an entry, and the prediction of the same test set with the largest training.

    Parameters
    ----------
    filed, record
        The entry, and its record of simulations.
    line
        The prediction; None if the entry has none of that test set.
    """

    filed: Filed
    record: Simulations
    line: Line | None

    @property
    def name(self) -> str:
        """The model, with its mark."""
        return self.filed.submission.marked

    @property
    def kind(self) -> str:
        """What only such simulations are compared with each other."""
        record = self.record
        return f"{record.dataset}, {record.subset}, {record.conditions}"

    @property
    def force_mae(self) -> float | None:
        """The prediction's MAE of forces, kcal/mol/Å."""
        return None if self.line is None else self.line.score.row("F").mae

    @property
    def survived(self) -> float:
        """Mean time that a replica was whole, ps."""
        return self.record.stable_time / len(self.record.replicas)

    @property
    def cells(self) -> dict[str, Any]:
        """What the page's table has of it."""
        gyration = self.record.gyration
        curve = self.record.survival
        share, low, high = curve.at(curve.followed)
        return {
            "name": self.name,
            "version": self.filed.submission.version,
            "href": model_page(self.filed.submission.model),
            "kind": self.kind,
            "error": significant(self.force_mae),
            "replicas": len(self.record.replicas),
            "failed": self.record.failed,
            "survived": significant(self.survived),
            "share": significant(share),
            "limits": " to ".join(map(significant, (low, high))),
            "time": significant(self.record.time / len(self.record.replicas)),
            "distance": "–" if gyration is None else significant(gyration.hellinger.value),
            "halves": "–" if gyration is None else significant(gyration.hellinger.halves),
            "entry": self.filed.entry.id,
        }


def runs_of(entries: Sequence[Filed]) -> list[Run]:
    """The simulations of all active entries."""
    return [
        Run(item, record, _line(item, record))
        for item in entries
        if item.status == "active"
        for record in item.simulations
    ]


def _steps(curve: Survival) -> list[tuple[float, float]]:
    """A Kaplan–Meier curve from the start to the end of the longest replica."""
    points = [(0.0, 1.0), *zip(curve.times.tolist(), curve.share.tolist(), strict=True)]
    return [*points, (curve.followed, points[-1][1])]


def _line(item: Filed, record: Simulations) -> Line | None:
    lines = [Line(item, n) for n in range(len(item.scored))]
    same = [
        line
        for line in lines
        if (line.data.name, line.data.subset, line.data.frames_sha256)
        == (record.dataset, record.subset, record.frames_sha256)
    ]
    return max(same, key=lambda line: line.size or 0, default=None)


def _kinds(runs: Sequence[Run]) -> dict[str, list[Run]]:
    """Simulations that may be compared with each other, by what they are of."""
    kinds: dict[str, list[Run]] = {}
    for run in runs:
        kinds.setdefault(run.kind, []).append(run)
    return kinds


def _styles(entries: Sequence[Filed]) -> dict[str, int]:
    """The style of each entry with simulations by its id, the same in all figures."""
    shown = [e for e in entries if e.status == "active" and (e.simulations or e.hydrogen)]
    return {item.entry.id: n for n, item in enumerate(shown)}


def survivals(runs: Sequence[Run], entries: Sequence[Filed]) -> Iterator[dict[str, Any]]:
    """A figure of survival for each kind of simulations, and the tests of each two models."""
    styles = _styles(entries)
    for kind, members in _kinds(runs).items():
        told = told_apart(run.filed for run in members)
        series = [
            Series(
                name=told[run.filed.entry.id],
                points=_steps(run.record.survival),
                join="steps",
                style=styles[run.filed.entry.id],
            )
            for run in members
        ]
        pairs = list(combinations(members, 2))
        until = min(run.record.planned for run in members)
        tested = [log_rank([a.record.lasted, b.record.lasted], until=until) for a, b in pairs]
        p = np.array([test.p for test in tested])
        yield {
            "kind": kind,
            "chart": chart(
                series, Axis("time, ps"), Axis("share whole", least=(0.0, 1.0)), f"Survival: {kind}"
            ),
            "until": f"{until:g}",
            "pairs": [
                {
                    "first": told[a.filed.entry.id],
                    "second": told[b.filed.entry.id],
                    "p": f"{single:.2g}",
                    "holm": f"{value:.2g}",
                }
                for (a, b), single, value in zip(pairs, p, holm(p), strict=True)
            ],
        }


def correlation(points: Sequence[tuple[float, float]]) -> str:
    """A rank correlation in words, with its interval."""
    if not points:
        return "no models have both"
    found = rank_correlation([x for x, _ in points], [y for _, y in points])
    count = f"{len(points)} model{'s' * (len(points) != 1)}"
    if found is None:
        return f"{count}: too few, or all alike, for a rank correlation"
    value, limits = found
    text = f"{limits[0]:.2f} to {limits[1]:.2f}" if limits else "none of so few or of one order"
    return f"rank correlation {value:.2f} over {count}, 95 % interval: {text}"


@dataclass(frozen=True)
class Point:
    """A model in a figure of test error against a simulation."""

    filed: Filed
    x: float
    y: float


def against(
    points: Sequence[Point], styles: dict[str, int], x: Axis, y: Axis, title: str
) -> dict[str, Any]:
    """A figure of one point for each model, and its rank correlation."""
    told = told_apart(point.filed for point in points)
    series = [
        Series(told[id], [(point.x, point.y)], style=styles[id])
        for point in points
        for id in [point.filed.entry.id]
    ]
    return {
        "title": title,
        "chart": chart(series, x, y, title) or Markup(""),
        "said": correlation([(point.x, point.y) for point in points]),
    }


def figures(runs: Sequence[Run], entries: Sequence[Filed]) -> list[dict[str, Any]]:
    """Test errors against what simulations show, of each kind of simulations alone."""
    styles = _styles(entries)
    kinds = _kinds(runs).items()
    made = [one for kind, members in kinds for one in _of_kind(kind, members, styles)]
    molecular: dict[str, list[Point]] = {}
    for item, record in hydrogen_of(entries):
        if (gap := _gap(record)) is not None:
            point = Point(item, record.errors.force_mae, gap)
            molecular.setdefault(record.plan.dataset, []).append(point)
    made += [
        against(
            points,
            styles,
            Axis(f"F MAE on {dataset}, kcal/mol/Å", log=True),
            Axis("mean deviation of the transition, g/cm³"),
            f"Force error and the transition of hydrogen, {dataset}",
        )
        for dataset, points in molecular.items()
    ]
    return [one for one in made if one["chart"]]


def _of_kind(kind: str, runs: Sequence[Run], styles: dict[str, int]) -> Iterator[dict[str, Any]]:
    """Force error against survival and against the distance to the reference."""
    error = Axis("F MAE on the test set, kcal/mol/Å", log=True)
    known = [(run, mae) for run in runs if (mae := run.force_mae)]
    yield against(
        [Point(run.filed, mae, run.survived) for run, mae in known],
        styles,
        error,
        Axis("time whole, mean of replicas, ps"),
        f"Force error and survival, {kind}",
    )
    yield against(
        [
            Point(run.filed, mae, gyration.hellinger.value)
            for run, mae in known
            if (gyration := run.record.gyration) is not None
        ],
        styles,
        error,
        Axis("Hellinger distance of radii of gyration"),
        f"Force error and distance to the reference, {kind}",
    )


def hydrogen_of(entries: Sequence[Filed]) -> list[tuple[Filed, Hydrogen]]:
    """The hydrogen records of all active entries."""
    return [(e, record) for e in entries if e.status == "active" for record in e.hydrogen]


def distances(runs: Sequence[Run]) -> list[dict[str, Any]]:
    """A line for each quantity whose distance to the reference was measured."""
    rows = []
    for run in runs:
        for item in run.record.observables:
            if (one := item.distance) is None:
                continue
            limits = None if one.low is None or one.high is None else (one.low, one.high)
            rows.append(
                {
                    "name": run.name,
                    "href": model_page(run.filed.submission.model),
                    "quantity": f"{item.observable}: {item.quantity}",
                    "measure": one.measure if one.unit == "" else f"{one.measure}, {one.unit}",
                    "value": significant(one.value),
                    "limits": span(limits),
                    "halves": significant(one.halves),
                    "halves_most": significant(one.halves_most),
                    "reference": item.reference or "–",
                }
            )
    return rows


def _gap(record: Hydrogen) -> float | None:
    """Mean distance of the densities of the transition from the reference's, g/cm³."""
    reference = {t.temperature: t.density for t in record.reference_transitions}
    gaps = [
        abs(mine.density - theirs)
        for mine in record.transitions
        if mine.density is not None and (theirs := reference.get(mine.temperature)) is not None
    ]
    return sum(gaps) / len(gaps) if gaps else None


def transitions(entries: Sequence[Filed]) -> list[dict[str, Any]]:
    """A line for each hydrogen record and temperature."""
    rows = []
    for item, record in hydrogen_of(entries):
        reference = {t.temperature: t.density for t in record.reference_transitions}
        failed = sum(state.status == "failed" for state in record.states)
        for one in record.transitions:
            limits = None if one.low is None or one.high is None else (one.low, one.high)
            rows.append(
                {
                    "name": item.submission.marked,
                    "version": item.submission.version,
                    "href": model_page(item.submission.model),
                    "dataset": record.plan.dataset,
                    "error": significant(record.errors.force_mae),
                    "states": f"{len(record.states) - failed} of {len(record.states)}",
                    "temperature": f"{one.temperature:g}",
                    "density": significant(one.density),
                    "interval": "–" if limits is None else " to ".join(map(significant, limits)),
                    "reference": significant(reference.get(one.temperature)),
                    "verdict": one.verdict,
                }
            )
    return rows
