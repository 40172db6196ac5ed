"""Commands in documents, in helps and in messages are such as a shell takes as they stand."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from baselines.cli import app as baselines_app
from teadata.cli import app as teadata_app
from teaeval.cli import app as teaeval_app

APPS = {"teadata": teadata_app, "teaeval": teaeval_app, "baselines": baselines_app}
OURS = r"(?:teadata|teaeval|baselines|python -m pip|pip) (?!\||is\b|and\b|of\b|takes\b)"
OPTION = re.compile(r"--?[A-Za-z][\w-]*")
QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"|\\.")


def of_document(text: str) -> Iterator[str]:
    """The commands of a document: blocks of bash, lines with a prompt, and code in a line."""
    for kind, block in re.findall(r"^```(\w*)\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        if kind in ("bash", "sh"):
            yield block
        elif kind in ("", "console"):
            prompted = re.sub(r"\\\n", "", block)
            yield from re.findall(r"^\$ (.*)$", prompted, re.MULTILINE)
    outside = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    yield from (code for code in re.findall(r"`([^`\n]+)`", outside) if re.match(OURS, code))


def commands(path: str, command: Any) -> Iterator[tuple[str, Any]]:
    yield path, command
    for name, child in getattr(command, "commands", {}).items():
        yield from commands(f"{path} {name}", child)


def of_helps() -> Iterator[str]:
    """The examples of helps, and commands that these name."""
    for name, app in APPS.items():
        for path, command in commands(name, typer.main.get_command(app)):
            said = command.epilog or ""
            assert said.startswith("Example: ") or hasattr(command, "commands"), path
            if said:
                yield said.removeprefix("Example: ")
            for text in (command.help, *(getattr(p, "help", "") for p in command.params)):
                codes = re.findall(r"`([^`]+)`", text or "")
                yield from (code for code in codes if re.match(OURS, code))


HARMLESS = {"id", "full_id", "dataset", "subset", "extra", "kind", "package", "shlex"}
"""Names of what has no character that a shell obeys, and of what quotes it."""


def _names(tree: ast.AST) -> set[str]:
    return {getattr(node, "attr", getattr(node, "id", "")) for node in ast.walk(tree)}


def _quoted(tree: ast.AST) -> set[str]:
    """The variables of a module that were given something quoted."""
    given = (node for node in ast.walk(tree) if isinstance(node, ast.Assign))
    named = [(node.targets[0], node.value) for node in given]
    return {name for target, value in named if "shlex" in _names(value) for name in _names(target)}


def _filled_in(part: Any, harmless: set[str]) -> str:
    """A part of a text; in place of a value something that a shell would obey if not quoted."""
    if isinstance(part, ast.Constant):
        return str(part.value)
    names = _names(part.value)
    return "x" if names & harmless or all(n.isupper() for n in names if n) else "x(y"


def of_messages(source: str) -> Iterator[str]:
    """The commands in the texts of a module, but for its docstrings."""
    tree = ast.parse(source)
    harmless = HARMLESS | _quoted(tree)
    parts = {id(value) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr)
             for value in node.values}  # fmt: skip
    documented = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if id(node) in parts | documented:
            continue
        if isinstance(node, ast.JoinedStr):
            text = "".join(_filled_in(part, harmless) for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = node.value
        else:
            continue
        yield from (code for code in re.findall(r"`([^`]+)`", text) if re.match(OURS, code))
        yield from re.findall(rf": ({OURS}[^\n;()`]*)", text)
        yield from re.findall(rf"^ *({OURS}[^\n`]*)$", text, re.MULTILINE)


def wrong(line: str) -> str:
    """What a shell would not take, or not as it is meant."""
    done = subprocess.run(["bash", "-n"], input=line, capture_output=True, text=True, check=False)
    if done.returncode:
        return done.stderr
    plain = QUOTED.sub("q", re.sub(r"(^|\s)#.*", "", line))
    if "…" in plain or "..." in re.sub(r"\b[A-Z]+\.\.\.", "", plain):
        return "something is left out"
    if re.search(r"[\w-]>|<\w|\[[\w,]+\]", re.sub(r"\b[12]>", "", plain)):
        return "<, > or [ is not quoted"
    return ""


def unknown(text: str, known: dict[str, set[str]]) -> set[str]:
    """The options in commands of ours that these commands do not have."""
    plain = QUOTED.sub("q", re.sub(r"\\\n", " ", re.sub(r"(^|\s)#.*", "", text)))
    lacking = set()
    for part in re.split(r"\n|;|\||&&", plain):
        words = part.removeprefix(" do ").split()
        paths = (" ".join(words[:length]) for length in (3, 2, 1))
        if path := next((path for path in paths if path in known), ""):
            options = {found[0] for word in words if (found := OPTION.match(word))}
            lacking |= {f"{path} {option}" for option in options - known[path]}
    return lacking


@pytest.fixture(scope="module")
def of_documents(repository) -> set[tuple[str, str]]:
    pages = [
        *repository.glob("*.md"),
        *repository.glob("docs/**/*.md"),
        *repository.glob("*/README.md"),
    ]
    return {(page.name, line) for page in set(pages) for line in of_document(page.read_text())}


def test_the_examples_of_documents(of_documents):
    assert len(of_documents) > 50
    assert {(*item, said) for item in of_documents if (said := wrong(item[1]))} == set()


def test_the_options_of_documents(of_documents):
    known = {
        path: {"--help", "--version", *(name for option in command.params for name in option.opts)}
        for name, app in APPS.items()
        for path, command in commands(name, typer.main.get_command(app))
    }
    lines = {item for item in of_documents if item[0] != "CHANGELOG.md"}
    assert unknown("teaeval compare a.npz b.npz -o c.json", known) == {"teaeval compare -o"}
    assert {(*item, *said) for item in lines if (said := unknown(item[1], known))} == set()


def test_the_examples_of_helps():
    found = set(of_helps())
    assert len(found) > 30
    assert {(line, said) for line in found if (said := wrong(line))} == set()


@pytest.mark.parametrize("package", APPS)
def test_the_commands_of_messages(package, repository):
    found = {
        (file.name, line)
        for file in Path(repository, package).rglob("*.py")
        for line in of_messages(file.read_text())
    }
    assert len(found) > 3
    assert {(*item, said) for item in found if (said := wrong(item[1]))} == set()
