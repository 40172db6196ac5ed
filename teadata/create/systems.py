"""Which systems the files hold, and which of them becomes a dataset."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from teadata.create.stock import MOST_SYSTEMS, Stock, System
from teadata.errors import IncompleteError, unknown_name
from teadata.typing import Ints

SHOWN = 40
"""Systems that are listed one by one."""


def labels(systems: Sequence[System]) -> list[str]:
    """What each system is asked for by: its formula, and a number where several have it."""
    formulas = [system.formula for system in systems]
    seen: dict[str, int] = {}
    names = []
    for text in formulas:
        seen[text] = seen.get(text, 0) + 1
        names.append(f"{text}/{seen[text]}" if formulas.count(text) > 1 else text)
    return names


def parse(label: str | None) -> str | None:
    """The formula in what the user asks for, ``C2H6O`` or ``C2H6O/2``."""
    return None if label is None else label.partition("/")[0]


def choose(stock: Stock, asked: str | None, each: bool) -> list[tuple[str, System]]:
    """The systems that become datasets, with their labels.

    Raises
    ------
    IncompleteError
        If there are several, and the user has not said which; the message lists them.
    UsageError
        If there is no such system.
    """
    systems = list(stock.systems.values())
    names = labels(systems)
    most = max(zip(names, systems, strict=True), key=lambda pair: pair[1].count, default=("", None))
    likely = ["--system", most[0]]
    if len(stock.counts) > MOST_SYSTEMS and asked is None:
        raise IncompleteError(
            f"the files hold {len(stock.counts)} systems, more than {MOST_SYSTEMS}; choose one "
            f"with --system. The first are:\n{table(systems, names)}",
            likely,
        )
    if asked is not None:
        if asked in names:
            return [(asked, systems[names.index(asked)])]
        if not systems:
            formulas = sorted({System(_numbers(key[0]), key[1]).formula for key in stock.counts})
            raise unknown_name("system", asked, formulas[:SHOWN])
        if len(systems) > 1:
            raise IncompleteError(_several(systems, names), likely)
        raise unknown_name("system", asked, names)
    if len(systems) > 1 and not each:
        raise IncompleteError(_several(systems, names), likely)
    return list(zip(names, systems, strict=True))


def _numbers(data: bytes) -> Ints:
    return np.frombuffer(data, np.int64)


def _several(systems: Sequence[System], names: Sequence[str]) -> str:
    formulas = {system.formula for system in systems}
    said = f"the files hold {len(systems)} systems, and a dataset is of one:\n"
    said += table(systems, names)
    if len(formulas) < len(systems):
        said += (
            "\nThose of one formula differ in the order of their atoms, in periodicity, or in "
            "charge or multiplicity. Put the atoms of all frames in one order, forces and "
            "positions alike, to have those that differ in it in one dataset."
        )
    return f"{said}\nTake one with --system, or make a dataset of each with --each"


def periodicity(pbc: Sequence[bool]) -> str:
    """What is said of a cell's three directions: which are periodic."""
    axes = [axis for axis, periodic in zip("abc", pbc, strict=True) if periodic]
    if len(axes) == 3:
        return "periodic"
    return f"periodic along {' and '.join(axes)}" if axes else "not periodic"


def table(systems: Sequence[System], names: Sequence[str]) -> str:
    """The systems, one a line."""
    rows = [
        (
            name,
            f"{system.count} frames",
            f"{len(system.numbers)} atoms",
            f"in the order {shortened(system.order)}",
            ", ".join(said for said in (periodicity(system.pbc), system.state) if said),
        )
        for name, system in zip(names, systems, strict=True)
    ]
    widths = [max(len(row[i]) for row in rows) for i in range(4)] if rows else []
    lines = [
        "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, [*widths, 0], strict=True))
        for row in rows[:SHOWN]
    ]
    more = [f"  and {len(rows) - SHOWN} more"] if len(rows) > SHOWN else []
    return "\n".join(line.rstrip() for line in [*lines, *more])


def shortened(order: str, most: int = 40) -> str:
    """An order of atoms, its end cut off if it is long."""
    return order if len(order) <= most else order[:most].rstrip() + " …"


def suffix(label: str) -> str:
    """What is added to the name of a dataset of one of several systems: ``C2H6O/2``: c2h6o-2."""
    return "-".join(re.findall(r"[a-z0-9]+", label.lower()))
