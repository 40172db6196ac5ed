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


def test_simulations_of_scores_have_a_table(invoke, scores, repository, tmp_path):
    """How many replicas and ps are behind them, once where two scores hold the same ones."""
    from teaeval.md import record

    runs = [record.read(repository / f"examples/simulations/mace-{k}K.json") for k in (300, 500)]
    files = [tmp_path / "0.json", tmp_path / "1.json"]
    for file, score in zip(files, scores, strict=False):
        file.write_text(score.model_copy(update={"simulations": runs}).model_dump_json())
    shown = invoke("table", *files)
    table = shown[shown.index("Survival of replicas") :]
    for run in runs:
        (line,) = (line for line in table.splitlines() if f"{run.settings.temperature:g} K" in line)
        numbers = [str(len(run.replicas)), f"{run.planned:g}", f"{run.stable_time:.4g}"]
        assert line.split(run.name)[1].split()[:3] == numbers
    invoke("table", *files, "-o", tmp_path / "table.md")
    assert "Survival of replicas" in (tmp_path / "table.md").read_text()


def test_command(run, invoke, scores, tmp_path):
    files = []
    for n, score in enumerate(scores):
        files.append(tmp_path / f"{n}.json")
        files[-1].write_text(score.model_dump_json())
    done = run("teaeval", "table", *files, "--published")
    assert done.returncode == 0, done.stderr
    assert "the official edition, these of the mini edition; they do not compare" in done.stdout
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


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("id", "nope", "of nope@1.0.0, a dataset that is not on this machine"),
        ("id", "../../x\x1b[31m", "a dataset that is not on this machine"),
        ("version", "9.9.9", "of mini-i@9.9.9, and here is mini-i@1.0.0"),
        ("edition", "official", "of the official edition of mini-i@1.0.0, and here is its mini"),
        ("frames_sha256", "1" * 64, "of mini-i@1.0.0 with frames of SHA-256 111111111111…"),
        ("splits_sha256", "2" * 64, "of mini-i@1.0.0 with splits of SHA-256 222222222222…"),
    ],
)
def test_a_score_of_data_that_are_not_here_has_a_word(run, scores, tmp_path, field, value, said):
    data = scores[0].dataset.model_copy(update={field: value})
    file = tmp_path / "s.json"
    file.write_text(scores[0].model_copy(update={"dataset": data}).model_dump_json())
    done = run("teaeval", "table", file)
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith(f"warning: {file}: of ")
    assert said in done.stderr
    assert "\x1b" not in done.stderr
    assert " F(H) " in done.stdout


def test_a_score_of_data_that_are_here_has_none(run, scores, tmp_path):
    file = tmp_path / "s.json"
    file.write_text(scores[0].model_dump_json())
    assert run("teaeval", "table", file).stderr == ""
