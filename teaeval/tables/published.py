"""The published numbers as tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from teaeval.published.select import TableName
from teaeval.tables.grid import EMPTY, Cell, Grid, Row

TITLES: dict[str, str] = {
    "si6": "Table SI 6: PhysNet, by size of the training set, official edition",
    "si7": "Table SI 7: errors in % of the mean |reference|, official edition",
    "si8": "Table SI 8: errors in % of the reference's standard deviation, official edition",
    "settings": "Hyperparameters (SI 1.1 to 1.6, Tables SI 1 to SI 5)",
    "costs": "Training times (SI 1.1) and times of a gradient step (SI 1.2)",
}
"""Titles of the published tables, by name."""


NOTES = {
    "si7": ["doi:10.1039/d4sc06529h, supplementary information; –: not run"],
    "si8": [
        "doi:10.1039/d4sc06529h, supplementary information; –: not run, illegible in our source, "
        "or there in contradiction with the rest of its row"
    ],
}


def grid(table: TableName, records: Sequence[dict[str, Any]]) -> Grid:
    """Lay out records as a table; those of Tables SI 7 and SI 8 as in the paper."""
    if table not in NOTES:
        return _list(table, records)
    models = list(dict.fromkeys(r["model"] for r in records))
    measures = list(dict.fromkeys(r["measure"] for r in records))
    rows: dict[tuple[str, str], dict[tuple[str, str], dict[str, Any]]] = {}
    for r in records:
        key = (f"{r['challenge']} {r['task']}", r["quantity"])
        rows.setdefault(key, {})[r["model"], r["measure"]] = r
    return Grid(
        title=TITLES[table],
        stubs=("task", ""),
        groups=tuple(models),
        columns=tuple(measures),
        rows=[
            Row(
                key,
                tuple(_cell(values, model, measure) for model in models for measure in measures),
            )
            for key, values in rows.items()
        ],
        notes=NOTES[table],
    )


def _cell(numbers: dict[tuple[str, str], dict[str, Any]], model: str, measure: str) -> Cell:
    this = numbers.get((model, measure))
    if this is None or this["value"] is None:
        return EMPTY
    rivals = [
        r["value"] for (_, m), r in numbers.items() if m == measure and r["value"] is not None
    ]
    return Cell(this["text"], best=len(rivals) > 1 and this["value"] == min(rivals))


def _list(table: TableName, records: Sequence[dict[str, Any]]) -> Grid:
    """Lay out records one below the other, a column for each field."""
    lines = flat(records)
    fields = [name for name in lines[0] if name not in ("train", "test")]
    return Grid(
        title=TITLES[table],
        stubs=tuple(fields),
        groups=(),
        columns=(),
        rows=[Row(tuple(line[name] for name in fields), ()) for line in lines],
        notes=["doi:10.1039/d4sc06529h, supplementary information"],
    )


def flat(records: Sequence[dict[str, Any]]) -> list[dict[str, str]]:
    """Turn records into text: lists joined, numbers with the digits that were published."""
    return [
        {k: _text(r.get("text", v) if k == "value" else v) for k, v in r.items() if k != "text"}
        for r in records
    ]


def _text(value: object) -> str:
    if isinstance(value, tuple):
        return " ".join(value)
    return "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
