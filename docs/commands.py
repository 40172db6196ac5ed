"""Write docs/commands.md, the list of every option of every command: python docs/commands.py."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from baselines.cli import app as baselines
from teadata.cli import app as teadata
from teadata.output.text import markdown
from teaeval.cli import app as teaeval

APPS = {"teadata": teadata, "teaeval": teaeval, "baselines": baselines}
HEAD = """# Every option of every command

Written by `python docs/commands.py`.
`teadata`, `teaeval` and `baselines` each take `--help` (every command does) and `--version`.
`--install-completion` lets the shell in which it is called (bash, zsh, fish, PowerShell) complete
commands and options from its next start on; `--show-completion` prints what that would install.

| status | |
|---|---|
| 0 | Done, or it was done before. |
| 1 | The check failed, or the work: a file is not right, a calculation or the network failed. |
| 2 | Wrong usage, or a file or folder that is not there. |
| 130 | Ctrl-C. |
"""


def commands(path: str, command: Any) -> Iterator[tuple[str, Any]]:
    """All commands below one, with the words that call them."""
    below = getattr(command, "commands", None)
    if below is None:
        yield path, command
        return
    for name, child in below.items():
        yield from commands(f"{path} {name}", child)


def text() -> str:
    """The page."""
    parts = [HEAD]
    for name, app in APPS.items():
        for path, command in commands(name, typer.main.get_command(app)):
            parts.append(f"## {path}\n\n{markdown((command.help or '').split(chr(10) * 2)[0])}\n")
            rows = [(", ".join(p.opts) if p.param_type_name == "option" else
                     p.metavar or p.name.upper(), " ".join((p.help or "").split()))
                    for p in command.params if not getattr(p, "hidden", False)]  # fmt: skip
            table = [f"| `{option}` | {markdown(said)} |" for option, said in rows]
            parts.append("\n".join(["| option | |", "|---|---|", *table, ""]))
    return "\n".join(parts)


if __name__ == "__main__":
    Path(__file__).with_name("commands.md").write_text(text(), encoding="utf-8")
