"""The commands of all three programs: one list of their options, one name for each thing."""

from __future__ import annotations

import os
import re
import runpy
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from baselines.cli import app as baselines_app
from teadata.cli import app as teadata_app
from teaeval.cli import app as teaeval_app

APPS = {"teadata": teadata_app, "teaeval": teaeval_app, "baselines": baselines_app}

SEVERAL = {
    "train": {"Split that was trained on", "Nested training sizes"},
    "reference": {"Reference", "The reference trainings"},
}
"""Names that may mean several things, and these; better none.  `teadata create` makes the splits:
it takes --train, --valid and --test as numbers of frames.  `baselines check` takes the name of a
kind of record: --reference, beside --fast."""


def test_the_list_of_options_is_up_to_date(repository):
    made = runpy.run_path(str(repository / "docs" / "commands.py"))["text"]()
    assert made == (repository / "docs" / "commands.md").read_text(encoding="utf-8"), (
        "run python docs/commands.py"
    )
    assert "`--scheduler`" in made
    assert "`--processes`" not in made


def leaves(path: str, command: Any) -> Iterator[tuple[str, Any]]:
    below = getattr(command, "commands", None)
    if below is None:
        yield path, command
    for name, child in (below or {}).items():
        yield from leaves(f"{path} {name}", child)


def words() -> Iterator[tuple[str, str, str]]:
    """Command, name of an option or argument, and what its help says that it means."""
    for name, app in APPS.items():
        for path, command in leaves(name, typer.main.get_command(app)):
            for parameter in command.params:
                if getattr(parameter, "hidden", False) or parameter.name == "help":
                    continue
                option = parameter.param_type_name == "option"
                shown = parameter.opts[0] if option else parameter.metavar or parameter.name
                said = " ".join((parameter.help or "").split())
                meaning = re.split(r"[,:;.](?= |$)", said)[0].strip()
                yield path, re.sub(r"\W", "", shown.lower()), meaning


def test_one_name_has_one_meaning_in_all_commands():
    meanings = defaultdict(lambda: defaultdict(list))
    for path, name, meaning in words():
        assert meaning, f"{path} {name}: says nothing"
        meanings[name][meaning].append(path)
    several = {
        name: dict(said)
        for name, said in meanings.items()
        if len(said) > 1 and set(said) != SEVERAL.get(name)
    }
    assert several == {}
    assert set(SEVERAL) <= set(meanings)


def test_one_thing_has_one_name_in_all_commands():
    names = defaultdict(set)
    for _, name, meaning in words():
        names[meaning.lower()].add(name)
    assert {meaning: said for meaning, said in names.items() if len(said) > 1} == {}


RENAMED = (
    ("teaeval hydrogen --calculator a:b --label x", "--label", "--model"),
    ("teaeval hydrogen --calculator a:b --name=x", "--name", "--model"),
    ("teaeval hydrogen --run nowhere --processes 2", "--processes", "--jobs"),
    ("teaeval md run mini-iii --calculator a:b --name x", "--name", "--model"),
    ("teaeval md run mini-iii --model nowhere --name x", "--model", "--run"),
    ("teaeval hydrogen --model nowhere", "--model", "--run"),
    ("teaeval compare a.npz b.npz --bootstrap 100", "--bootstrap", "--patterns"),
    ("teaeval table s.json --against published", "--against published", "--published"),
    ("teaeval table s.json --against=published", "--against published", "--published"),
    ("teaeval report a.npz --frames 3 -o r.html", "--frames", "--worst"),
    ("baselines record no mini-i --folder runs", "--folder", "--runs"),
    ("baselines check no --folder runs", "--folder", "--runs"),
    ("baselines learning-curve no mini-i --folder runs", "--folder", "--runs"),
)


@pytest.mark.parametrize(("line", "old", "new"), RENAMED, ids=[r[0] for r in RENAMED])
def test_an_old_name_works_for_a_release_with_a_word(line, old, new, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    command, *arguments = line.split()
    done = CliRunner().invoke(APPS[command], arguments)
    assert f"warning: {old} is called {new} now" in done.stderr
    assert "No such option" not in done.stderr  # it goes on, until a file is not there
    assert done.exit_code != 0
    verb = [part for part in arguments[:2] if part in ("md", "run") or part == arguments[0]]
    shown = CliRunner().invoke(APPS[command], [*verb, "--help"]).stdout.replace("--model NAME", "")
    assert f" {old.split()[0]} " not in shown


@pytest.mark.parametrize(
    ("command", "typed", "offered"),
    [
        ("teadata", "teadata cro", "croissant"),
        ("teaeval", "teaeval plot mag", "magnitude"),
        ("baselines", "baselines train --allow", "--allow-tf32"),
        ("teaeval", "teaeval hydrogen --proc", ""),
    ],
)
def test_a_shell_completes_commands_and_options(command, typed, offered):
    """As what --install-completion installs calls it; old names are not offered."""
    script = str(Path(sys.executable).parent / command)
    variables = {
        f"_{command.upper()}_COMPLETE": "complete_bash",
        "COMP_WORDS": typed,
        "COMP_CWORD": str(typed.count(" ")),
    }
    done = subprocess.run(
        [script], env=os.environ | variables, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == offered
    # Without a terminal no shell can be recognised: it is named, as Typer's own tests do.
    named = os.environ | {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    shown = subprocess.run(
        [script, "--show-completion", "bash"], env=named, capture_output=True, text=True, check=True
    )
    assert f"-F _{command}_completion {command}" in shown.stdout


def test_the_new_meaning_of_an_old_name_is_not_disturbed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for line in ("hydrogen --calculator a:b --model mine", "hydrogen --run nowhere --model mine"):
        done = CliRunner().invoke(teaeval_app, line.split())
        assert "is called" not in done.stderr
    done = CliRunner().invoke(teaeval_app, ["report", "a.npz", "--title", "--worst", "-o", "r.x"])
    assert "is called" not in done.stderr  # a value is no option
