"""A table as text for the terminal, Markdown, LaTeX and HTML."""

from __future__ import annotations

from collections.abc import Sequence

from teadata import console
from teadata.output import tabular
from teadata.output.text import html as escape
from teadata.output.text import inline
from teadata.output.text import latex as _tex
from teadata.output.text import markdown as _md
from teaeval.tables.grid import Cell, Grid


def terminal(grids: Sequence[Grid]) -> None:
    """Print tables to the terminal; the best number of a row is bold, and marked with an asterisk
    where there is no terminal to show that.
    """
    plain = tabular.plain()
    for grid in grids:
        columns = [tabular.Column(inline(stub)) for stub in grid.stubs]
        columns += [
            tabular.Column(column, right=True, group=inline(group))
            for group in grid.groups
            for column in grid.columns
        ]
        rows: list[tabular.Row | None] = []
        for i, row in enumerate(grid.rows):
            first = grid.starts(i) or not grid.groups
            labels = row.labels if first else ("", *row.labels[1:])
            rows += [None] if i and grid.starts(i) else []
            rows.append(
                [
                    *(tabular.Cell(inline(label)) for label in labels),
                    *(_plain(cell) if plain else _bold(cell) for cell in row.cells),
                ]
            )
        console.print_lines([inline(grid.title), ""], columns, rows, stubs=len(grid.stubs))
        best = any(cell.best for row in grid.rows for cell in row.cells)
        legend = [f"{'*' if plain else 'bold'}: the best of those beside it"] if best else []
        for note in [*grid.notes, *legend]:
            console.say(inline(note))
        console.say()


def _plain(cell: Cell) -> tabular.Cell:
    """A cell whose mark, or the place of one, keeps the digits below each other."""
    mark = "*" if cell.best else " "
    return tabular.Cell("\n".join([cell.text + mark, *(f"{line} " for line in cell.below)]))


def _bold(cell: Cell) -> tabular.Cell:
    return tabular.Cell("\n".join([cell.text, *cell.below]), bold=cell.best)


def markdown(grids: Sequence[Grid]) -> str:
    """Tables in Markdown, the best number of a row in bold."""
    blocks = []
    for grid in grids:
        heads = [*grid.stubs, *(f"{g} {c}" for g in grid.groups for c in grid.columns)]
        lines = [
            _md(grid.title),
            "",
            "| " + " | ".join(_md(head) for head in heads) + " |",
            "|" + ":--|" * len(grid.stubs) + "--:|" * (len(grid.groups) * len(grid.columns)),
        ]
        for row in grid.rows:
            cells = [*map(_md, row.labels), *map(_md_cell, row.cells)]
            lines.append("| " + " | ".join(cells) + " |")
        blocks.append("\n".join([*lines, "", *(f"- {_md(note)}" for note in grid.notes)]))
    return "\n\n".join(blocks) + "\n"


def _md_cell(cell: Cell) -> str:
    text = _md(cell.text)
    return "<br>".join([f"**{text}**" if cell.best else text, *map(_md, cell.below)])


def latex(grids: Sequence[Grid]) -> str:
    """Tables in LaTeX (package booktabs), the best number of a row in bold."""
    blocks = []
    for grid in grids:
        spans, rules = [], []
        first = len(grid.stubs) + 1
        for group in grid.groups:
            last = first + len(grid.columns) - 1
            spans.append(rf"\multicolumn{{{len(grid.columns)}}}{{c}}{{{_tex(group)}}}")
            rules.append(rf"\cmidrule(lr){{{first}-{last}}}")
            first = last + 1
        heads = [*(_tex(s) for s in grid.stubs), *([*grid.columns] * len(grid.groups))]
        lines = [
            r"\begin{table}",
            rf"\caption{{{_tex(grid.title)}}}",
            r"\begin{tabular}{" + "l" * len(grid.stubs) + "r" * (first - 1 - len(grid.stubs)) + "}",
            r"\toprule",
            " & ".join([""] * len(grid.stubs) + spans) + r" \\",
            " ".join(rules),
            " & ".join(heads) + r" \\",
            r"\midrule",
        ]
        for i, row in enumerate(grid.rows):
            if i and grid.starts(i):
                lines.append(r"\midrule")
            labels = row.labels if grid.starts(i) else ("", *row.labels[1:])
            lines.append(" & ".join([*map(_tex, labels), *map(_tex_cell, row.cells)]) + r" \\")
        lines += [r"\bottomrule", r"\end{tabular}"]
        lines += [rf"\par\footnotesize {_tex(note)}" for note in grid.notes]
        blocks.append("\n".join([*lines, r"\end{table}"]))
    return "% needs \\usepackage{booktabs}\n" + "\n\n".join(blocks) + "\n"


def _tex_cell(cell: Cell) -> str:
    text = rf"\textbf{{{_tex(cell.text)}}}" if cell.best else _tex(cell.text)
    if not cell.below:
        return text
    stacked = r" \\ ".join([text, *(rf"{{\scriptsize {_tex(line)}}}" for line in cell.below)])
    return rf"\begin{{tabular}}[t]{{@{{}}r@{{}}}}{stacked}\end{{tabular}}"


def html(grids: Sequence[Grid]) -> str:
    """Tables in HTML, a ``<figure>`` each, the best number of a row in ``<b>``."""
    return "\n".join(_figure(grid) for grid in grids) + "\n"


def _figure(grid: Grid) -> str:
    span = len(grid.columns)
    top = "".join(f'<th rowspan="2" scope="col">{escape(s)}</th>' for s in grid.stubs)
    top += "".join(f'<th colspan="{span}" scope="colgroup">{escape(g)}</th>' for g in grid.groups)
    second = "".join(f'<th scope="col">{escape(c)}</th>' for c in grid.columns) * len(grid.groups)
    body = []
    for i, row in enumerate(grid.rows):
        start = ' class="first"' if grid.starts(i) else ""
        labels = "".join(f'<th scope="row">{escape(label)}</th>' for label in row.labels)
        body.append(f"<tr{start}>{labels}{''.join(map(_html_cell, row.cells))}</tr>")
    notes = "".join(f"<p>{escape(note)}</p>" for note in grid.notes)
    return (
        f'<figure class="scores"><figcaption>{escape(grid.title)}</figcaption>\n'
        f"<table><thead><tr>{top}</tr><tr>{second}</tr></thead>\n<tbody>\n"
        + "\n".join(body)
        + f"\n</tbody></table>\n{notes}</figure>"
    )


def _html_cell(cell: Cell) -> str:
    text = f"<b>{escape(cell.text)}</b>" if cell.best else escape(cell.text)
    below = "".join(f"<br/><small>{escape(line)}</small>" for line in cell.below)
    return f"<td>{text}{below}</td>"


FORMATS = {"markdown": markdown, "latex": latex, "html": html}
"""What a table is written as, beside the terminal and CSV."""
