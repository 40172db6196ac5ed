"""The repository's own board, and the document's way onto it."""

from __future__ import annotations

import dataclasses
import json
import re
import shlex
import shutil
from pathlib import Path

import pytest

from teaeval.board.building import build, write_site
from teaeval.board.entries import read_entries
from teaeval.md.observed import Observed, Separation
from teaeval.tables.numbers import significant


def test_the_repository_s_board_is_built(repository, tmp_path):
    pages = build(repository / "examples" / "board", tmp_path / "site")
    assert len(pages) > 12
    text = (tmp_path / "site" / "simulations.html").read_text()
    assert "log-rank p" in text
    assert text.count("rank correlation") >= 3


def test_survival_and_distances_of_simulations(repository, tmp_path):
    known = list(read_entries(repository / "examples" / "board"))
    (sgdml,) = (item for item in known if item.submission.model == "sGDML")
    record = sgdml.simulations[0]
    text = _simulations(tmp_path / "old", [sgdml])
    share = record.survival.share[-1]
    assert f"<td>{significant(share)}<small>" in text
    assert "Distances to the reference" not in text  # an earlier version measured none
    apart = Separation(
        measure="hellinger", unit="", value=0.4321, low=0.40, high=0.46, halves=0.1, halves_most=0.2
    )
    angles = Observed(
        observable="ramachandran", quantity="all", unit="°", kind="map", axes=[], mean=None,
        values=[], reference="its own dynamics", reference_mean=None, reference_values=[],
        exact=None, distances=[apart], wells=[], notes=[],
    )  # fmt: skip
    newer = dataclasses.replace(
        sgdml, simulations=[record.model_copy(update={"observables": [angles]})]
    )
    text = _simulations(tmp_path / "new", [newer])
    for shown in ("ramachandran: all", "0.432", "0.400 to 0.460", "its own dynamics"):
        assert shown in text


def test_simulations_of_two_temperatures_are_not_one_correlation(repository, tmp_path):
    known = read_entries(repository / "examples" / "board")
    (sgdml,) = (item for item in known if item.submission.model == "sGDML")
    record = sgdml.simulations[0]
    settings = record.settings.model_copy(update={"temperature": 500.0})
    hot = record.model_copy(update={"settings": settings})
    item = dataclasses.replace(sgdml, simulations=[record, hot])
    text = _simulations(tmp_path / "two", [item])
    assert text.count("1 model: too few") == 4
    assert "2 models" not in text


def _simulations(folder, entries):
    folder.mkdir()
    write_site(folder, "Board", entries)
    return (folder / "simulations.html").read_text()


def test_the_repository_s_board_is_small_and_its_models_marked(repository):
    board = repository / "examples" / "board"
    size = sum(path.stat().st_size for path in board.rglob("*") if path.is_file())
    assert size < 32e6
    entries = list(read_entries(board))
    assert len(entries) >= 8
    assert {item.submission.mark for item in entries} <= {"quick", "reference"}
    for item in entries:
        assert all(one.score.prediction.record for one in item.scored)


def test_the_commands_of_the_document_as_they_stand(repository, run, tmp_path):
    """On a copy of the board with its models of one prediction, those of hydrogen."""
    pytest.importorskip("matscipy")

    def left_out(folder, names):
        scores = {name: Path(folder, name, "scores") for name in names}
        return [name for name in names if len(list(scores[name].glob("*.json"))) > 1]

    shutil.copytree(repository / "examples" / "board", tmp_path / "board", ignore=left_out)
    text = (repository / "docs" / "board.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"^```bash\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    said = []
    for line in block.splitlines():
        program, *arguments = shlex.split(line)
        done = run(program, *arguments, cwd=tmp_path, timeout=200)
        assert done.returncode == 0, (line, done.stdout, done.stderr)
        said.append(done.stdout)
    assert len(said) == 6
    assert "mine: nothing is wrong" in said[3]
    assert "Mine 1: added, as" in said[4]
    (page,) = (tmp_path / "site").glob("task-mini-hydrogen-*.html")
    table = json.loads(re.search(r'id="data">(.*?)</script>', page.read_text())[1])
    places = table["ranks"]["12"]["F.mae"]["places"]
    placed = {row["name"]: places[row["n"]] for row in table["rows"] if row["group"] == "12"}
    assert set(placed) == {"Mine", "Tersoff (quick)"}
    assert set(placed.values()) in ({1}, {1, 2})


def test_the_page_s_example_of_a_submission_has_no_unknown_key(repository):
    from teaeval.board.submission import read

    text = (repository / "docs" / "board.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"^```yaml\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    submission, problems = read(block.encode())
    assert problems == []
    assert submission.name == "Mine 1"
