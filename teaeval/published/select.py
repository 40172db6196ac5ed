"""Select published numbers by model, challenge, task, quantity and measure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Literal

from teadata.errors import unknown_name
from teadata.output.display import data_frame
from teaeval import published

if TYPE_CHECKING:
    import pandas as pd

TableName = Literal["si6", "si7", "si8", "settings", "costs"]


FIELDS: dict[str, tuple[str, ...]] = {
    "si6": ("model", "challenge", "task", "quantity"),
    "si7": ("model", "challenge", "task", "quantity", "measure"),
    "si8": ("model", "challenge", "task", "quantity", "measure"),
    "settings": ("model", "challenge"),
    "costs": ("model", "challenge"),
}
"""The fields that each table can be filtered by."""


def select(table: TableName, **wanted: str | None) -> list[dict[str, Any]]:
    """Select the records of a table whose fields have the wanted values.

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


def to_pandas(table: TableName = "si7", **wanted: str | None) -> pd.DataFrame:
    """Records of a table as a DataFrame; those that :func:`select` selects.

    Raises
    ------
    UsageError
        As :func:`select`.
    MissingExtraError
        If pandas is not installed.
    """
    if table not in FIELDS:
        raise unknown_name("table", table, FIELDS)
    return data_frame(select(table, **wanted))


def _values(record: dict[str, Any], name: str) -> tuple[str, ...]:
    """The values of a field; a setting that holds for several challenges has several."""
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
