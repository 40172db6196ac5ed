"""Every table and every help of every command is whole in narrow and wide terminals."""

from __future__ import annotations

import dataclasses
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

import teaeval
from baselines.cli import app as baselines_app
from teadata.cli import app as teadata_app
from teadata.output.command_line import narrowed
from teaeval.cli import app as teaeval_app

APPS = {"teadata": teadata_app, "teaeval": teaeval_app, "baselines": baselines_app}
WIDTHS = (60, 80, 120)


def shown(command: str, *arguments: object, columns: int) -> str:
    runner, line = CliRunner(env={"COLUMNS": str(columns)}), list(map(str, arguments))
    done = runner.invoke(narrowed(APPS[command], line), line, catch_exceptions=False)
    assert done.exit_code in (0, 1), done.output
    return done.stdout


@pytest.fixture(scope="module")
def files(tmp_path_factory, mini_i, scores) -> Path:
    """Two scores, and two predictions of which one is not right."""
    folder = tmp_path_factory.mktemp("files")
    for score in scores:
        (folder / f"{score.prediction.model}.json").write_text(score.model_dump_json())
    test = mini_i.split("folded/test")
    rng = np.random.default_rng(0)
    made = teaeval.Prediction(
        "mini-i", "folded", test.energies + rng.normal(0, 1, len(test)),
        test.forces + rng.normal(0, 1, test.forces.shape), frame_ids=test.ids, model="mine",
        train="folded/train/200",
    )  # fmt: skip
    teaeval.write_prediction(folder / "a.npz", made)
    teaeval.write_prediction(folder / "b.npz", dataclasses.replace(made, forces=-made.forces))
    return folder


TABLES = (
    ("teadata", "list"),
    ("teadata", "info", "mini-i"),
    ("teadata", "verify", "mini-iii"),
    ("teadata", "audit", "mini-iii"),
    ("teaeval", "score", "a.npz", "--details", "--bootstrap", "20"),
    ("teaeval", "check", "b.npz"),
    ("teaeval", "compare", "a.npz", "a.npz:model=other", "--patterns", "100"),
    ("teaeval", "table", "MACE.json", "sGDML.json", "mine.json"),
    ("teaeval", "table", "MACE.json", "sGDML.json", "mine.json", "--intervals"),
    ("teaeval", "published", "si7", "--challenge", "I"),
    ("teaeval", "published", "si6"),
    ("teaeval", "published", "settings"),
    ("teaeval", "published", "costs"),
    ("baselines", "list"),
    ("baselines", "table"),
)


@pytest.mark.parametrize("call", TABLES, ids=" ".join)
def test_no_number_of_a_table_is_cut(call, files, monkeypatch, assert_whole):
    monkeypatch.chdir(files)
    assert_whole(APPS[call[0]], *call[1:])


def paths(app, start=()):
    command = typer.main.get_command(app)
    todo = [(start, command)]
    while todo:
        path, current = todo.pop()
        yield path
        todo += [((*path, n), c) for n, c in getattr(current, "commands", {}).items()]


@pytest.mark.parametrize("name", APPS)
def test_no_help_is_cut(name):
    for path in paths(APPS[name]):
        wide = set(shown(name, *path, "--help", columns=400).split())
        for columns in WIDTHS:
            narrow = shown(name, *path, "--help", columns=columns)
            assert "..." not in re.sub(r"[A-Z\]]\.\.\.|\.\.\.\}?\.\.\.", "", narrow).split()
            if not path:
                assert wide - set(narrow.split()) == set()


def test_a_pipe_obeys_columns_and_has_no_escapes(files):
    script = Path(sys.executable).parent / "teaeval"
    environment = {k: v for k, v in os.environ.items() if k != "COLUMNS"}
    call = [script, "table", files / "MACE.json", files / "sGDML.json"]
    texts = [
        subprocess.run(
            call, env=environment | extra, capture_output=True, text=True, check=True
        ).stdout
        for extra in ({}, {"COLUMNS": "200"}, {"COLUMNS": "50"}, {"NO_COLOR": "1"})
    ]
    assert texts[0] == texts[1] == texts[3]
    assert max(len(x) for x in texts[2].split("\n\n")[1].splitlines()) <= 50
    assert not any("\x1b" in text for text in texts)
    assert "*: the best of those beside it" in texts[0]
