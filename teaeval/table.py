"""A score as a table: terminal, Markdown, CSV."""

from __future__ import annotations

import csv
import io

from teaeval.scoring import Row, Score

BLOCKS = {
    "absolute": ("mae", "rmse", "max"),
    "% mean": ("mae_percent_mean", "rmse_percent_mean", "max_percent_mean"),
    "% std": ("mae_percent_std", "rmse_percent_std", "max_percent_std"),
}
"""The three blocks of columns and the fields of :class:`~teaeval.scoring.Row` in them."""

LEGEND = (
    "absolute: E in kcal/mol, F in kcal/mol/Å, by component",
    "% mean: of the mean |reference|, E relative to the test set's lowest (as Table SI 7)",
    "% std: of the reference's standard deviation (as Table SI 8)",
)


def significant(value: float | None) -> str:
    """Three significant digits, as in the published tables; a dash for None."""
    if value is None:
        return "–"
    if value == 0:
        return "0"
    text = f"{value:.3g}"
    if "e" in text:
        return f"{float(text):.0f}" if 1 <= abs(value) < 1e6 else text
    digits = len(text.lstrip("-0.").replace(".", ""))
    if "." not in text and digits < 3:
        text += "."
    return text + "0" * max(0, 3 - digits) if "." in text else text


def title(score: Score) -> str:
    """What was scored, in one line."""
    data, made = score.dataset, score.prediction
    model = f", {made.model}" if made.model else ""
    trained = f" trained on {made.train}" if made.train else ""
    return (
        f"{data.id}@{data.version} ({data.edition} edition), test set {data.subset}, "
        f"{data.frames} frames{model}{trained}"
    )


def footer(score: Score) -> list[str]:
    """Legend, warnings, and for data of others how to cite them."""
    lines = [*LEGEND, *(f"warning: {text}" for text in score.warnings)]
    if score.dataset.edition == "official":
        lines.append(f"to cite the data: teadata cite {score.dataset.id} --bibtex")
    return lines


def cells(row: Row) -> list[str]:
    """The row's nine numbers as text, block by block."""
    return [significant(getattr(row, name)) for block in BLOCKS.values() for name in block]


def print_score(score: Score) -> None:
    """Print the score to the terminal."""
    import typer

    from teadata.console import print_table

    typer.echo(title(score))
    columns = [
        measure if block == "absolute" else f"{measure}\n{block}"
        for block in BLOCKS
        for measure in ("MAE", "RMSE", "MAX")
    ]
    print_table(["", *columns], [[row.quantity, *cells(row)] for row in score.rows], right=columns)
    for line in footer(score):
        typer.echo(line)


def markdown(score: Score) -> str:
    """The score as a Markdown table with its legend."""
    columns = [
        measure + ("" if block == "absolute" else f" ({block})")
        for block in BLOCKS
        for measure in ("MAE", "RMSE", "MAX")
    ]
    lines = [
        title(score),
        "",
        "| | " + " | ".join(columns) + " |",
        "|:--|" + "--:|" * len(columns),
        *(f"| {row.quantity} | " + " | ".join(cells(row)) + " |" for row in score.rows),
        "",
        *(f"- {line}" for line in footer(score)),
    ]
    return "\n".join(lines)


def to_csv(score: Score) -> str:
    """The score as CSV: one line per quantity, full precision, with what identifies it."""
    key = {
        "dataset": f"{score.dataset.id}@{score.dataset.version}",
        "task": score.task,
        "model": score.prediction.model or "",
    }
    stream = io.StringIO()
    writer = csv.DictWriter(stream, [*key, *Row.model_fields], lineterminator="\n")
    writer.writeheader()
    writer.writerows(key | row.model_dump() for row in score.rows)
    return stream.getvalue()
