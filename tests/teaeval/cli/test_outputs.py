"""What the commands write: names that do nothing, suffixes that decide, inputs that stay."""

from __future__ import annotations

import csv
import json
import os

import numpy as np
import pytest


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
def test_a_name_is_only_shown(run, prediction_file, tmp_path, name):
    named(prediction_file, name)
    record = tmp_path / "score.json"
    texts = []
    for form in ([], ["--markdown"], ["--csv"], ["--json"]):
        done = run("teaeval", "score", prediction_file, "--bootstrap", "0", *form, "-o", record)
        assert done.returncode == 0, done.stderr
        texts.append(done.stdout)
    assert json.loads(texts[3])["prediction"]["model"] == name
    assert json.loads(record.read_text())["prediction"]["model"] == name
    for suffix in ("md", "tex", "csv", "html"):
        done = run("teaeval", "table", record, "-o", tmp_path / f"t.{suffix}")
        assert done.returncode == 0, done.stderr
        texts.append((tmp_path / f"t.{suffix}").read_text())
    texts.append(run("teaeval", "table", record).stdout)
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


@pytest.mark.parametrize("name", ["<!--<script>", "</script><b>", "$\\frac{$", "\x1b[31m"])
def test_a_report_is_one_page_whatever_the_model_is_called(run, prediction_file, tmp_path, name):
    pytest.importorskip("matplotlib")
    page = tmp_path / "page.html"
    done = run("teaeval", "report", named(prediction_file, name), "-o", page, "--bootstrap", "0")
    assert done.returncode == 0, done.stderr
    text = page.read_text()
    start = text.index(">", text.index('type="application/json"')) + 1
    data = text[start : text.index("</script>", start)]
    assert "<" not in data
    assert json.loads(data)[0]["name"] == name
    assert "\x1b" not in text


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
