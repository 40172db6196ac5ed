"""One page for each command, written from the command itself before Sphinx reads the pages."""

from __future__ import annotations

import re
import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from teadata.output.text import markdown

HEAD = """# Commands

Three programs, a page for each of their commands. The pages are made of the commands' own helps:
`COMMAND --help` prints the same. [All of it on one page](../../commands.md) is there too, with the
exit statuses.
"""
ARGUMENT = "argument"


def usage(path: str, command: Any) -> str:
    """The first line of a help: the words of a command and its arguments."""
    arguments = [p.metavar or p.name.upper() for p in command.params
                 if p.param_type_name == ARGUMENT]  # fmt: skip
    return " ".join([path, "[OPTIONS]", *arguments])


def default(parameter: Any) -> str:
    """The default of an option as a help shows it; empty if there is none to show."""
    value = parameter.default
    if not isinstance(value, int | float | str) or isinstance(value, bool) or value == "":
        return ""
    return f" Default: `{value}`." if parameter.param_type_name == "option" else ""


def rows(parameters: list[Any], name: str) -> list[str]:
    """A table of arguments or options."""
    if not parameters:
        return []
    lines = []
    for item in parameters:
        option = item.param_type_name == "option"
        names = (
            [*item.opts, *item.secondary_opts] if option else [item.metavar or item.name.upper()]
        )
        said = markdown(" ".join((item.help or "").split()))
        first = ", ".join(f"`{one}`" for one in names)
        lines.append(f"| {first} | {said}{default(item)} |")
    return [f"## {name}\n", "| name | meaning |", "|---|---|", *lines, ""]


def page(path: str, command: Any) -> str:
    """The page of a command: what it does, usage, arguments, options, an example."""
    said = re.sub(r"[\b\f]", "", command.help or "")
    shown = [p for p in command.params if not getattr(p, "hidden", False)]
    parts = [f"# {path}\n", *(f"{markdown(' '.join(part.split()))}\n"
                              for part in said.split("\n\n") if part.strip())]  # fmt: skip
    parts.append(f"```text\n{usage(path, command)}\n```\n")
    if command.epilog:
        example, *more = command.epilog.split("\n")
        parts.append(f"## Example\n\n```bash\n{example.removeprefix('Example: ')}\n```\n")
        parts += [markdown(line) for line in more if line]
    parts += rows([p for p in shown if p.param_type_name == ARGUMENT], "Arguments")
    parts += rows([p for p in shown if p.param_type_name != ARGUMENT], "Options")
    return "\n".join(parts).rstrip() + "\n"


def pages(docs: Path) -> Iterator[tuple[str, str]]:
    """Name and text of every page, the list of them last."""
    made = runpy.run_path(str(docs / "commands.py"))
    lists = [HEAD]
    for name, app in made["APPS"].items():
        names = []
        for path, command in made["commands"](name, typer.main.get_command(app)):
            names.append(path.replace(" ", "-"))
            yield names[-1], page(path, command)
        lists.append(
            f"```{{toctree}}\n:caption: {name}\n:maxdepth: 1\n\n" + "\n".join(names) + "\n```\n"
        )
    yield "index", "\n".join(lists)


def write(app: Any) -> None:
    """Write the pages that changed, and remove those of commands that are gone."""
    folder = Path(app.srcdir) / "reference" / "commands"
    folder.mkdir(parents=True, exist_ok=True)
    made = {f"{name}.md": text for name, text in pages(Path(app.srcdir))}
    for file in folder.glob("*.md"):
        if file.name not in made:
            file.unlink()
    for name, text in made.items():
        file = folder / name
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            file.write_text(text, encoding="utf-8")


def setup(app: Any) -> dict[str, bool]:
    """Write the pages when the build begins."""
    app.connect("builder-inited", write)
    return {"parallel_read_safe": True}
