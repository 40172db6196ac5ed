"""Every format of a table has every number, and LaTeX compiles."""

from __future__ import annotations

import shutil
import subprocess
import xml.etree.ElementTree as ET

import pytest

from teaeval import tables
from teaeval.tables import render


def test_every_format_has_every_number(scores, capsys):
    grids = tables.grids(scores, intervals=True)
    cells = [cell for row in grids[0].rows for cell in row.cells]
    page = render.html(grids)
    table = ET.fromstring(page)
    assert len(table.findall(".//tbody/tr")) == 12
    assert len(table.findall(".//td")) == len(cells)
    assert [b.text for b in table.iter("b")] == [c.text for c in cells if c.best]
    lines = render.markdown(grids).splitlines()
    rows = [line for line in lines if line.startswith("| ")]
    assert {line.count(" |") for line in rows} == {11}
    assert sum(line.count("**") for line in rows) == 2 * sum(c.best for c in cells)
    tex = render.latex(grids)
    assert tex.count(r"\textbf{") == sum(c.best for c in cells)
    # a row of cells between the rules, each with a tabular of its own for the interval
    body = tex[tex.index(r"\midrule") : tex.index(r"\bottomrule")]
    assert body.count(" & ") == 12 * 10
    assert r"folded$\to$folded" in body
    render.terminal(grids)
    shown = capsys.readouterr().out
    for cell in cells:
        for text in (cell.text, *cell.below):
            assert text in page
            assert text in shown
            assert text.replace("–", "--") in tex


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no pdflatex on the path")
def test_latex_compiles(scores, tmp_path):
    named = [
        s.model_copy(update={"prediction": s.prediction.model_copy(update={"model": name})})
        for s, name in zip(scores, ("FCHL19*", "a_b & 5% #1 {x} ~^\\", "c$d"), strict=True)
    ]
    (tmp_path / "paper.tex").write_text(
        "\\documentclass{article}\n\\usepackage{booktabs}\n\\begin{document}\n"
        + render.latex(tables.grids(named, intervals=True))
        + "\\end{document}\n"
    )
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"],
        capture_output=True,
        text=True,
        errors="replace",
        cwd=tmp_path,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:]
    assert "Output written" in done.stdout
