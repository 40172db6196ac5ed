"""One score as a table: CSV, Markdown, and what is said of its intervals."""

from __future__ import annotations

import csv
import io
import json

import numpy as np

import teaeval
from teaeval.scores.reading import read_score
from teaeval.tables.single import markdown, to_csv


def test_csv_holds_every_number_in_full(noisy):
    score = teaeval.score(noisy)
    rows = list(csv.DictReader(io.StringIO(to_csv(score))))
    assert [row["quantity"] for row in rows] == ["E", "F", "F(H)", "F(C)", "F(N)", "F(O)"]
    assert float(rows[1]["rmse_percent_mean"]) == score.row("F").rmse_percent_mean
    assert rows[0]["dataset"] == "mini-i@1.0.0"
    assert rows[0]["model"] == "noise"


def test_markdown_is_a_table_of_ten_columns(noisy):
    lines = [line for line in markdown(teaeval.score(noisy)).splitlines() if "|" in line]
    rows = [line for line in lines if line.startswith("|")]
    errors, intervals = rows[: 2 + 6], rows[2 + 6 :]
    assert all(line.count("|") == 11 for line in errors)
    assert len(intervals) == 2 + 6
    assert all(line.count("|") == 5 for line in intervals)


def test_how_intervals_were_made(noisy):
    score = teaeval.score(noisy, replicates=50, seed=3)
    head = "95% intervals of the absolute errors (jackknife over 21 trajectories; MAX: 50 bootstrap"
    assert head in markdown(score)
    assert "intervals" not in markdown(teaeval.score(noisy, replicates=0))


def test_a_score_of_before_still_says_that_its_intervals_are_percentiles(noisy, tmp_path):
    fields = json.loads(teaeval.score(noisy, replicates=50, seed=3).model_dump_json())
    del fields["bootstrap"]["method"]
    file = tmp_path / "old.json"
    file.write_text(json.dumps(fields))
    assert "(50 bootstrap samples of 21 trajectories, seed 3)" in markdown(read_score(file))


def test_errors_of_energies_with_an_offset_are_marked(scores, mini_i, tmp_path):
    from typer.testing import CliRunner

    from teaeval import tables
    from teaeval.cli import app
    from teaeval.plots import errors
    from teaeval.plots.error_summary import summarise
    from teaeval.scores.examine import examine

    test = mini_i.split("folded/test")
    rng = np.random.default_rng(0)
    made = teaeval.Prediction(
        "mini-i", "folded", test.energies + 3e4 + rng.normal(0, 1, len(test)),
        test.forces + rng.normal(0, 1, test.forces.shape), frame_ids=test.ids, model="shifted",
        train="folded/train/200",
    )  # fmt: skip
    score = teaeval.score(made, replicates=0)
    teaeval.write_prediction(tmp_path / "shifted.npz", made)
    told = "†: errors that are mostly a constant offset"
    text = markdown(score)
    assert "| E† |" in text
    assert "| F |" in text
    assert told in text
    assert told not in markdown(scores[0])
    (grid,) = tables.grids([*scores, score])
    assert told in "\n".join(grid.notes)
    (row,) = [row for row in grid.rows if row.labels == ("folded->folded", "E")]
    assert [cell.text.endswith("†") for cell in row.cells] == [False] * 9 + [True] * 3
    shown = CliRunner().invoke(
        app, ["compare", f"{tmp_path}/shifted.npz", f"{tmp_path}/shifted.npz:model=other",
              "--patterns", "10"]
    ).stdout  # fmt: skip
    assert "E†" in shown
    assert "warning: A: [energy-offset]" in shown
    panel = errors.parity([summarise(examine(made))]).figure.axes[0]
    x, y = panel.lines[0].get_data()
    (low, high), (bottom, top) = panel.get_xlim(), panel.get_ylim()
    assert ((low <= x) & (x <= high) & (bottom <= y) & (y <= top)).all()
    assert "less 30000" in panel.get_ylabel()
