"""One score as a table: terminal, Markdown, CSV."""

from __future__ import annotations

from teadata import console
from teadata.output import text
from teaeval.md.table import lines_of
from teaeval.scores.record import Coverage, Row, Score
from teaeval.tables.numbers import significant, span

BLOCKS = {
    "absolute": ("mae", "rmse", "max"),
    "% mean": ("mae_percent_mean", "rmse_percent_mean", "max_percent_mean"),
    "% std": ("mae_percent_std", "rmse_percent_std", "max_percent_std"),
}
"""The three blocks of columns and the fields of :class:`~teaeval.scores.record.Row` in them."""

UNITS = {"frame": "frames", "block": "blocks of frames", "trajectory": "trajectories"}
"""What intervals are over, in the plural."""

LEGEND = (
    "absolute: E in kcal/mol, F in kcal/mol/Å, by component",
    "% mean: of the mean |reference|, E relative to the test set's lowest (as Table SI 7)",
    "% std: of the reference's standard deviation (as Table SI 8)",
)


def title(score: Score) -> str:
    """Name what was scored, in one line."""
    data, made, cover = score.dataset, score.prediction, score.coverage
    model = f", {made.model}" if made.model else ""
    trained = f" trained on {made.train}" if made.train else ", trained on: not said"
    return (
        f"{data.id}@{data.version} ({data.edition} edition), test set {data.subset}, "
        f"{coverage(cover)}{model}{trained}"
    )


def coverage(cover: Coverage) -> str:
    """Say how many frames were predicted."""
    if cover.complete:
        return f"all {cover.frames} frames"
    return (
        f"INCOMPLETE: {cover.frames - cover.scored} of {cover.frames} frames failed "
        f"({cover.missing} missing, {cover.not_finite} not finite), errors are of the other "
        f"{cover.scored}"
    )


def intervals(score: Score) -> tuple[str, list[list[str]]] | None:
    """Title and rows of the table of intervals, None where there are none."""
    draws = score.bootstrap
    if draws is None:
        return None
    what = f"{draws.units} {UNITS[draws.unit]}"
    drawn = f"{draws.replicates} bootstrap samples"
    how = {
        "percentile": f"{drawn} of {what}, seed {draws.seed}",
        "jackknife": f"jackknife over {what}; MAX: {drawn}, seed {draws.seed}",
    }
    head = f"{draws.level:.0%} intervals of the absolute errors ({how[draws.method]})"
    rows = [
        [row.quantity, *(span(getattr(row, f"{name}_interval")) for name in BLOCKS["absolute"])]
        for row in score.rows
    ]
    return head, rows


def footer(score: Score) -> list[str]:
    """Legend, warnings, and for data of others how to cite them."""
    lines = [*LEGEND, *score.fixed, *(f"warning: {warning}" for warning in score.warnings)]
    if count := len(score.warnings):
        lines.append(f"scored with {count} warning{'s' * (count > 1)}")
    for run in score.simulations:
        lines += [f"simulations with {run.name}: {line}" for line in lines_of(run)]
    if score.dataset.edition == "official":
        lines.append(f"to cite the data: teadata cite {score.dataset.id} --bibtex")
    return lines


def cells(row: Row) -> list[str]:
    """The row's nine numbers as text, block by block."""
    return [significant(getattr(row, name)) for block in BLOCKS.values() for name in block]


def print_score(score: Score) -> None:
    """Print the score to the terminal."""
    console.say(text.inline(title(score)))
    columns = [
        measure if block == "absolute" else f"{measure}\n{block}"
        for block in BLOCKS
        for measure in ("MAE", "RMSE", "MAX")
    ]
    console.print_table(
        ["", *columns], [[row.quantity, *cells(row)] for row in score.rows], right=columns
    )
    if (limits := intervals(score)) is not None:
        heads = ("MAE", "RMSE", "MAX")
        console.say(limits[0])
        console.print_table(["", *heads], limits[1], right=heads)
    if score.details is not None:
        from teaeval.tables.details import print_details

        print_details(score.details)
    for line in footer(score):
        console.say(text.inline(line))


def markdown(score: Score) -> str:
    """The score as a Markdown table with its legend."""
    columns = [
        measure + ("" if block == "absolute" else f" ({block})")
        for block in BLOCKS
        for measure in ("MAE", "RMSE", "MAX")
    ]
    md = text.markdown
    lines = [
        md(title(score)),
        "",
        "| | " + " | ".join(columns) + " |",
        "|:--|" + "--:|" * len(columns),
        *(f"| {md(row.quantity)} | " + " | ".join(cells(row)) + " |" for row in score.rows),
        "",
    ]
    if (limits := intervals(score)) is not None:
        lines += [md(limits[0]), "", "| | MAE | RMSE | MAX |", "|:--|--:|--:|--:|"]
        lines += [*("| " + " | ".join(row) + " |" for row in limits[1]), ""]
    if score.details is not None:
        from teaeval.tables import details as details_table

        lines.append(details_table.markdown(score.details))
    return "\n".join([*lines, *(f"- {md(line)}" for line in footer(score))])


def to_csv(score: Score) -> str:
    """The score as CSV: one line per quantity, full precision, with what identifies it."""
    return text.to_csv([score.key() | row.flat() for row in score.rows])
