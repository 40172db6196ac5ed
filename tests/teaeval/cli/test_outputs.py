"""What the commands write: names that do nothing, suffixes that decide, inputs that stay."""

from __future__ import annotations

import csv
import dataclasses
import io
import itertools
import json
import os
import re
import shutil

import numpy as np
import pytest

from teadata import console
from teaeval import write_prediction
from teaeval.hydrogen import table as hydrogen_table


def named(path, model):
    """The same prediction by a model of another name."""
    with np.load(path) as archive:
        arrays = dict(archive.items())
    np.savez(path, **arrays | {"model": model})
    return path


NAMES = [
    "m\x1b]0;owned\x07\x1b[2J\x1b[31m",
    "=cmd|' /C calc'!A0",
    "<img src=x onerror=alert(1)>[a](javascript:alert(1))",
    "a\n\n# Heading\n| x |",
    r"\input{/etc/passwd}\write18{id}",
    "</script><script>alert(1)</script>",
    "\u202egnp.exe",
    "[red]x[/red][/b]",
    "$\\frac{$",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_only_shown(invoke, prediction_file, tmp_path, name):
    named(prediction_file, name)
    record = tmp_path / "score.json"
    texts = []
    for form in ([], ["--markdown"], ["--csv"], ["--json"]):
        texts.append(invoke("score", prediction_file, "--bootstrap", "0", *form, "-o", record))
    assert json.loads(texts[3])["prediction"]["model"] == name
    assert json.loads(record.read_text())["prediction"]["model"] == name
    for suffix in ("md", "tex", "csv", "html"):
        invoke("table", record, "-o", tmp_path / f"t.{suffix}")
        texts.append((tmp_path / f"t.{suffix}").read_text())
    texts.append(invoke("table", record))
    assert not any(set(text) & set("\x1b\x07\u202e") for text in texts)
    markdown, latex, page = (texts[k] for k in (4, 5, 7))
    assert "<img" not in markdown
    assert "](java" not in markdown.replace("\\", "\\\\").replace("\\\\](", "")
    assert not any(line.startswith("#") for line in markdown.splitlines())
    assert "\\input" not in latex
    assert "\\write" not in latex
    assert "<script" not in page
    for text in (texts[2], texts[6]):
        (line, *_) = csv.DictReader(text.splitlines())
        assert line["model"][0] not in "=+-@"


def test_a_report_is_one_page_whatever_models_are_called(invoke, prediction_file, tmp_path):
    pytest.importorskip("matplotlib")
    names = ["<!--<script>", "</script><b>", "$\\frac{$", "\x1b[31m"]
    page, files = tmp_path / "page.html", [tmp_path / f"{n}.npz" for n in range(len(names))]
    for file, name in zip(files, names, strict=True):
        named(shutil.copy(prediction_file, file), name)
    invoke("report", *files, "-o", page, "--bootstrap", "0")
    text = page.read_text()
    start = text.index(">", text.index('type="application/json"')) + 1
    data = text[start : text.index("</script>", start)]
    assert "<" not in data
    assert [item["name"] for item in json.loads(data)] == names
    assert "\x1b" not in text


FILES = [
    "two\n# lines\n| x |<img src=x onerror=alert(1)>",
    "=cmd|' C calc'!A0`rm`[c](javascript:alert(1))",
    "\x1b]0;owned\x07\x1b[2J\x9b31mred\u202egnp",
]
"""Names of files that do something in a terminal, in Markdown, in HTML or in a spreadsheet."""

UNSEEN = set("\x1b\x07\x9b\u202e")


def check_markdown(text):
    """Nothing of a name is markup, and every table has as many cells in each line."""
    assert not UNSEEN & set(text)
    assert "<img" not in text
    assert not re.search(r"(?<!\\)[`\[]", text)
    assert not any(line.startswith("#") for line in text.splitlines())
    for _, lines in itertools.groupby(text.splitlines(), lambda line: line.startswith("|")):
        rows = [len(re.findall(r"(?<!\\)\|", line)) for line in lines]
        assert len(set(rows)) == 1 or not any(rows)


@pytest.fixture
def file_named(noisy, tmp_path):
    """A prediction of a model without a name, in a file of this name."""

    def make(name, **more):
        path = tmp_path / f"{name}.npz"
        write_prediction(path, dataclasses.replace(noisy, model=None, **more))
        return path

    return make


@pytest.mark.parametrize("name", FILES)
def test_a_file_name_is_only_shown(invoke, file_named, tmp_path, name):
    file, record = file_named(name), tmp_path / f"{name}.json"
    asked = ("score", file, "--bootstrap", "0")
    check_markdown(invoke(*asked, "--markdown", "-o", record))
    printed = invoke(*asked, "--json")
    assert json.loads(printed)["prediction"]["file"] == file.name
    tables = {
        suffix: (invoke("table", record, "-o", tmp_path / f"t{suffix}"), tmp_path / f"t{suffix}")
        for suffix in (".md", ".csv", ".html", ".tex")
    }
    texts = {suffix: path.read_text() for suffix, (_, path) in tables.items()}
    check_markdown(texts[".md"])
    assert "<img" not in texts[".html"]
    for text in (texts[".csv"], invoke(*asked, "--csv")):
        for line in csv.DictReader(io.StringIO(text)):
            assert None not in line
            assert not any(
                cell.lstrip().startswith(("=", "+", "@")) or "\n" in cell for cell in line.values()
            )
    shown = [invoke(*asked), invoke("table", record), invoke("compare", file, file)]
    for text in [*texts.values(), *shown, printed, record.read_text()]:
        assert not UNSEEN & set(text)
    lines = {line.strip() for text in shown for line in text.splitlines()}
    assert not lines & {"# lines", "| x |.npz", "| x |"}


def test_a_report_shows_file_names_only(invoke, file_named, tmp_path):
    pytest.importorskip("matplotlib")
    page = tmp_path / "page.html"
    invoke("report", file_named(FILES[0]), "-o", page, "--bootstrap", "0", "--worst", "1")
    assert "<img src=x" not in page.read_text()


@pytest.mark.parametrize("name", FILES)
def test_simulations_and_hydrogen_show_names_only(name, capsys):
    columns, rows = ("model", "F MAE"), [(name, "1.0")]
    check_markdown(hydrogen_table.markdown(columns, rows))
    console.print_table(columns, rows, title=name)
    shown = capsys.readouterr().out
    assert not UNSEEN & set(shown)
    assert "# lines" not in {line.strip() for line in shown.splitlines()}


def test_the_suffix_says_how_a_score_is_written(run, prediction_file, tmp_path):
    for name in ("s.csv", "s.CSV"):
        done = run("teaeval", "score", prediction_file, "-o", tmp_path / name)
        assert done.returncode == 0, done.stderr
        assert next(csv.DictReader((tmp_path / name).read_text().splitlines()))["quantity"] == "E"
    run("teaeval", "score", prediction_file, "-o", tmp_path / "s.md")
    assert "| F(N) |" in (tmp_path / "s.md").read_text()


@pytest.mark.parametrize(
    "command",
    [
        ["score", "{file}", "-o", "s.txt"],
        ["score", "{file}", "-o", "s"],
        ["score", "{file}", "-o", "s.npz"],
        ["score", "{file}", "-o", ""],
        ["table", "{score}", "-o", "t.json", "--format", "csv"],
        ["table", "{score}", "-o", "t.npz"],
        ["report", "{file}", "-o", "r.json"],
        ["template", "mini-i", "--subset", "folded", "-o", "t.json"],
        ["predict", "mini-i", "--subset", "folded", "--calculator", "a:b", "-o", "p.json"],
    ],
)
def test_a_suffix_of_something_else_is_refused(
    run, prediction_file, tmp_path, monkeypatch, command
):
    monkeypatch.chdir(tmp_path)
    score = tmp_path / "score.json"
    if "{score}" in command:
        run("teaeval", "score", prediction_file, "--bootstrap", "0", "-o", score)
    before = sorted(tmp_path.iterdir())
    done = run("teaeval", *(part.format(file=prediction_file, score=score) for part in command))
    assert done.returncode == 2
    assert done.stderr.lstrip().startswith("error: ")
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("command", [["score"], ["report"]])
def test_a_prediction_is_never_replaced(run, prediction_file, command):
    before = prediction_file.read_bytes()
    done = run("teaeval", *command, prediction_file, "-o", prediction_file)
    assert done.returncode == 2
    assert "is read here, and is not replaced" in done.stderr
    assert prediction_file.read_bytes() == before


def test_a_pipe_is_not_replaced(run, prediction_file, tmp_path):
    os.mkfifo(tmp_path / "s.json")
    done = run("teaeval", "score", prediction_file, "--bootstrap", "0", "-o", tmp_path / "s.json")
    assert done.returncode == 2
    assert "is not a regular file" in done.stderr
    assert (tmp_path / "s.json").is_fifo()


@pytest.mark.parametrize("what", ["template", "predict", "declare", "export"])
def test_predictions_and_labels_of_others_are_not_replaced(run, prediction_file, tmp_path, what):
    mine = tmp_path / "mine.npz"
    shutil.copy(prediction_file, mine)
    before = mine.read_bytes()
    (tmp_path / "calc.py").write_text(
        "class Model:\n"
        "    def predict(self, frames): return frames.energies, frames.forces\n"
        "def make(): return Model()\n"
    )
    small = ("mini-hydrogen", "--subset", "complete", "-o", mine)
    command = {
        "template": ("teaeval", "template", *small),
        "predict": ("teaeval", "predict", *small, "--calculator", "calc:make"),
        "declare": ("teaeval", "declare", prediction_file, "-o", mine),
        "export": ("teadata", "export", "mini-i", "--split", "folded/valid/20", "-o", mine),
    }[what]
    done = run(*command, cwd=tmp_path)
    assert done.returncode == 2
    assert "mine.npz: is there already, and is not replaced" in done.stderr
    assert mine.read_bytes() == before
    done = run(*command, "--replace", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    if what == "predict":  # its own is no question
        assert "was written before" in run(*command, cwd=tmp_path).stdout
