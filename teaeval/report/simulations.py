"""The part of a report about simulations: stability, what they sampled, where it comes from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from teadata.output.text import html as escape

if TYPE_CHECKING:
    from teaeval.md.record import Simulations

CAPTION = "Radii of gyration of the stable parts of simulations, against the reference's."

OBSERVABLES = "What was sampled after the start that is left out, and the reference in grey."
SURVIVAL = "Share of the replicas that are stable, by Kaplan and Meier, with 95 % intervals."


def section(runs: Sequence[Simulations]) -> str:
    """HTML of the section about simulations; empty without any."""
    from teaeval.report.figures import figure_html

    if not runs:
        return ""
    from teaeval.plots.survival import survival
    from teaeval.tables import render, simulations

    parts = ['<section id="simulations"><h2>Simulations</h2>', *map(_one, runs)]
    parts.append(render.html(simulations.grids(runs)))
    parts.append(figure_html("survival", SURVIVAL, survival(runs)))
    if any(run.observables for run in runs):
        from teaeval.plots.observables import observables

        parts.append(figure_html("observables", OBSERVABLES, observables(runs)))
    if any(run.gyration is not None for run in runs):
        from teaeval.plots.gyration import simulated

        parts.append(figure_html("gyration", CAPTION, simulated(runs)))
    return "\n".join([*parts, "</section>"])


def _one(run: Simulations) -> str:
    """HTML of one record: a table of its replicas, and notes."""
    from teaeval.md.table import COLUMNS, lines_of, rows_of

    def line(cells: Sequence[str], tag: str) -> str:
        return "<tr>" + "".join(f"<{tag}>{escape(text)}</{tag}>" for text in cells) + "</tr>"

    source = run.model or run.calculator or "–"
    checksums = ", ".join(replica.trajectory_sha256[:12] for replica in run.replicas)
    lines = [
        *lines_of(run),
        f"Model: {source}. Frames of {run.dataset}: SHA-256 {run.frames_sha256}. Trajectories: "
        f"SHA-256 {checksums} …; {run.software}, {run.created}.",
    ]
    return (
        f"<h3>{escape(run.name)}, {escape(run.dataset)} ({run.edition} edition), from frames of "
        f"{escape(run.subset)}</h3><table><thead>{line(COLUMNS, 'th')}</thead><tbody>"
        + "".join(line(row, "td") for row in rows_of(run))
        + "</tbody></table>"
        + "".join(f'<p class="note">{escape(text)}</p>' for text in lines)
    )
