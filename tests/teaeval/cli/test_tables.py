"""The commands that lay results out."""

from __future__ import annotations

import csv
import io
import json

import pytest

from teadata.errors import UsageError


def test_command_prints_and_exports(run, invoke, tmp_path):
    shown = run("teaeval", "published", "si8", "--challenge", "III", "--quantity", "F")
    assert shown.returncode == 0, shown.stderr
    assert "0.16*" in shown.stdout
    assert "official edition" in shown.stdout
    found = json.loads(invoke("published", "costs", "--json"))
    assert [c["value"] for c in found if c["model"] == "SO3krates"] == [10, 10, 15, 27]
    path = tmp_path / "si7.csv"
    assert invoke("published", "-o", str(path)) == f"{path}: written\n"
    lines = list(csv.DictReader(io.StringIO(path.read_text())))
    assert len(lines) == 62 * 15
    assert lines[0]["value"] == "0.54"
    with pytest.raises(UsageError, match="unknown table 'si9'"):
        invoke("published", "si9")
    with pytest.raises(UsageError, match=r"\.tex"):
        invoke("published", "-o", str(tmp_path / "si7.doc"))


def test_command(run, invoke, scores, tmp_path):
    files = []
    for n, score in enumerate(scores):
        files.append(tmp_path / f"{n}.json")
        files[-1].write_text(score.model_dump_json())
    done = run("teaeval", "table", *files, "--published")
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
