"""The published numbers, filtered, as records and as tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any, Literal

from teadata.errors import unknown_name
from teaeval import published
from teaeval.tables.grid import EMPTY, Cell, Grid, Row

TableName = Literal["si6", "si7", "si8", "settings", "costs"]

TITLES: dict[str, str] = {
    "si6": "Table SI 6: PhysNet, by size of the training set, official edition",
    "si7": "Table SI 7: errors in % of the mean |reference|, official edition",
    "si8": "Table SI 8: errors in % of the reference's standard deviation, official edition",
    "settings": "Hyperparameters (SI 1.1 to 1.6, Tables SI 1 to SI 5)",
    "costs": "Training times (SI 1.1) and times of a gradient step (SI 1.2)",
}
"""What can be asked for."""

NOTES = {
    "si7": ["doi:10.1039/d4sc06529h, supplementary information; –: not run"],
    "si8": [
        "doi:10.1039/d4sc06529h, supplementary information; –: not run, illegible in our source, "
        "or there in contradiction with the rest of its row"
    ],
}

FIELDS: dict[str, tuple[str, ...]] = {
    "si6": ("model", "challenge", "task", "quantity"),
    "si7": ("model", "challenge", "task", "quantity", "measure"),
    "si8": ("model", "challenge", "task", "quantity", "measure"),
    "settings": ("model", "challenge"),
    "costs": ("model", "challenge"),
}
"""What each can be filtered by."""


def select(table: TableName, **wanted: str | None) -> list[dict[str, Any]]:
    """Records of a table of which each wanted field has the wanted value.

    Parameters
    ----------
    table
        Which.
    **wanted
        Field and value, of :data:`FIELDS`; None for any.

    Raises
    ------
    UsageError
        If the table has no such field, or no such value among the records that the filters
        before it left; the message names those there are.
    """
    records = _records(table)
    filters = {name: value for name, value in wanted.items() if value is not None}
    for name, value in filters.items():
        if name not in FIELDS[table]:
            raise unknown_name(f"filter of {table}", f"--{name}", [f"--{n}" for n in FIELDS[table]])
        known = list(dict.fromkeys(v for r in records for v in _values(r, name)))
        match = next((v for v in known if v.casefold() == value.casefold()), None)
        if match is None and name == "model":
            match = published.model_name(value)
        if match not in known:
            raise unknown_name(f"{name} of {table}", value, known)
        records = [r for r in records if match in _values(r, name)]
    return records


def _values(record: dict[str, Any], name: str) -> tuple[str, ...]:
    """Values of a field; one that holds for several challenges has as many."""
    if name == "challenge" and "challenges" in record:
        return tuple(record["challenges"])
    return (str(record[name]),)


def _records(table: TableName) -> list[dict[str, Any]]:
    made: dict[str, Callable[[], Sequence[Any]]] = {
        "si6": published.physnet,
        "si7": lambda: published.entries("mean"),
        "si8": lambda: published.entries("std"),
        "settings": published.settings,
        "costs": published.costs,
    }
    records = []
    for item in made[table]():
        record = asdict(item)
        if "train" in record:
            record["task"] = f"{record['train']}->{record['test']}"
        records.append(record)
    return records


def grid(table: TableName, records: Sequence[dict[str, Any]]) -> Grid:
    """Records as a table; those of Tables SI 7 and SI 8 as the paper lays them out."""
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


def _cell(found: dict[tuple[str, str], dict[str, Any]], model: str, measure: str) -> Cell:
    this = found.get((model, measure))
    if this is None or this["value"] is None:
        return EMPTY
    rivals = [r["value"] for (_, m), r in found.items() if m == measure and r["value"] is not None]
    return Cell(this["text"], best=len(rivals) > 1 and this["value"] == min(rivals))


def _list(table: TableName, records: Sequence[dict[str, Any]]) -> Grid:
    """Records one below the other, a column for each field."""
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
    """Records as text, lists joined, numbers with the digits that were published."""
    return [
        {k: _text(r.get("text", v) if k == "value" else v) for k, v in r.items() if k != "text"}
        for r in records
    ]


def _text(value: object) -> str:
    if isinstance(value, tuple):
        return " ".join(value)
    return "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
