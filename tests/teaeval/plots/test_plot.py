"""Files of figures, and how models keep their colours."""

from __future__ import annotations

import csv
import subprocess
import sys

import pytest

from teadata.errors import UsageError
from teaeval.plots import curves
from teaeval.plots.plot import COLOURS, colour, marker


def test_each_format_with_its_data_and_twice_the_same(tmp_path):
    starts = {".png": b"\x89PNG", ".svg": b"<?xml", ".pdf": b"%PDF"}
    plot = curves.learning_curves(curves.published_points())
    paths = [tmp_path / f"a{suffix}" for suffix in starts]
    assert plot.save(*paths)[1] == tmp_path / "a.csv"
    again = curves.learning_curves(curves.published_points())
    again.save(*(tmp_path / f"b{suffix}" for suffix in starts))
    for suffix, start in starts.items():
        first, second = ((tmp_path / f"{n}{suffix}").read_bytes() for n in "ab")
        assert first.startswith(start)
        assert first == second
    with open(tmp_path / "a.csv", newline="") as stream:
        lines = list(csv.DictReader(stream))
    assert len(lines) == len(plot.data)
    assert float(lines[5]["value"]) == plot.data[5]["value"]
    assert len(list(tmp_path.iterdir())) == 8


def test_a_csv_that_is_of_no_figure_is_not_replaced(tmp_path):
    plot = curves.learning_curves(curves.published_points())
    (tmp_path / "mine.csv").write_text("my own\n")
    with pytest.raises(UsageError, match=r"would replace mine\.csv"):
        plot.save(tmp_path / "other.png", tmp_path / "mine.png")
    assert [path.name for path in tmp_path.iterdir()] == ["mine.csv"]
    assert (tmp_path / "mine.csv").read_text() == "my own\n"
    (tmp_path / "mine.csv").unlink()
    for _ in range(2):
        plot.save(tmp_path / "mine.png", tmp_path / "mine.svg")


def test_models_keep_their_colours():
    assert colour("sGDML", ["sGDML"]) == colour("sGDML", ["MACE", "sGDML"])
    assert len({colour(n, ["MACE", "SO3krates", "sGDML"]) for n in ("MACE", "sGDML")}) == 2
    assert colour("mine", ["mine"]) in COLOURS
    both = ["sGDML, a/train/1 → a", "sGDML, a/train/2 → a"]
    assert len({colour(n, both) for n in both}) == 2


def test_nine_models_can_be_told_apart_and_the_paper_s_keep_theirs():
    names = ["mine", "MACE", "other", "sGDML", "c", "SOAP/GAP", "PhysNet", "d", "e"]
    for shown in (names, names[::-1], [*names, *"fghijklmnopqrstuvwxyz"]):
        looks = {(colour(n, shown), marker(n, shown)) for n in shown}
        assert len(looks) == len(shown)
        assert len({colour(n, shown) for n in shown[:9]}) == 9
        assert colour("MACE", shown) == COLOURS[0]
    assert colour("mine", ["mine"]) == colour("mine", ["mine", "MACE"])


def test_matplotlib_is_imported_only_for_a_figure():
    code = (
        "import sys; from teaeval import cli, published, tables, plots, report\n"
        "from teaeval.plots import errors, error_summary, structure, curves, matrix, gyration\n"
        "assert 'matplotlib' not in sys.modules\n"
        "sys.modules['matplotlib'] = None\n"
        "sys.argv = ['teaeval', 'plot', 'learning-curve', '--published', '-o', 'x.png']\n"
        "cli.main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "[plot]" in done.stderr
    assert "Traceback" not in done.stderr
