"""Tables as plain lines of a given width, in which no number and no name is ever cut.

A table that is too wide wraps its prose at spaces; is that not enough, columns of numbers go
below each other in blocks that repeat the first column, and other rows are written one below
the other, a line or more for each cell.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

PIPED = 200
"""Width where the output is no terminal, unless the variable COLUMNS says another."""

PROSE = 16
"""Width that a column of prose is not made narrower than."""

GAP = "  "


@dataclass(frozen=True)
class Column:
    """A column: its heading, of one line or more; numbers are aligned to the right.

    Columns beside each other that have the same ``group`` share that heading above theirs.
    """

    head: str
    right: bool = False
    group: str = ""


@dataclass(frozen=True)
class Cell:
    """A cell's text, of one line or more; its first line may be bold."""

    text: str
    bold: bool = False


Row = Sequence[Cell]


def plain() -> bool:
    """Whether the output takes no bold text: no terminal, or one that should have no colours."""
    return not _terminal() or bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"


def _terminal() -> bool:
    return sys.stdout is not None and sys.stdout.isatty()


def output_width() -> int:
    """Width of the output: that of COLUMNS, of the terminal, or :data:`PIPED`."""
    stated = os.environ.get("COLUMNS", "")
    if stated.isdecimal() and int(stated) > 0:
        return int(stated)
    return shutil.get_terminal_size().columns if _terminal() else PIPED


def lay_out(
    columns: Sequence[Column],
    rows: Sequence[Row | None],
    width: int,
    *,
    stubs: int = 1,
    bold: bool = False,
) -> list[str]:
    """Lay a table out as lines.

    Parameters
    ----------
    columns, rows
        Headings, and as many cells in each row; None stands for a line between rows.
    width
        Of the lines; only a word that is longer makes one longer.
    stubs
        How many of the first columns are repeated in each block.
    bold
        Whether the lines may hold the escape sequences of bold text.
    """
    cells = [row for row in rows if row is not None]
    chosen = list(range(len(columns)))
    if (widths := _widths(columns, cells, chosen, width)) is not None:
        return _block(columns, rows, chosen, widths, bold)
    if len(columns) <= stubs or not all(column.right for column in columns[stubs:]):
        return stacked(columns, cells, width)
    blocks = _blocks(columns, cells, width, stubs)
    if blocks is None:
        return stacked(columns, cells, width)
    lines: list[str] = []
    for block in blocks:
        widths = _widths(columns, cells, block, width) or []
        lines += [*([""] if lines else []), *_block(columns, rows, block, widths, bold)]
    return lines


def _blocks(
    columns: Sequence[Column], rows: Sequence[Row], width: int, stubs: int
) -> list[list[int]] | None:
    """Divide the columns into blocks that fit; None if one column does not.  Groups stay whole."""
    repeated = list(range(stubs))

    def fits(some: list[int]) -> bool:
        return _widths(columns, rows, [*repeated, *some], width) is not None

    units: list[list[int]] = []
    for j in range(stubs, len(columns)):
        group = columns[j].group
        if units and group and columns[j - 1].group == group and fits([*units[-1], j]):
            units[-1].append(j)
        else:
            units.append([j])
    blocks: list[list[int]] = []
    for unit in units:
        if not fits(unit):
            return None
        if blocks and fits([*blocks[-1], *unit]):
            blocks[-1] += unit
        else:
            blocks.append(unit)
    return [[*repeated, *block] for block in blocks]


def _widths(
    columns: Sequence[Column], rows: Sequence[Row], chosen: list[int], width: int
) -> list[int] | None:
    """Widths of some columns that fit together; None if there are none."""
    heads = _heads(columns, chosen)
    natural, least = [], []
    for place, j in enumerate(chosen):
        texts = [*heads[place], *(line for row in rows for line in row[j].text.split("\n"))]
        whole = max(map(_length, texts))
        word = max(_length(word) for text in texts for word in (text.split() or [""]))
        natural.append(whole)
        least.append(whole if columns[j].right else min(whole, max(word, PROSE)))
    spare = width - len(GAP) * (len(chosen) - 1)
    if sum(natural) <= spare:
        return natural
    if sum(least) > spare:
        return None
    widths = list(least)
    for _ in range(spare - sum(least)):  # to the narrowest of those that would be wider
        place = min((i for i in range(len(widths)) if widths[i] < natural[i]),
                    key=lambda i: widths[i])  # fmt: skip
        widths[place] += 1
    return widths


def _heads(columns: Sequence[Column], chosen: list[int]) -> list[list[str]]:
    """Lines of the headings of some columns, equally many; a group's name is above its first."""
    heads = []
    grouped = any(columns[j].group for j in chosen)
    for place, j in enumerate(chosen):
        before = columns[chosen[place - 1]].group if place else ""
        group = columns[j].group
        above = [group if group != before else ""] if grouped else []
        heads.append(above + columns[j].head.split("\n"))
    tall, top = max(map(len, heads)), int(grouped)
    return [[*head[:top], *[""] * (tall - len(head)), *head[top:]] for head in heads]


def _block(
    columns: Sequence[Column],
    rows: Sequence[Row | None],
    chosen: list[int],
    widths: list[int],
    bold: bool,
) -> list[str]:
    """Lines of some columns beside each other."""
    right = [columns[j].right for j in chosen]
    heads = _heads(columns, chosen)
    lines = [
        _line([head[n] for head in heads], widths, right, [bold] * len(chosen))
        for n in range(len(heads[0]))
    ]
    rule = "─" * (sum(widths) + len(GAP) * (len(widths) - 1))
    lines.append(rule)
    for row in rows:
        if row is None:
            lines.append(rule)
            continue
        wrapped = [list(_wrap(row[j].text, widths[i])) for i, j in enumerate(chosen)]
        for n in range(max(map(len, wrapped))):
            texts = [part[n] if n < len(part) else "" for part in wrapped]
            lines.append(_line(texts, widths, right, [bold and n == 0 and row[j].bold
                                                      for j in chosen]))  # fmt: skip
    return lines


def _line(
    texts: Sequence[str], widths: Sequence[int], right: Sequence[bool], bold: Sequence[bool]
) -> str:
    parts = []
    for text, width, to_right, strong in zip(texts, widths, right, bold, strict=True):
        space = " " * (width - _length(text))
        shown = f"\x1b[1m{text}\x1b[0m" if strong and text else text
        parts.append(space + shown if to_right else shown + space)
    return GAP.join(parts).rstrip()


def stacked(columns: Sequence[Column], rows: Sequence[Row], width: int) -> list[str]:
    """Rows one below the other: headings to the left, what is in the cells to the right."""
    heads = [" ".join(f"{c.group} {c.head}".split()) for c in columns]
    indent = max(map(_length, heads)) + len(GAP)
    lines: list[str] = []
    for row in rows:
        lines += [""] if lines else []
        for head, cell in zip(heads, row, strict=True):
            start = head + " " * (indent - _length(head))
            for text in _wrap(cell.text, max(width - indent, PROSE)):
                lines.append((start + text).rstrip())
                start = " " * indent
    return lines


def _wrap(text: str, width: int) -> Iterator[str]:
    """Lines of a text, broken at spaces only."""
    for line in text.split("\n"):
        if _length(line) <= width:
            yield line
            continue
        made = ""
        for word in line.split():
            if made and _length(made) + 1 + _length(word) > width:
                yield made
                made = word
            else:
                made = f"{made} {word}" if made else word
        yield made


def _length(text: str) -> int:
    """Columns of a terminal that a text takes."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)
