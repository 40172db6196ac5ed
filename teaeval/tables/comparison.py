"""Print a comparison of two predictions as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from teadata import console
from teadata.output.text import inline
from teaeval.scores.record import ALL
from teaeval.tables.numbers import OFFSET_NOTE, offset_mark, significant, span
from teaeval.tables.single import UNITS

if TYPE_CHECKING:
    from teaeval.scores.comparison import Comparison, Difference

WORTH_SAYING = 0.01
"""A table says what the smallest possible p is if it is above this."""


def print_comparison(comparison: Comparison) -> None:
    """Print a comparison to the terminal."""
    from teadata.console import print_table

    draws = comparison.bootstrap
    what = UNITS[draws.unit]
    console.say(inline(f"{comparison.where}, {comparison.frames} frames"))
    console.say(f"A: {inline(comparison.first)}\nB: {inline(comparison.second)}")
    heads = [f"{m}\n{c}" for m in ("MAE", "RMSE") for c in ("A", "B", "A − B", "interval", "p")]
    several = bool(comparison.systems)
    each = [(system.formula, system.rows) for system in comparison.systems]
    each.append((ALL, comparison.rows))
    print_table(
        [*(["system"] if several else []), "", *heads, "A nearer\nin"],
        [
            [
                *([system] if several else []),
                row.quantity + offset_mark(row.quantity, comparison.warnings),
                *(cell for part in (row.mae, row.rmse) for cell in _compared(part)),
                f"{row.superiority:.1%}",
            ]
            for system, rows in each
            for row in rows
        ],
        right=[*heads, "A nearer\nin"],
    )
    patterns = "all" if comparison.exact else f"{draws.replicates} drawn (seed {draws.seed})"
    console.say(
        f"interval: {draws.level:.0%}, of A − B, jackknife over {draws.units} {what}\n"
        f"p: two-sided, of no difference, from flipping the signs of their differences, {patterns}"
    )
    if comparison.smallest_p > WORTH_SAYING:
        console.say(f"no p below {comparison.smallest_p:.2g} can be had from {draws.units} {what}")
    console.say("A nearer in: share of frames where A's mean absolute error is the smaller one")
    if offset_mark("E", comparison.warnings):
        console.say(OFFSET_NOTE)
    for warning in comparison.warnings:
        console.say(inline(f"warning: {warning}"))


def _compared(part: Difference) -> list[str]:
    numbers = [significant(x) for x in (part.first, part.second, part.difference)]
    return [*numbers, span(part.interval), f"{part.p:.2g}"]
