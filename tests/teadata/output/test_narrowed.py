"""A command line builds only the command that it calls, and shows what all of them would."""

from __future__ import annotations

import pytest
import typer
from typer.testing import CliRunner

import baselines.cli
import teadata.cli
import teaeval.cli
from teadata.output.command_line import narrowed

APPS = {"teadata": teadata.cli.app, "teaeval": teaeval.cli.app, "baselines": baselines.cli.app}

LINES = [
    ["teaeval"],
    ["teaeval", "-h"],
    ["teaeval", "--help"],
    ["teaeval", "--version"],
    ["teaeval", "score", "--help"],
    ["teaeval", "score", "--helps"],
    ["teaeval", "md", "--help"],
    ["teaeval", "md", "run", "--help"],
    ["teaeval", "plot", "nonsense"],
    ["teaeval", "scored", "file.npz"],
    ["teaeval", "--nonsense"],
    ["teadata", "--help"],
    ["teadata", "list", "--help"],
    ["baselines", "--help"],
    ["baselines", "train", "--help"],
]


@pytest.mark.parametrize("line", LINES, ids=" ".join)
def test_what_is_shown_is_the_same(line):
    program, *arguments = line
    app = APPS[program]
    runs = [
        CliRunner().invoke(each, arguments, prog_name=program)
        for each in (app, narrowed(app, arguments))
    ]
    assert runs[0].output == runs[1].output
    assert runs[0].exit_code == runs[1].exit_code
    assert runs[0].output


def test_completion_knows_every_command(monkeypatch):
    app = APPS["teaeval"]
    monkeypatch.setenv("_TEAEVAL_COMPLETE", "complete_bash")
    assert narrowed(app, ["score"]) is app


def test_only_what_is_called_is_built():
    made = typer.main.get_command(narrowed(APPS["teaeval"], ["score", "file.npz"]))
    assert list(made.commands) == ["score"]
    made = typer.main.get_command(narrowed(APPS["teaeval"], ["--help"]))
    assert {"score", "check", "md"} <= set(made.commands)
    assert not made.commands["md"].commands
