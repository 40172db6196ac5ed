"""Distributions of the radius of gyration (as Fig. SI 3)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from teadata.errors import UsageError, expect
from teadata.typing import Floats
from teaeval.md.comparison import listed
from teaeval.plots.plot import COLOURS, LINES, Plot, names_of, panels, styled
from teaeval.scores.builds import Build, check_same

if TYPE_CHECKING:
    from teaeval.md.record import Gyration, Simulations

BINS = 60


@dataclass(frozen=True, eq=False)
class Density:
    """A distribution of radii of gyration.

    Parameters
    ----------
    label
        Whose.
    edges
        (B+1,) in Å.
    density
        (B,) in 1/Å.
    frames
        Number of frames.
    """

    label: str
    edges: Floats
    density: Floats
    frames: int

    @classmethod
    def of_counts(cls, label: str, rg: Gyration, counts: Sequence[int]) -> Density:
        """Make a density from counts in the bins of a record of simulations."""
        edges = rg.start + rg.width * np.arange(len(counts) + 1)
        total = sum(counts)
        density = np.array(counts, dtype=np.float64) / (total * rg.width)
        return cls(label, edges.astype(np.float64), density, total)


def gyration(radii: Mapping[str, Floats], title: str = "") -> Plot:
    """Plot densities of radii of gyration, a line a label, on common bins.

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
    expect(radii, Mapping, "radii of gyration in Å by label, {label: array}")
    if not radii:
        raise UsageError("no radii of gyration; give files, or a dataset with --reference")
    every = np.concatenate(list(radii.values()))
    if every.min() == every.max():
        raise UsageError(
            f"{len(every)} radii of gyration, all {every[0]:g} Å: expected several that differ, "
            "which have a distribution"
        )
    edges = np.linspace(every.min(), every.max(), BINS + 1)
    densities = [
        Density(label, edges, np.histogram(values, edges, density=True)[0], len(values))
        for label, values in radii.items()
    ]
    return _draw(densities, title)


def simulated(records: Simulations | Iterable[Simulations], title: str = "") -> Plot:
    """Densities of radii of gyration of simulations, and of the test sets they started from.

    Parameters
    ----------
    records
        Of simulations of molecules.
    title
        Line above the figure.

    Raises
    ------
    UsageError
        If none of them has radii of gyration, or two are of other frames of one dataset.
    """
    records = listed(records)
    check_same(
        Build(f"the record of {one.name}", one.dataset, (("frames", one.frames_sha256),))
        for one in records
    )
    several = len({record.dataset for record in records}) > 1
    densities: dict[str, Density] = {}
    names = Counter(record.name for record in records)
    references: dict[str, Density] = {}
    known: dict[str, tuple[object, ...]] = {}
    for record in records:
        if (rg := record.gyration) is None:
            continue
        warm = "" if rg.reference_temperature is None else f", {rg.reference_temperature:g} K"
        data = record.dataset if several else record.dataset.partition("@")[0]
        label = f"{data} {record.subset}{warm}, reference"
        drawn = rg.reference, rg.start, tuple(rg.reference_counts)
        if known.setdefault(label, drawn) != drawn:  # not what others are compared with
            label += f" of {record.name}: {rg.reference or 'test frames'}"
        references[label] = Density.of_counts(label, rg, rg.reference_counts)
        label = record.name
        if names[record.name] > 1:
            label += f", {record.subset}, {record.settings.temperature:g} K"
        while label in densities:
            label += " (another)"
        densities[label] = Density.of_counts(label, rg, rg.counts)
    if not densities:
        reasons = [_without(record) for record in records]
        raise UsageError(f"no radii of gyration in these records: {'; '.join(reasons)}")
    title = title or names_of(record.dataset for record in records)
    return _draw([*references.values(), *densities.values()], title)


def _without(record: Simulations) -> str:
    """Why a record has no radii of gyration."""
    why = record.left_out.get("gyration", "is periodic, or they were not asked for")
    return record.emptied or f"{record.name}: {why}"


def _draw(densities: Sequence[Density], title: str) -> Plot:
    data = []
    with styled():
        figure, (ax,) = panels(1, width=4.4, height=3.0)
        for i, one in enumerate(densities):
            tint = COLOURS[i % len(COLOURS)]
            ax.stairs(one.density, one.edges, color=tint, alpha=0.12, fill=True)
            ax.stairs(
                one.density,
                one.edges,
                color=tint,
                linestyle=LINES[i % len(LINES)],
                linewidth=1.4,
                label=f"{one.label} ({one.frames} frames)",
            )
            rows = zip(
                one.edges[:-1].tolist(), one.edges[1:].tolist(), one.density.tolist(), strict=True
            )
            data += [
                {"label": one.label, "rg_low": a, "rg_high": b, "density": d, "frames": one.frames}
                for a, b, d in rows
            ]
        ax.set(xlabel="radius of gyration, heavy atoms (Å)", ylabel="density (1/Å)")
        ax.set_ylim(bottom=0)
        figure.legend(loc="outside lower center")
        if title:
            ax.set_title(title)
    return Plot(figure, data)
