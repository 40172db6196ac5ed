"""A table before it is rendered: rows of cells under grouped columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Cell:
    """A number as text, and whether it is the best of those it stands beside.

    ``interval`` and ``ratio`` go below it, where they were asked for.
    """

    text: str
    best: bool = False
    interval: str | None = None
    ratio: str | None = None

    @property
    def below(self) -> list[str]:
        """The texts that go below the number."""
        return [text for text in (self.interval, self.ratio) if text]


EMPTY = Cell("–")


@dataclass(frozen=True)
class Row:
    """A row: what it is of, and its cells."""

    labels: tuple[str, ...]
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Grid:
    """A table.

    Parameters
    ----------
    title
        The line above it.
    stubs
        Headings of the labels of its rows.
    groups
        Heading of each group of columns; every group has the columns ``columns``.
    columns
        Headings within a group.
    rows
        With as many labels as stubs, and as many cells as groups times columns.
    notes
        Lines below it.
    """

    title: str
    stubs: tuple[str, ...]
    groups: tuple[str, ...]
    columns: tuple[str, ...]
    rows: Sequence[Row]
    notes: Sequence[str] = field(default=())

    def starts(self, index: int) -> bool:
        """Whether a row is the first of its first label."""
        return index == 0 or self.rows[index].labels[0] != self.rows[index - 1].labels[0]
