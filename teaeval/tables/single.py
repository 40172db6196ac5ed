"""One score as a table: terminal, Markdown, CSV."""

from __future__ import annotations

from collections.abc import Sequence

from teadata import console
from teadata.output import text
from teaeval.md.table import lines_of
from teaeval.scores.detail_records import Details
from teaeval.scores.record import ALL, Score
from teaeval.scores.rows import Row
from teaeval.tables.numbers import OFFSET_NOTE, SYSTEMS_NOTE, offset_mark, significant, span

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
    if data is None:
        return f"{score.data.title}, {score.task}, {cover.said}{model}"
    trained = f" trained on {made.train}" if made.train else ", trained on: not said"
    return f"{data.title}, test set {data.subset}, {cover.said}{model}{trained}"


def intervals(score: Score) -> tuple[str, list[list[str]]] | None:
    """Title and rows of the table of intervals, None where there are none."""
    draws = score.bootstrap
    if draws is None or draws.units == 1:
        return None
    what = f"{draws.units} {UNITS[draws.unit]}"
    drawn = f"{draws.replicates} bootstrap samples"
    how = {
        "percentile": f"{drawn} of {what}, seed {draws.seed}",
        "jackknife": f"jackknife over {what}; MAX: {drawn}, seed {draws.seed}",
    }
    head = f"{draws.level:.0%} intervals of the absolute errors ({how[draws.method]})"
    rows = [
        [
            *system,
            name_of(row, score),
            *(span(getattr(row, f"{n}_interval")) for n in BLOCKS["absolute"]),
        ]
        for system, row in rows_of(score)
    ]
    return head, rows


def rows_of(score: Score) -> list[tuple[list[str], Row]]:
    """The rows of a score, each with the name of its system where there are several."""
    if not score.systems:
        return [([], row) for row in score.rows]
    each = [(system.formula, system.rows) for system in score.systems] + [(ALL, score.rows)]
    return [([name], row) for name, rows in each for row in rows]


def stubs(score: Score) -> list[str]:
    """Headings of what names the rows."""
    return ["system", ""] if score.systems else [""]


def footer(score: Score) -> list[str]:
    """Legend, warnings, and for data of others how to cite them."""
    spoilt = [OFFSET_NOTE] * bool(offset_mark("E", score.warnings))
    lines = [*LEGEND, *spoilt, *score.fixed, *(f"warning: {warning}" for warning in score.warnings)]
    if count := len(score.warnings):
        lines.append(f"scored with {count} warning{'s' * (count > 1)}")
    if score.systems:
        lines[1] += SYSTEMS_NOTE
        lines += [
            f"{system.formula}: {system.coverage.said}"
            for system in score.systems
            if not system.coverage.complete
        ]
    if score.bootstrap is not None and score.bootstrap.units == 1:
        unit = score.bootstrap.unit
        lines.append(f"no intervals: they need two {UNITS[unit]} or more, and the test set has one")
    lines += [f"left out: {what}" for what in score.left_out]
    for run in score.simulations:
        lines += [f"simulations with {run.name}: {line}" for line in lines_of(run)]
    if score.dataset and score.dataset.edition == "official":
        lines.append(f"to cite the data: teadata cite {score.dataset.id} --bibtex")
    return lines


def name_of(row: Row, score: Score) -> str:
    """The quantity of a row, with a mark where a constant offset spoils its errors."""
    return row.quantity + offset_mark(row.quantity, score.warnings)


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
        [*stubs(score), *columns],
        [[*system, name_of(row, score), *cells(row)] for system, row in rows_of(score)],
        right=columns,
    )
    if (limits := intervals(score)) is not None:
        heads = ("MAE", "RMSE", "MAX")
        console.say(limits[0])
        console.print_table([*stubs(score), *heads], limits[1], right=heads)
    for name, details in details_of(score):
        from teaeval.tables.details import print_details

        if name:
            console.say(f"details of {name}")
        print_details(details)
    for line in footer(score):
        console.say(text.inline(line))


def details_of(score: Score) -> list[tuple[str, Details]]:
    """The details of a score, by system where there are several."""
    if score.details is not None:
        return [("", score.details)]
    return [(item.formula, item.details) for item in score.systems if item.details is not None]


def markdown(score: Score) -> str:
    """The score as a Markdown table with its legend."""
    columns = [
        measure + ("" if block == "absolute" else f" ({block})")
        for block in BLOCKS
        for measure in ("MAE", "RMSE", "MAX")
    ]
    md = text.markdown
    before = stubs(score)

    def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
        head = "".join(f" {cell} |" if cell else " |" for cell in (*before, *heads))
        return [
            f"|{head}",
            "|" + ":--|" * len(before) + "--:|" * len(heads),
            *("| " + " | ".join(row) + " |" for row in rows),
            "",
        ]

    rows = [[*system, md(name_of(row, score)), *cells(row)] for system, row in rows_of(score)]
    lines = [md(title(score)), "", *table(columns, rows)]
    if (limits := intervals(score)) is not None:
        lines += [md(limits[0]), "", *table(("MAE", "RMSE", "MAX"), limits[1])]
    for name, details in details_of(score):
        from teaeval.tables import details as details_table

        lines += [md(f"details of {name}"), ""] if name else []
        lines.append(details_table.markdown(details))
    return "\n".join([*lines, *(f"- {md(line)}" for line in footer(score))])


def to_csv(score: Score) -> str:
    """The score as CSV: one line per quantity, full precision, with what identifies it."""
    return text.to_csv(score.flat())
