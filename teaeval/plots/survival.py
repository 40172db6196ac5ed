"""Survival of simulations: the share of replicas that lasts, against time."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from teadata.errors import UsageError
from teaeval.md.comparison import by_state, listed
from teaeval.md.record import Simulations
from teaeval.plots.plot import Plot, colour, names_of, panels, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLUMNS = 3
"""Panels in a row."""

HEIGHT, LINE = 2.8, 0.2
"""Inches of a panel, and of a line of the legend below it."""


def survival(records: Simulations | Iterable[Simulations]) -> Plot:
    """Draw Kaplan–Meier curves, a panel for each system, subset and temperature.

    Bands are 95 % intervals; a tick is a replica that ended well, or still runs.

    Raises
    ------
    UsageError
        If there are no records.
    """
    records = listed(records)
    states = by_state(records)
    if not states:
        raise UsageError("nothing to draw; give records of simulations")
    names = list(dict.fromkeys(label for members in states.values() for label, _ in members))
    data: list[dict[str, Any]] = []
    across = min(COLUMNS, len(states))
    with styled():
        lines = max(len(members) for members in states.values())
        figure, axes = panels(
            across, -(-len(states) // across), height=HEIGHT + LINE * lines, sharey=True
        )
        for ax in axes[len(states) :]:
            ax.set_visible(False)
        for ax, (state, members) in zip(axes, states.items(), strict=False):
            for label, record in members:
                data += _curve(ax, state, label, record, colour(label, names))
            ax.set(xlabel="time (ps)", ylim=(-0.03, 1.05), title=state)
            ax.set_xlim(left=0)
            ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.18))
        for ax in axes[::across]:
            ax.set_ylabel("replicas that are stable")
        figure.suptitle(names_of(record.dataset for record in records), fontsize=9)
    return Plot(figure, data)


def _curve(
    ax: Axes, state: str, label: str, record: Simulations, tint: str
) -> list[dict[str, Any]]:
    """Draw the curve of one record; give its data."""
    curve = record.survival
    times = np.concatenate([[0.0], curve.times, [curve.followed]])
    ends = len(curve.times)  # the last step goes on to the end
    steps = [0, *range(1, ends + 1), ends]
    first = curve.at(float(times[1]) * 0.999)[1]  # the lowest before the first event
    low = np.concatenate([[first], curve.low])[steps]
    high = np.concatenate([[curve.start[1]], curve.high])[steps]
    share = np.concatenate([[1.0], curve.share])[steps]
    ax.step(
        times,
        share,
        where="post",
        color=tint,
        label=f"{label}, {record.failed} of {curve.replicas} failed",
    )
    ax.fill_between(times, low, high, step="post", color=tint, alpha=0.12, linewidth=0)
    lasted, failed = (np.array(values) for values in record.lasted)
    censored = lasted[~failed]
    heights = share[np.searchsorted(curve.times, censored, side="right")]
    ax.plot(censored, heights, "|", color=tint, markersize=7)
    return [
        {"state": state, "model": label, "ps": t, "share": s, "low": a, "high": b}
        for t, s, a, b in zip(
            times.tolist(), share.tolist(), low.tolist(), high.tolist(), strict=True
        )
    ]
