"""Plot errors on the structure: per-atom MAE (Figs. SI 4 and SI 8), worst frame (SI 5–7)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from teadata.elements import SYMBOLS
from teadata.errors import UsageError
from teadata.typing import Floats
from teaeval.plots.error_summary import ErrorSummary, listed, named
from teaeval.plots.molecule import ELEMENTS, OTHER, View, draw, element_colours, view
from teaeval.plots.plot import Plot, panels, styled
from teaeval.tables.numbers import significant

COLUMNS = 3
"""Panels in a row."""


def _error_map() -> Any:
    """A colour map from light to dark that colour-blind readers can tell apart."""
    from matplotlib import colormaps
    from matplotlib.colors import ListedColormap

    return ListedColormap(colormaps["inferno_r"](np.linspace(0.03, 0.88, 256)))


def _letter(n: int) -> str:
    return f"({chr(ord('a') + n)})"


def _one_system(summaries: Sequence[ErrorSummary]) -> None:
    datasets = list(dict.fromkeys(c.data for c in summaries))
    systems = list(dict.fromkeys(c.system for c in summaries))
    if len(systems) > 1 and not any(c.subset for c in summaries):
        raise UsageError(
            f"this figure shows one structure, and the reference has {len(systems)} systems, "
            f"{', '.join(systems)}; give a reference and predictions of one of them. "
            "`teaeval report` shows the structures of each"
        )
    if len(datasets) != 1:
        raise UsageError(
            f"expected predictions of one dataset, found {', '.join(datasets) or 'none'}; "
            "make a figure for each"
        )


def _spaced(figure: Any) -> None:
    """Leave room between the title of a panel and what is above it."""
    figure.get_layout_engine().set(h_pad=0.12, hspace=0.06)


def _elements(ax: Any, seen: View) -> None:
    """Draw a structure coloured by element, with a legend below it."""
    draw(ax, seen, element_colours(seen.numbers))
    for z in sorted(set(seen.numbers.tolist())):
        ax.plot(
            [],
            [],
            "o",
            color=ELEMENTS.get(z, OTHER),
            markeredgecolor="0.3",
            markeredgewidth=0.6,
            markersize=7,
            label=SYMBOLS[z],
        )
    ax.legend(
        loc="upper center",
        bbox_to_anchor=(0.5, 0.02),
        ncols=6,
        handletextpad=0.1,
        columnspacing=0.9,
    )


def _coloured(figure: Any, ax: Any, seen: View, values: Floats, label: str) -> None:
    """Draw a structure coloured by a value of each atom, with its own colour bar."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    low, high = float(values.min()), float(values.max())
    high = high if high > low else low + 1e-12
    norm = Normalize(low, high)
    colours = _error_map()
    draw(ax, seen, colours(norm(values)), fog=0.12)  # the colours are to be read off the bar
    bar = figure.colorbar(
        ScalarMappable(norm, colours), ax=ax, orientation="horizontal", shrink=0.75, aspect=28,
        pad=0.02,
    )  # fmt: skip
    bar.set_label(label, fontsize=8)
    bar.set_ticks(np.linspace(low, high, 4))
    bar.ax.set_xticklabels([significant(float(v)) for v in np.linspace(low, high, 4)])
    bar.outline.set_linewidth(0.5)


def _size(seen: View) -> tuple[float, float]:
    """Width and height of a panel, inches."""
    points = (
        seen.xyz if seen.edges is None else np.concatenate([seen.xyz, seen.edges.reshape(-1, 3)])
    )
    extent = np.ptp(points[:, :2], axis=0) + 1.6
    width = 3.1
    return width, float(np.clip(width * extent[1] / extent[0], 1.5, 3.6)) + 0.75


def per_atom(summaries: ErrorSummary | Iterable[ErrorSummary], row: int = 0) -> Plot:
    """Mean absolute force error of each atom, on a frame of the test set.

    The first panel has the elements; each other is a prediction with a colour bar of its own.

    Parameters
    ----------
    summaries
        Predictions of one dataset.
    row
        Which of the first prediction's frames.

    Raises
    ------
    UsageError
        If the predictions are of more than one dataset.
    """
    summaries = listed(summaries)
    _one_system(summaries)
    seen = view(summaries[0].frames(np.array([row])))
    data: list[dict[str, Any]] = []
    width, height = _size(seen)
    count = len(summaries) + 1
    columns = min(COLUMNS, count)
    with styled():
        figure, axes = panels(columns, -(-count // columns), width=width, height=height)
        _spaced(figure)
        _elements(axes[0], seen)
        axes[0].set_title(f"{_letter(0)} {summaries[0].system}")
        for n, (name, c) in enumerate(named(summaries), start=1):
            _coloured(figure, axes[n], seen, c.by_atom, "force MAE (kcal/mol/Å)")
            axes[n].set_title(f"{_letter(n)} {name}")
            data += [
                {
                    "model": name,
                    "train": c.train,
                    "test": c.subset,
                    "atom": i,
                    "element": SYMBOLS[z],
                    "mae": c.by_atom[i],
                }
                for i, z in enumerate(c.numbers)
            ]
        for ax in axes[count:]:
            ax.axis("off")
        figure.suptitle("; ".join(dict.fromkeys(c.where for c in summaries)), fontsize=9)
    return Plot(figure, data)


def worst_frame(summaries: ErrorSummary | Iterable[ErrorSummary]) -> Plot:
    """The frame with the largest error of a force component, by element and by error.

    A row per prediction.  An atom's colour is the largest absolute error of its components:
    the end of the colour bar is the MAX of the tables.

    Raises
    ------
    UsageError
        If the predictions are of more than one dataset.
    """
    summaries = listed(summaries)
    _one_system(summaries)
    rows = [c.worst(1) for c in summaries]
    views = [view(c.frames(row)) for c, row in zip(summaries, rows, strict=True)]
    sizes = np.array([_size(seen) for seen in views])
    data: list[dict[str, Any]] = []
    with styled():
        figure, axes = panels(
            2, len(summaries), width=float(sizes[:, 0].max()), height=float(sizes[:, 1].max())
        )
        _spaced(figure)
        for n, (name, c) in enumerate(named(summaries)):
            row, seen = rows[n], views[n]
            left, right = axes[2 * n : 2 * n + 2]
            error = c.errors(row)[0]
            largest = np.abs(error).max(axis=1)
            frame = int(c.test.ids[c.rows[row[0]]])
            _elements(left, seen)
            left.set_title(f"{_letter(n)} {name}: frame {frame}")
            _coloured(figure, right, seen, largest, "largest |ΔF| component (kcal/mol/Å)")
            data += [
                {
                    "model": name,
                    "train": c.train,
                    "test": c.subset,
                    "frame": frame,
                    "atom": i,
                    "element": SYMBOLS[z],
                    "largest_component": largest[i],
                    "length": float(np.linalg.norm(error[i])),
                }
                for i, z in enumerate(c.numbers)
            ]
        figure.suptitle("; ".join(dict.fromkeys(c.where for c in summaries)), fontsize=9)
    return Plot(figure, data)
