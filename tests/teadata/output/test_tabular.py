"""No number and no name of a table is cut, however narrow the output."""

from __future__ import annotations

import itertools

import pytest

from teadata.output.tabular import Cell, Column, lay_out

HEADS = itertools.product(("MAE", "RMSE", "MAX"), ("absolute", "% mean"))
NUMBERS = [Column(""), *(Column(f"{m}\n{kind}", right=True) for m, kind in HEADS)]
VALUES = {"E": (0.812, 1.0, 12.5, 3.25, 7.125, 9.5), "F(mol)": (1, 22.25, 3, 4, 5, 600)}
ROWS = [[Cell(name), *(Cell(f"{x:.3f}") for x in values)] for name, values in VALUES.items()]
PROSE = [Column("id"), Column("what it is"), Column("frames", right=True)]
TEXTS = [
    [Cell("mini-i@1.0.0"), Cell("folded and unfolded in equal parts " * 3), Cell("5000")],
    [Cell("tea2023-ii@0.1.0"), Cell("short"), Cell("12")],
]


def shown(columns, rows, width, **options) -> list[str]:
    return lay_out(columns, rows, width, **options)


@pytest.mark.parametrize("width", [20, 30, 40, 60, 80, 120, 200])
@pytest.mark.parametrize(("columns", "rows"), [(NUMBERS, ROWS), (PROSE, TEXTS)])
def test_every_word_is_whole_at_every_width(columns, rows, width):
    lines = shown(columns, rows, width)
    words = " ".join(lines).split()
    for cell in itertools.chain(*rows):
        for word in cell.text.split():
            assert word in words
    assert all(len(line) <= max(width, 28) for line in lines)
    assert all(line == line.rstrip() for line in lines)


def test_numbers_go_below_each_other_with_the_first_column():
    lines = shown(NUMBERS, ROWS, 30)
    assert sum(line.startswith("F(mol)") for line in lines) > 1
    assert shown(NUMBERS, ROWS, 200) == shown(NUMBERS, ROWS, 100)


def test_prose_wraps_before_rows_are_stacked():
    assert shown(PROSE, TEXTS, 60)[0].split() == ["id", "what", "it", "is", "frames"]
    assert shown(PROSE, TEXTS, 30)[0].split() == ["id", "mini-i@1.0.0"]


def test_a_group_stays_together_and_is_named_in_every_block():
    columns = [Column("task")] + [Column(m, right=True, group=g) for g in
                                  ("MACE", "mine") for m in ("MAE", "MAX")]  # fmt: skip
    row = [Cell(x) for x in ("a->b", "1.25", "2.50", "3.75", "4.25")]
    lines = shown(columns, [row, None, row], 20)
    assert [n for n, line in enumerate(lines) if "MACE" in line or "mine" in line] == [0, 7]
    assert lines[1].split() == ["task", "MAE", "MAX"]
    assert "4.25" in lines[10]


def test_bold_text_is_as_wide_as_it_looks():
    row = [Cell("x"), Cell("1.5", bold=True)]
    bold, plain = (shown([Column("a"), Column("b", right=True)], [row], 80, bold=b)
                   for b in (True, False))  # fmt: skip
    assert "\x1b[1m1.5\x1b[0m" in bold[-1]
    assert [line.replace("\x1b[1m", "").replace("\x1b[0m", "") for line in bold] == plain


def test_wide_characters_count_twice():
    lines = shown([Column("模型"), Column("b")], [[Cell("模"), Cell("x")]], 80)
    assert lines[0] == "模型  b"
    assert lines[2] == "模    x"
