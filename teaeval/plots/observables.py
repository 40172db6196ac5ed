"""What simulations sampled, a panel for each quantity: models, and their references in grey."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from teadata.errors import UsageError
from teadata.typing import Floats
from teaeval.md.comparison import by_state, listed
from teaeval.md.observed import Axis, Observed
from teaeval.md.record import Simulations
from teaeval.plots.plot import Plot, colour, names_of, panels, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLUMNS, MOST_COLUMNS = 4, 8
"""Panels in a row, and at most, where a row is the maps of one quantity."""

REFERENCE = "reference"
GREY = "0.6"


@dataclass(frozen=True)
class _Panel:
    """One quantity of the models of one state; of a map, of one model or one reference."""

    state: str
    members: list[tuple[str, Observed]]
    names: list[str]
    only: str | None = None

    @property
    def first(self) -> Observed:
        """The quantity of the first model."""
        return self.members[0][1]

    @property
    def title(self) -> str:
        """Observable, quantity and whose map it is."""
        whose = "" if self.only is None else f", {self.only}"
        return f"{self.first.observable}: {self.first.quantity}{whose}"

    @property
    def references(self) -> dict[str, Observed]:
        """What the models are compared with, each once, by its name: those that have it."""
        found: list[Observed] = []
        for _, one in self.members:
            if one.reference and not any(_same_reference(one, other) for other in found):
                found.append(one)
        if len(found) < 2:
            return {REFERENCE: found[0]} if found else {}
        return {f"{REFERENCE} {i}": one for i, one in enumerate(found, 1)}


def _same_reference(first: Observed, second: Observed) -> bool:
    """Whether two models were compared with the same: the same words, and the same numbers."""
    return (first.reference, first.reference_values, first.reference_mean) == (
        second.reference,
        second.reference_values,
        second.reference_mean,
    )


def observables(records: Simulations | Iterable[Simulations]) -> Plot:
    """Draw all quantities of the records, those of one state in the same panels.

    Raises
    ------
    UsageError
        If there is nothing to draw.
    """
    records = listed(records)
    every = [panel for state, members in by_state(records).items() for panel in _of(state, members)]
    if not every:
        reasons = [record.emptied or f"{record.name}: has no observables" for record in records]
        raise UsageError(f"nothing to draw: {'; '.join(reasons) or 'give records of simulations'}")
    draw: dict[str, Callable[[Axes, _Panel], list[dict[str, Any]]]] = {
        "histogram": _lines,
        "curve": _lines,
        "map": _map,
        "mean": _means,
    }
    data: list[dict[str, Any]] = []
    across, places = _places(every)
    with styled():
        figure, axes = panels(across, places[-1] // across + 1, width=2.9, height=2.4)
        for place in set(range(len(axes))).difference(places):
            axes[place].set_visible(False)
        states = list(dict.fromkeys(panel.state for panel in every))
        for place, panel in zip(places, every, strict=True):
            ax = axes[place]
            data += draw[panel.first.kind](ax, panel)
            where = f"{panel.state}\n" if len(states) > 1 else ""
            ax.set_title(f"{where}{panel.title}", fontsize=8)
        datasets = names_of(record.dataset for record in records)
        figure.suptitle(f"{datasets}\n{'; '.join(states)}", fontsize=9)
        _legend(figure, every)
    return Plot(figure, data)


def _places(every: Sequence[_Panel]) -> tuple[int, list[int]]:
    """Panels in a row, and the place of each: maps of one quantity have rows of their own."""
    groups = [
        list(group)
        for _, group in itertools.groupby(
            every, lambda panel: (panel.state, panel.first.quantity) if panel.only else None
        )
    ]
    maps = [len(group) for group in groups if group[0].only]
    across = max([min(COLUMNS, len(every)), *(min(count, MOST_COLUMNS) for count in maps)])
    places: list[int] = []
    for group in groups:
        start = places[-1] + 1 if places else 0
        if group[0].only or (places and every[len(places) - 1].only):
            start = -(-start // across) * across
        places += range(start, start + len(group))
    return across, places


def _of(state: str, members: Sequence[tuple[str, Simulations]]) -> list[_Panel]:
    """The panels of one state, in the order of the first model's observables."""
    names = [label for label, _ in members]
    found: dict[tuple[str, str], list[tuple[str, Observed]]] = {}
    for label, record in members:
        for one in record.observables:
            found.setdefault((one.observable, one.quantity), []).append((label, one))
    every = []
    for group in found.values():
        if group[0][1].kind != "map":
            every.append(_Panel(state, group, names))
            continue
        whose = [*(label for label, _ in group), *_Panel(state, group, names).references]
        every += [_Panel(state, group, names, label) for label in whose]
    return every


def _legend(figure: Any, every: Sequence[_Panel]) -> None:
    from matplotlib.lines import Line2D

    names = list(dict.fromkeys(name for panel in every for name in panel.names))
    handles = [Line2D([], [], color=colour(name, names), label=name) for name in names]
    references = [name for panel in every for name in panel.references]
    handles += [Line2D([], [], **_drawn(name), label=name) for name in dict.fromkeys(references)]
    figure.legend(handles=handles, loc="outside lower center", ncols=min(len(handles), 6))


def _drawn(reference: str) -> dict[str, Any]:
    """How a reference is drawn: in grey, the second and later ones in darker grey and dashed."""
    number = int(reference.removeprefix(REFERENCE) or 1)
    return {"color": GREY} if number == 1 else {"color": f"{0.6 / number:.2f}", "linestyle": "--"}


def _edges(axis: Axis) -> Floats:
    return axis.start + axis.width * np.arange(axis.bins + 1, dtype=np.float64)


def _lines(ax: Axes, panel: _Panel) -> list[dict[str, Any]]:
    """Densities or curves."""
    (axis,) = panel.first.axes
    edges = _edges(axis)
    curves: list[tuple[str, dict[str, Any], list[float]]] = [
        (name, _drawn(name), one.reference_values) for name, one in panel.references.items()
    ]
    curves += [
        (label, {"color": colour(label, panel.names)}, one.values) for label, one in panel.members
    ]
    data, seen = [], np.zeros(axis.bins, dtype=bool)
    for label, style, values in curves:
        heights = np.array(values)
        seen |= heights != 0
        fill = panel.first.kind == "histogram" and label in panel.references
        fill = fill and "linestyle" not in style
        ax.stairs(heights, edges, fill=fill, alpha=0.5 if fill else 1.0, **style)
        data += [
            _datum(panel, label, x=x, y=None, value=value)
            for x, value in zip((edges[:-1] + axis.width / 2).tolist(), values, strict=True)
        ]
    there = np.flatnonzero(seen)
    if len(there) and panel.first.kind == "histogram":
        ax.set_xlim(edges[there[0]] - axis.width, edges[there[-1] + 1] + axis.width)
    ax.set_xlabel(f"{axis.name} ({axis.unit})" if axis.unit else axis.name)
    if panel.first.kind == "histogram":
        ax.set_ylabel("density")
    return data


def _map(ax: Axes, panel: _Panel) -> list[dict[str, Any]]:
    """Shares of a map, with the reference's wells."""
    x, y = panel.first.axes
    from matplotlib.patheffects import withStroke

    whose, references = panel.only or "", panel.references
    referred = whose in references
    one = references[whose] if referred else dict(panel.members)[whose]
    values = one.reference_values if referred else one.values
    shares = np.array(values).reshape(x.bins, y.bins)
    # of few visits too: the root shows them
    ax.pcolormesh(_edges(x), _edges(y), np.sqrt(shares.T), cmap="Blues", rasterized=True)
    for well in one.wells:
        share = well.reference if referred else well.share
        ax.text(
            well.x,
            well.y,
            f"{share.value:.0%}",
            fontsize=7,
            ha="center",
            va="center",
            path_effects=[withStroke(linewidth=2, foreground="white")],
        )
    for set_label, axis in ((ax.set_xlabel, x), (ax.set_ylabel, y)):
        set_label(f"{axis.name} ({axis.unit})" if axis.unit else axis.name)
    middles = [(_edges(axis)[:-1] + axis.width / 2).tolist() for axis in (x, y)]
    return [
        _datum(panel, whose, x=a, y=b, value=float(shares[i, j]))
        for i, a in enumerate(middles[0])
        for j, b in enumerate(middles[1])
        if shares[i, j]
    ]


def _means(ax: Axes, panel: _Panel) -> list[dict[str, Any]]:
    """Means with their 95 % intervals."""
    points = [(label, colour(label, panel.names), one.mean) for label, one in panel.members]
    points += [
        (name, str(_drawn(name)["color"]), one.reference_mean)
        for name, one in panel.references.items()
    ]
    data = []
    for place, (label, tint, mean) in enumerate(points):
        if mean is None:
            continue
        ax.plot([place], [mean.value], "o", color=tint)
        if mean.low is not None and mean.high is not None:
            ax.plot([place, place], [mean.low, mean.high], color=tint)
        data.append(
            _datum(panel, label, x=None, y=None, value=mean.value, low=mean.low, high=mean.high)
        )
    if panel.first.exact is not None:
        ax.axhline(panel.first.exact, color=GREY)
    ax.set_xticks([])
    ax.set_ylabel(panel.first.unit)
    return data


def _datum(
    panel: _Panel, label: str, *, x: float | None, y: float | None, value: float,
    low: float | None = None, high: float | None = None,
) -> dict[str, Any]:  # fmt: skip
    return {
        "state": panel.state,
        "observable": panel.first.observable,
        "quantity": panel.first.quantity,
        "model": label,
        "x": x,
        "y": y,
        "value": value,
        "low": low,
        "high": high,
    }
