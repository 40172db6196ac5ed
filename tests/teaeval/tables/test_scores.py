"""Many scores as one table: layout, the best of a row, editions apart, ratios to the paper."""

from __future__ import annotations

import csv
import io
import shutil
import subprocess
import xml.etree.ElementTree as ET

import numpy as np
import pytest

import teaeval
from teadata import Frames
from teadata.errors import UsageError
from teaeval import Prediction, Score, published, tables
from teaeval.tables import render
from teaeval.tables.scores import to_csv


def scored(
    frames: Frames, model: str, noise: float, seed: int, train: str = "folded/train/200"
) -> Score:
    rng = np.random.default_rng(seed)
    return teaeval.score(
        Prediction(
            dataset="mini-i",
            subset="folded",
            energies=frames.energies + rng.normal(0, noise, len(frames)),
            forces=frames.forces + rng.normal(0, noise, frames.forces.shape),
            frame_ids=frames.ids,
            model=model,
            train=train,
        ),
        replicates=20,
    )


@pytest.fixture(scope="module")
def scores(mini_i) -> list[Score]:
    test = mini_i.split("folded/test")
    return [
        scored(test, "sGDML", 2.0, 0),
        scored(test, "MACE", 1.0, 1),
        scored(test, "mine", 3.0, 2, "unfolded/train/200"),
    ]


def official(score: Score) -> Score:
    """The same numbers, as if they were of the official data."""
    data = score.dataset.model_copy(update={"id": "tea2023-i", "edition": "official"})
    return score.model_copy(update={"dataset": data})


def test_rows_are_tasks_and_quantities_columns_are_models_and_measures(scores):
    (grid,) = tables.grids(scores)
    assert grid.title == "mini-i@1.0.0 (mini edition)"
    assert grid.groups == ("MACE", "sGDML", "mine")  # the paper's order, then the others
    assert grid.columns == ("MAE", "RMSE", "MAX")
    quantities = ["E", "F", "F(H)", "F(C)", "F(N)", "F(O)"]
    assert [row.labels for row in grid.rows] == [
        (task, q) for task in ("folded->folded", "unfolded->folded") for q in quantities
    ]
    force = grid.rows[1]
    assert force.cells[0].text == teaeval.tables.numbers.significant(
        scores[1].row("F").mae_percent_mean
    )
    assert [cell.best for cell in force.cells[:6]] == [True, True, True, False, False, False]
    assert [cell.text for cell in force.cells[6:]] == ["–"] * 3
    # alone in its row: nothing to be better than
    assert not any(cell.best for cell in grid.rows[7].cells)


@pytest.mark.parametrize("kind", tables.KINDS)
def test_records_have_the_numbers_of_the_scores(scores, kind):
    found = list(csv.DictReader(io.StringIO(to_csv(tables.records(scores, kind)))))
    assert len(found) == 3 * 6 * 3
    field = "rmse" if kind == "absolute" else f"rmse_percent_{kind}"
    for line in found:
        if line["model"] == "MACE" and line["measure"] == "RMSE":
            assert float(line["value"]) == getattr(scores[1].row(line["quantity"]), field)
            assert float(line["low"]) < float(line["value"]) < float(line["high"])


def test_a_ratio_to_the_paper_only_where_the_data_are_the_papers(scores):
    (mini,) = tables.grids(scores, against=True)
    assert not any(cell.ratio for row in mini.rows for cell in row.cells)
    assert any("do not compare" in note for note in mini.notes)
    assert {r["published"] for r in tables.records(scores, against=True)} == {None}
    both = [official(s) for s in scores]
    (grid,) = tables.grids(both, "std", against=True)
    expected = scores[1].row("F").mae_percent_std / published.value(
        "I", "folded", "folded", "F", "MACE", "MAE", "std"
    )
    assert grid.rows[1].cells[0].ratio == f"×{expected:.2f}"
    assert not any(cell.ratio for cell in grid.rows[7].cells)  # no such model in the paper
    (absolute,) = tables.grids(both, "absolute", against=True)
    assert not any(cell.ratio for row in absolute.rows for cell in row.cells)


def test_editions_never_share_a_table(scores):
    grids = tables.grids([scores[0], official(scores[1])])
    assert [grid.title.split()[1] for grid in grids] == ["(mini", "(official"]
    assert [grid.groups for grid in grids] == [("sGDML",), ("MACE",)]


def test_sizes_tell_trainings_of_a_model_apart_and_repetitions_are_refused(scores):
    sizes = [
        s.model_copy(
            update={"prediction": s.prediction.model_copy(update={"train": train, "model": "m"})}
        )
        for s, train in zip(scores, ("folded/train/9", "folded/train/90"), strict=False)
    ]
    assert tables.grids(sizes)[0].groups == ("m (9)", "m (90)")
    with pytest.raises(UsageError, match=r"2 scores are of m \(9\)"):
        tables.grids([sizes[0], sizes[0]])


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


def test_command(run, invoke, scores, tmp_path):
    files = []
    for n, score in enumerate(scores):
        files.append(tmp_path / f"{n}.json")
        files[-1].write_text(score.model_dump_json())
    done = run("teaeval", "table", *files, "--against", "published")
    assert done.returncode == 0, done.stderr
    assert "no ratios" in done.stdout
    best = next(line for line in done.stdout.splitlines() if " F(H) " in line)
    assert best.count("*") == 3
    for suffix, start in (
        (".tex", "% needs"),
        (".md", "mini-i"),
        (".html", "<figure"),
        (".csv", "da"),
    ):
        path = tmp_path / f"table{suffix}"
        invoke("table", *files, "-o", path)
        assert path.read_text().startswith(start)
    with pytest.raises(UsageError, match="unknown kind"):
        invoke("table", *files, "--kind", "median")
    with pytest.raises(UsageError, match="leave --output out"):
        invoke("table", *files, "--format", "terminal", "-o", tmp_path / "x.txt")
