"""Plots of errors: parity, distributions, by element, by strength of the force."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from teadata.typing import Floats
from teaeval.plots.error_summary import ErrorSummary, listed, named, quantiles
from teaeval.plots.plot import Plot, colour, marker, panels, styled

MOST_POINTS = 4000
"""Frames that the parity plot of energies marks, at most; evenly spaced."""


def parity(summaries: ErrorSummary | Iterable[ErrorSummary]) -> Plot:
    """Predicted against reference energies (a mark a frame) and force components (counts).

    A row per prediction.  Energies are relative to the reference's lowest of the test set, the
    predicted ones to the same number: an offset shows, or is named at the axis if it is large.
    """
    from matplotlib.colors import LogNorm

    summaries = listed(summaries)
    names = [name for name, _ in named(summaries)]
    data: list[dict[str, Any]] = []
    with styled():
        figure, axes = panels(2, len(summaries), width=3.5, height=3.2)
        for i, (name, c) in enumerate(named(summaries)):
            left, right = axes[2 * i : 2 * i + 2]
            step = max(1, -(-len(c.energies) // MOST_POINTS))
            lowest = c.reference_energies.min()
            x, y = c.reference_energies[::step] - lowest, c.energies[::step] - lowest
            shift = _offset(x, y)
            y = y - shift
            left.plot(
                x, y, ".", markersize=2, alpha=0.5, color=colour(name, names), rasterized=True
            )
            _diagonal(left, min(x.min(), y.min()), max(x.max(), y.max()))
            less = f", less {shift:.6g}" if shift else ""
            left.set(
                xlabel="reference E − lowest (kcal/mol)",
                ylabel=f"predicted E − lowest reference{less} (kcal/mol)",
            )
            left.set_title(f"{name}: energy")
            edges = c.parity_edges
            mesh = right.pcolormesh(
                edges,
                edges,
                np.where(c.parity.T, c.parity.T, np.nan),
                norm=LogNorm(1, max(2, c.parity.max())),
                cmap="viridis",
                rasterized=True,
            )
            _diagonal(right, edges[0], edges[-1])
            figure.colorbar(mesh, ax=right, label="components", shrink=0.85)
            right.set(xlabel="reference F (kcal/mol/Å)", ylabel="predicted F (kcal/mol/Å)")
            right.set_title(f"{name}: force components")
            data += [
                {"model": name, "quantity": "E", "reference": a, "predicted": b, "count": 1}
                for a, b in zip(x.tolist(), (y + shift).tolist(), strict=True)
            ]
            middle = (edges[:-1] + edges[1:]) / 2
            data += [
                {
                    "model": name,
                    "quantity": "F",
                    "reference": middle[a],
                    "predicted": middle[b],
                    "count": int(c.parity[a, b]),
                }
                for a, b in np.argwhere(c.parity)
            ]
        figure.suptitle(_where(summaries), fontsize=9)
    return Plot(figure, data)


def _offset(reference: Floats, predicted: Floats) -> float:
    """A constant to take off energies that would else be a dot in a corner; 0 where none is."""
    offset = float(np.median(predicted - reference))
    return offset if abs(offset) > 2 * np.ptp(reference) else 0.0


def _diagonal(ax: Any, low: float, high: float) -> None:
    if low == high:  # of one frame that is right
        low, high = low - 0.5, high + 0.5
    ax.axline((low, low), slope=1, color="0.3", linewidth=0.7, zorder=5)
    ax.set(xlim=(low, high), ylim=(low, high), aspect="equal")


def _where(summaries: Sequence[ErrorSummary]) -> str:
    return "; ".join(dict.fromkeys(c.where for c in summaries))


def distributions(summaries: ErrorSummary | Iterable[ErrorSummary]) -> Plot:
    """Plot densities of signed errors of energies and force components, a line a prediction."""
    summaries = listed(summaries)
    names = [name for name, _ in named(summaries)]
    data: list[dict[str, Any]] = []
    with styled():
        figure, (left, right) = panels(2)
        for name, c in named(summaries):
            tint = colour(name, names)
            error = c.energies - c.reference_energies
            bins = int(np.clip(np.sqrt(len(error)), 15, 60))
            counts, edges = np.histogram(error, bins)
            for ax, quantity, n, e in (
                (left, "E", counts, edges),
                (right, "F", c.signed, c.signed_edges),
            ):
                density = n / (n.sum() * np.diff(e))
                ax.stairs(density, e, color=tint, label=name, linewidth=1.4)
                middle = (e[:-1] + e[1:]) / 2
                data += [
                    {"model": name, "quantity": quantity, "error": m, "density": d}
                    for m, d in zip(middle.tolist(), density.tolist(), strict=True)
                ]
        for ax in (left, right):
            ax.axvline(0, color="0.6", linewidth=0.7, zorder=0)
        left.set(xlabel="energy error (kcal/mol)", ylabel="density (mol/kcal)")
        right.set(xlabel="force component error (kcal/mol/Å)", ylabel="density (Å·mol/kcal)")
        right.set_yscale("log")
        left.legend()
        figure.suptitle(_where(summaries), fontsize=9)
    return Plot(figure, data)


SHARES = (0.05, 0.25, 0.5, 0.75, 0.95)
"""Shares of the errors that a box shows: whiskers, box, median."""


def by_element(summaries: ErrorSummary | Iterable[ErrorSummary]) -> Plot:
    """Absolute errors of force components by element: quartiles, and 5 to 95 %."""
    summaries = listed(summaries)
    names = [name for name, _ in named(summaries)]
    elements = list(dict.fromkeys(e for c in summaries for e in c.by_element))
    width = 0.8 / len(names)
    data: list[dict[str, Any]] = []
    with styled():
        figure, (ax,) = panels(1, width=max(3.6, 0.9 * len(elements) + 1.6), height=3.0)
        for i, (name, c) in enumerate(named(summaries)):
            boxes, places = [], []
            for element, counts in c.by_element.items():
                low, q1, median, q3, high = quantiles(counts, SHARES).tolist()
                places.append(elements.index(element) + (i + 0.5) * width - 0.4)
                boxes.append(
                    {"whislo": low, "q1": q1, "med": median, "q3": q3, "whishi": high, "fliers": []}
                )
                data.append(
                    {"model": name, "element": element, "components": int(counts.sum())}
                    | {"q05": low, "q25": q1, "q50": median, "q75": q3, "q95": high}
                )
            tint = colour(name, names)
            ax.bxp(
                boxes,
                positions=places,
                widths=0.85 * width,
                showfliers=False,
                patch_artist=True,
                manage_ticks=False,
                boxprops={"facecolor": tint, "alpha": 0.5, "edgecolor": tint},
                medianprops={"color": "black", "linewidth": 1.4},
                whiskerprops={"color": tint},
                capprops={"color": tint},
            )
            ax.plot([], [], color=tint, linewidth=6, alpha=0.5, label=name)
        ax.set_yscale("log")
        ax.set_xticks(range(len(elements)), elements)
        ax.set(ylabel="|error| of a force component\n(kcal/mol/Å)", xlabel="element")
        figure.legend(loc="outside lower center", ncols=min(4, len(names)))
        figure.suptitle(_where(summaries), fontsize=9)
    return Plot(figure, data)


def by_magnitude(summaries: ErrorSummary | Iterable[ErrorSummary]) -> Plot:
    """Length of an atom's force error against its reference |F|: median and 10 to 90 %."""
    summaries = listed(summaries)
    names = [name for name, _ in named(summaries)]
    data: list[dict[str, Any]] = []
    with styled():
        figure, (ax,) = panels(1, width=4.2, height=3.1)
        lowest, highest = np.inf, 0.0
        for name, c in named(summaries):
            edges = c.magnitude_edges
            middle = np.sqrt(edges[:-1] * edges[1:])
            counts = c.by_magnitude.sum(axis=1)
            spread = np.array([quantiles(n, (0.1, 0.5, 0.9)) for n in c.by_magnitude])
            full = counts >= min(10, counts.max())  # quantiles of fewer are noise
            tint = colour(name, names)
            ax.fill_between(middle[full], *spread[full][:, [0, 2]].T, color=tint, alpha=0.2, lw=0)
            ax.plot(
                middle[full], spread[full][:, 1], color=tint, marker=marker(name, names), label=name
            )
            lowest, highest = min(lowest, middle[full].min()), max(highest, middle[full].max())
            data += [
                {
                    "model": name,
                    "force_low": edges[i],
                    "force_high": edges[i + 1],
                    "atoms": int(counts[i]),
                    "q10": spread[i, 0],
                    "q50": spread[i, 1],
                    "q90": spread[i, 2],
                    "mean": c.magnitude_sum[i] / counts[i] if counts[i] else None,
                }
                for i in range(len(counts))
            ]
        ax.plot(
            [lowest, highest],
            [lowest, highest],
            color="0.4",
            linewidth=0.8,
            linestyle="--",
            label="error = force",
        )
        ax.set_xscale("log")
        ax.set_yscale("log")
        ax.set(xlabel="reference |F| of an atom (kcal/mol/Å)", ylabel="|force error| (kcal/mol/Å)")
        figure.legend(loc="outside lower center", ncols=3)
        figure.suptitle(_where(summaries), fontsize=9)
    return Plot(figure, data)
