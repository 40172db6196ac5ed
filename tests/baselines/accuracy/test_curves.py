"""The table of learning curves is of the scores that the repository has."""

from __future__ import annotations

import re

import pytest

from teaeval.scores.reading import read_score

TITLES = {
    "mace": "MACE", "so3krates": "SO3krates", "fchl": r"FCHL19\*", "physnet": "PhysNet",
    "gap": "SOAP/GAP", "sgdml": "sGDML",
}  # fmt: skip


@pytest.fixture(scope="module")
def tables(repository) -> dict[str, dict[str, dict[str, str]]]:
    """Cells of the page's tables by quantity, model and size."""
    page = (repository / "docs" / "baselines" / "curves.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"<!-- curves -->\n(.*?)<!-- end of tables -->", page, re.DOTALL)
    found: dict[str, dict[str, dict[str, str]]] = {}
    for table in shown.strip().split("\n\n"):
        head, _, *rows = [
            [cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()
        ]
        found[head[0]] = {row[0]: dict(zip(head[1:], row[1:], strict=True)) for row in rows}
    return found


def test_every_cell_but_the_last_column_is_of_a_score(repository, tables):
    counted = 0
    for path in sorted((repository / "examples" / "curves").glob("*.json")):
        model, size = re.fullmatch(r"(\w+)-mini-i-complete-(\d+)", path.stem).groups()
        score = read_score(path)
        assert score.prediction.train == f"complete/train/{size}"
        assert score.coverage.scored == score.dataset.frames == 5000
        for quantity in ("E", "F"):
            row = score.row(quantity)
            share = 100 * row.mae / row.mean_reference
            assert tables[quantity][TITLES[model]][size] == f"{share:#.3g}"
            counted += 1
    cells = [cell for table in tables.values() for row in table.values() for cell in row.items()]
    given = [cell for size, cell in cells if cell and size not in ("300", "1000")]
    assert counted == len(given) > 20


def test_the_longest_trainings_are_those_of_the_tables(repository, tables):
    page = (repository / "docs" / "baselines" / "tables.md").read_text(encoding="utf-8")
    for quantity, table in tables.items():
        line = re.findall(rf"^\| complete->complete \| {quantity} \|(.*)", page, re.MULTILINE)[0]
        order = ("mace", "so3krates", "sgdml", "gap", "fchl", "physnet")
        for place, model in enumerate(order):
            shown = line.split("|")[3 * place].partition("<br>")[0].strip(" *")
            assert table[TITLES[model]]["300" if model == "gap" else "1000"] == shown
