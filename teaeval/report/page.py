"""Write the page: scores, figures, structures, and where all of it comes from."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, cast

from teadata.errors import UsageError, expect, expect_path
from teadata.files import write_text
from teadata.output.text import html as escape
from teadata.provenance import DISTRIBUTION, package_version
from teadata.typing import Progress, no_progress
from teaeval.defaults import REPLICATES
from teaeval.report.figures import figure_html

if TYPE_CHECKING:
    from teaeval.md.record import Simulations
    from teaeval.plots.error_summary import ErrorSummary
    from teaeval.plots.plot import Plot
    from teaeval.predictions.reference import Reference
    from teaeval.scores.examine import AnyPrediction
    from teaeval.scores.record import Score

CAPTIONS = {
    "errors": "Densities of signed errors, energies and force components.",
    "parity": "Predicted against reference values; energies relative to the reference's lowest.",
    "elements": "Absolute errors of force components: quartiles, whiskers 5 to 95 %.",
    "magnitude": "Length of an atom's force error against its force: median, 10 to 90 %.",
    "atoms": "Mean absolute error of each atom's force components.",
    "worst": "The frame with the largest error of a force component.",
}
"""The figures of a test set, and their captions."""


def write(
    predictions: Sequence[AnyPrediction] | AnyPrediction,
    output: Path,
    *,
    title: str = "Force-field report",
    frames: int = 10,
    allow_failed: bool = False,
    replicates: int = REPLICATES,
    simulations: Sequence[Path] = (),
    reference: Reference | None = None,
    progress: Progress = no_progress,
) -> None:
    """Write the report of some prediction files.

    Parameters
    ----------
    predictions
        Predictions or their files, of any datasets; or one.
    output
        HTML file to write.
    title
        Its heading.
    frames
        Structures of each prediction, those with the largest errors.
    allow_failed
        Whether frames that are missing or not finite are counted as failed.
    replicates
        Bootstrap samples behind the intervals of MAX; 0 for no intervals.
    simulations
        Records that ``teaeval md analyse`` wrote.
    reference
        What they are compared with instead of datasets.
    progress
        Told what is done.

    Raises
    ------
    PredictionError
        If a prediction cannot be scored.
    DataError
        If a record of simulations cannot be read.
    MissingExtraError
        If Matplotlib is not installed.
    """
    from teaeval.md import record
    from teaeval.plots.error_summary import summarise, summarise_against
    from teaeval.plots.plot import styled
    from teaeval.predictions.prediction import Prediction
    from teaeval.predictions.reading import AnyFile
    from teaeval.scores.against import examine_against
    from teaeval.scores.examine import examine
    from teaeval.scores.scoring import score_against, score_examined

    one = isinstance(predictions, Prediction | AnyFile)
    predictions = cast("Sequence[AnyPrediction]", [predictions] if one else predictions)
    expect(predictions, Sequence, "predictions or the paths of their files, or one")
    output = expect_path(output, "the path of the report to write")
    if not predictions:
        raise UsageError("a report needs a prediction")
    if output.suffix.lower() not in (".html", ".htm"):
        raise UsageError(f"{output}: a report is written as .html")
    with styled():  # Matplotlib is there, before minutes of work
        pass
    runs = [record.read(path) for path in simulations]
    scores, summaries = [], []
    for n, item in enumerate(predictions):
        progress("predictions scored", n, len(predictions))
        if reference is not None:
            against = examine_against(item, reference, allow_failed=allow_failed)
            scores.append(score_against(against, replicates=replicates))
            summaries += summarise_against(against)
            continue
        examined = examine(item, allow_failed=allow_failed)
        scores.append(score_examined(examined, replicates=replicates))
        summaries.append(summarise(examined))
    progress("predictions scored", len(predictions), len(predictions))
    write_text(output, page(scores, summaries, title, frames, runs, progress))


def page(
    scores: Sequence[Score],
    summaries: Sequence[ErrorSummary],
    title: str,
    frames: int,
    runs: Sequence[Simulations] = (),
    progress: Progress = no_progress,
) -> str:
    """The HTML of a report: scores and error summaries of the same predictions; simulations."""
    from teaeval.report.simulations import section
    from teaeval.report.structures import structures

    data = json.dumps(structures(summaries, frames), ensure_ascii=False, separators=(",", ":"))
    return Template(_asset("page.html")).substitute(
        title=escape(title),
        css=_asset("report.css"),
        viewer=_asset("vendor/3Dmol-min.js").replace("</script", r"<\/script"),
        licence=escape(_asset("vendor/3Dmol-LICENSE.txt")),
        script=_asset("report.js"),
        data=data.replace("<", r"\u003c"),
        warnings=_warnings(scores),
        tables=_tables(scores),
        figures=_figures(summaries, progress),
        simulations=section(runs),
        link='<a href="#simulations">Simulations</a> ' if runs else "",
        provenance=_provenance(scores),
    )


def _asset(name: str) -> str:
    path = files("teaeval.report")
    for part in name.split("/"):
        path = path / part
    return path.read_text(encoding="utf-8")


def _warnings(scores: Sequence[Score]) -> str:
    """HTML of what the checks warn of, before any number that it is about."""
    lines = [
        f"{s.prediction.model or s.prediction.file}: {text}" for s in scores for text in s.warnings
    ]
    if not lines:
        return ""
    shown = "".join(f"<p>{escape(line)}</p>" for line in dict.fromkeys(lines))
    return f'<section id="warnings"><h2>Warnings</h2>{shown}</section>'


def _tables(scores: Sequence[Score]) -> str:
    """HTML of the scores in each kind of number; the page shows one kind at a time."""
    from teaeval import tables
    from teaeval.tables import render

    intervals = all(s.bootstrap is not None for s in scores)
    return "\n".join(
        f'<div class="kind" data-kind="{kind}"{"" if kind == "mean" else " hidden"}>'
        + render.html(tables.grids(scores, kind, intervals=intervals))
        + "</div>"
        for kind in tables.KINDS
    )


def _figures(summaries: Sequence[ErrorSummary], progress: Progress) -> str:
    """HTML of the figures of each test set."""
    from teaeval.plots import errors, structure

    draw: dict[str, Callable[[Sequence[ErrorSummary]], Plot]] = {
        "errors": errors.distributions,
        "parity": errors.parity,
        "elements": errors.by_element,
        "magnitude": errors.by_magnitude,
        "atoms": structure.per_atom,
        "worst": structure.worst_frame,
    }
    groups: dict[str, list[ErrorSummary]] = {}
    for summary in summaries:
        groups.setdefault(summary.where, []).append(summary)
    parts, done = [], 0
    for n, (where, members) in enumerate(groups.items()):
        parts.append(f"<h3>{escape(where)}</h3>")
        for name, make in draw.items():
            progress("figures drawn", done, len(groups) * len(draw))
            parts.append(figure_html(f"{name}-{n + 1}", CAPTIONS[name], make(members)))
            done += 1
    progress("figures drawn", done, done)
    return "\n".join(parts)


def _provenance(scores: Sequence[Score]) -> str:
    """HTML of where the scores come from: files and their checksums, software."""
    rows = "".join(
        "<tr>"
        + "".join(
            f"<td>{escape(text)}</td>"
            for text in (
                s.prediction.model or "–",
                (s.prediction.train or "not said") if s.dataset else "–",
                s.prediction.file or "–",
                s.prediction.sha256 or "–",
                f"{s.data.name}, {s.dataset.subset if s.dataset else s.task}",
                s.data.checksum,
            )
        )
        + "</tr>"
        for s in scores
    )
    heads = ("model", "trained on", "file", "SHA-256", "test set", "SHA-256 of the frames")
    notes = [f"Made with {DISTRIBUTION} {package_version()}, {max(s.created for s in scores)}."]
    if any(s.dataset and s.dataset.edition == "mini" for s in scores):
        notes.append("Errors on the mini edition are not comparable with published ones.")
    notes += [f"Left out: {what}." for what in dict.fromkeys(w for s in scores for w in s.left_out)]
    return (
        "<table><thead><tr>"
        + "".join(f"<th>{h}</th>" for h in heads)
        + f"</tr></thead><tbody>{rows}</tbody></table>"
        + "".join(f"<p>{escape(line)}</p>" for line in notes)
    )
