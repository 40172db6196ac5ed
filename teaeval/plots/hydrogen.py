"""Figures of the hydrogen benchmark."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from teadata.errors import expect_several
from teaeval.hydrogen.record import Estimate, Observed, Record
from teaeval.hydrogen.table import comparable
from teaeval.plots.plot import (
    COLOURS,
    LINES,
    MARKERS,
    MODEL_ORDER,
    Plot,
    names_of,
    panels,
    styled,
)

REFERENCE = "reference"
RECORDS = "records of teaeval hydrogen, one or a list, as read_record gives"
BLACK = "#000000"

QUANTITIES = {
    "pressure": "pressure (GPa)",
    "diffusion": "diffusion coefficient (Å²/ps)",
    "molecular": "atoms in stable molecules",
    "peak": "height of the first peak of g(r)",
}
"""Panels of a row, and their labels."""


def _value(observed: Observed, quantity: str) -> Estimate | None:
    if quantity == "peak":
        return Estimate(value=observed.rdf.peak[1])
    estimate: Estimate | None = getattr(observed, quantity)
    return estimate


def _series(records: Sequence[Record]) -> dict[str, dict[tuple[float, float], Observed]]:
    """Group observations by label, temperature and density; the reference comes first."""
    every = [result for record in records for result in record.states]
    series = {REFERENCE: {(r.temperature, r.density): r.reference for r in every}}
    for record in records:
        series[record.plan.label] = {
            (r.temperature, r.density): r.observed for r in record.states if r.observed is not None
        }
    return series


def _looks(names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Choose colour, marker and line of each series; the reference is black."""
    known = {name: COLOURS[MODEL_ORDER.index(name)] for name in names if name in MODEL_ORDER}
    free = [tint for tint in COLOURS if tint not in (*known.values(), BLACK)]
    looks = {}
    others = 0
    for i, name in enumerate(names):
        if name == REFERENCE:
            looks[name] = {"color": BLACK, "marker": MARKERS[0], "linestyle": "-", "zorder": 1}
            continue
        tint = known.get(name, free[others % len(free)])
        others += name not in known
        line = LINES[i % len(LINES)]
        looks[name] = {"color": tint, "marker": MARKERS[i % len(MARKERS)], "linestyle": line}
    return looks


def against_density(records: Record | Iterable[Record], title: str = "") -> Plot:
    """Pressure, diffusion, stable molecules and first peak against density, a row a temperature.

    Bars are 95 % intervals by blocks.  Simulations that broke are left out, and a line ends there.

    Raises
    ------
    UsageError
        If the records cannot be laid side by side.
    """
    records = comparable(expect_several(records, Record, RECORDS))
    series = _series(records)
    looks = _looks(list(series))
    temperatures = sorted({t for t, _ in series[REFERENCE]})
    data: list[dict[str, Any]] = []
    with styled():
        figure, axes = panels(
            len(QUANTITIES), len(temperatures), width=2.6, height=2.3, sharex=True
        )
        for i, temperature in enumerate(temperatures):
            densities = sorted(rho for t, rho in series[REFERENCE] if t == temperature)
            for j, (quantity, label) in enumerate(QUANTITIES.items()):
                ax = axes[i * len(QUANTITIES) + j]
                for name, states in series.items():
                    seen = {rho: states.get((temperature, rho)) for rho in densities}
                    rows = _draw(ax, name, looks[name], quantity, seen)
                    data += [{"label": name, "temperature": temperature} | row for row in rows]
                if quantity == "molecular":
                    ax.axhline(0.5, color="0.7", linewidth=0.8, zorder=0)
                    ax.set_ylim(-0.05, 1.05)
                elif quantity == "peak":
                    ax.set_ylim(bottom=0)
                ax.set_ylabel(label)
                if j == 0:
                    ax.set_title(f"{temperature:g} K", loc="left")
                if i == len(temperatures) - 1:
                    ax.set_xlabel("density (g/cm³)")
        handles, labels = axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=len(labels))
        figure.suptitle(title or names_of(one.plan.dataset for one in records), fontsize=9)
    return Plot(figure, data)


def _draw(
    ax: Any,
    name: str,
    look: dict[str, Any],
    quantity: str,
    states: dict[float, Observed | None],
) -> list[dict[str, Any]]:
    """Draw a quantity of one model against density; return the data drawn."""
    rows = []
    for density, observed in states.items():
        estimate = None if observed is None else _value(observed, quantity)
        if estimate is not None:
            value = estimate.value
            low = value if estimate.low is None else estimate.low
            high = value if estimate.high is None else estimate.high
            rows.append((density, value, low, high))
        else:
            rows.append((density, np.nan, np.nan, np.nan))
    at, values, low_ends, high_ends = np.array(rows, dtype=float).T
    bars = [values - low_ends, high_ends - values]
    ax.errorbar(at, values, bars, label=name, elinewidth=0.8, **look)
    return [
        {"density": density, "quantity": quantity, "value": value, "low": low, "high": high}
        for density, value, low, high in rows
        if not np.isnan(value)
    ]


def radial(records: Record | Iterable[Record], title: str = "") -> Plot:
    """Radial distribution functions, a panel a state point, a row a temperature.

    Raises
    ------
    UsageError
        If the records cannot be laid side by side.
    """
    records = comparable(expect_several(records, Record, RECORDS))
    series = _series(records)
    looks = _looks(list(series))
    states = sorted(series[REFERENCE])
    temperatures = sorted({t for t, _ in states})
    columns = max(sum(t == temperature for t, _ in states) for temperature in temperatures)
    data: list[dict[str, Any]] = []
    with styled():
        figure, axes = panels(columns, len(temperatures), width=1.9, height=1.8)
        for i, temperature in enumerate(temperatures):
            row = [state for state in states if state[0] == temperature]
            for j in range(columns):
                ax = axes[i * columns + j]
                if j >= len(row):
                    ax.axis("off")
                    continue
                for name, found in series.items():
                    observed = found.get(row[j])
                    if observed is None:
                        continue
                    look = looks[name] | {"marker": ""}
                    ax.plot(observed.rdf.r, observed.rdf.g, label=name, linewidth=1.1, **look)
                    data += [
                        {
                            "label": name,
                            "temperature": row[j][0],
                            "density": row[j][1],
                            "r": r,
                            "g": g,
                        }
                        for r, g in zip(observed.rdf.r, observed.rdf.g, strict=True)
                    ]
                ax.set_title(f"{row[j][0]:g} K, {row[j][1]:g} g/cm³", loc="left", fontsize=8)
                if i == len(temperatures) - 1:
                    ax.set_xlabel("r (Å)")
                if j == 0:
                    ax.set_ylabel("g(r)")
        shown = {
            name: line
            for ax in axes
            for line, name in zip(*ax.get_legend_handles_labels(), strict=True)
        }
        figure.legend(shown.values(), shown.keys(), loc="outside lower center", ncols=len(shown))
        figure.suptitle(title or names_of(one.plan.dataset for one in records), fontsize=9)
    return Plot(figure, data)
