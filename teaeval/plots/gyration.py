"""Distributions of the radius of gyration (as Fig. SI 3)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from teadata.errors import UsageError
from teaeval.observables.gyration import Floats
from teaeval.plots.plot import COLOURS, LINES, Plot, panels, styled

BINS = 60


def gyration(radii: Mapping[str, Floats], title: str = "") -> Plot:
    """Densities of radii of gyration, a line a label, on common bins.

    Parameters
    ----------
    radii
        By label, (N,) in Å.
    title
        Line above the figure.

    Raises
    ------
    UsageError
        If there is nothing to draw.
    """
    if not radii:
        raise UsageError("no radii of gyration; give files, or a dataset with --reference")
    every = np.concatenate(list(radii.values()))
    edges = np.linspace(every.min(), every.max() or 1.0, BINS + 1)
    data = []
    with styled():
        figure, (ax,) = panels(1, width=4.4, height=3.0)
        for i, (label, values) in enumerate(radii.items()):
            density, _ = np.histogram(values, edges, density=True)
            tint = COLOURS[i % len(COLOURS)]
            ax.stairs(density, edges, color=tint, alpha=0.12, fill=True)
            ax.stairs(
                density,
                edges,
                color=tint,
                linestyle=LINES[i % len(LINES)],
                linewidth=1.4,
                label=f"{label} ({len(values)} frames)",
            )
            data += [
                {"label": label, "rg_low": a, "rg_high": b, "density": d, "frames": len(values)}
                for a, b, d in zip(
                    edges[:-1].tolist(), edges[1:].tolist(), density.tolist(), strict=True
                )
            ]
        ax.set(xlabel="radius of gyration, heavy atoms (Å)", ylabel="density (1/Å)")
        ax.set_ylim(bottom=0)
        figure.legend(loc="outside lower center")
        if title:
            ax.set_title(title)
    return Plot(figure, data)
