"""Commands and groups of commands as the three programs have them."""

from __future__ import annotations

import copy
import itertools
import os
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup, TyperOption

from teadata import plugins


class Group(TyperGroup):
    """A group of commands: its help has the whole first sentence of each, and is no mistake."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help; nothing in it is cut."""
        for command in self.commands.values():
            command.short_help = command.short_help or (command.help or "").split("\n\n")[0]
        super().format_help(ctx, formatter)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Show the help, with status 0, where nothing else was asked for."""
        if not args and not ctx.resilient_parsing:
            if sys.stdout is not None:
                sys.stdout.write(f"{ctx.get_help()}\n")
            ctx.exit(0)
        return super().parse_args(ctx, args)


def naming(group: str, what: str) -> type[Group]:
    """A group of commands whose help ends with the names of a group of plugins."""

    class Naming(Group):
        def format_epilog(self, ctx: Any, formatter: Any) -> None:
            """Write them; none of them is imported."""
            super().format_epilog(ctx, formatter)
            formatter.write_paragraph()
            formatter.write_text(f"{what}: {', '.join(plugins.names(group)) or 'none'}.")

    return Naming


HELP: tuple[list[str], ...] = ([], ["-h"], ["--help"], ["--version"])
"""Command lines that look at no command's options."""


def narrowed(app: typer.Typer, arguments: Sequence[str]) -> typer.Typer:
    """Leave out what a command line has no use for: Typer builds every option of every command.

    Parameters
    ----------
    app
        The application.
    arguments
        What follows the program's name.

    Returns
    -------
    typer.Typer
        The application with the one command or group that is called; for its help with all of
        them, but without their options; else the application as it is.
    """
    if any(name.startswith("_") and name.endswith("_COMPLETE") for name in os.environ):
        return app  # a shell asks for names
    commands, groups = list(app.registered_commands), list(app.registered_groups)
    if list(arguments) in HELP:
        commands = [_without_options(item) for item in commands]
        groups = [copy.copy(item) for item in groups]
        for group in groups:
            if group.typer_instance is not None:
                group.typer_instance = _with(group.typer_instance, [], [])
    else:
        wanted = arguments[0]
        commands = [item for item in commands if _name(item) == wanted]
        groups = [item for item in groups if item.name == wanted]
        if len(commands) + len(groups) != 1:
            return app
    return _with(app, commands, groups)


def _with(app: typer.Typer, commands: list[Any], groups: list[Any]) -> typer.Typer:
    """An application with other commands and groups."""
    other = copy.copy(app)
    other.registered_commands, other.registered_groups = commands, groups
    return other


def _name(command: Any) -> str:
    """What a command is called."""
    return str(command.name or command.callback.__name__.replace("_", "-"))


def _without_options(command: Any) -> Any:
    """A command of the same name and help."""

    def nothing() -> None:
        pass

    nothing.__doc__ = command.callback.__doc__
    other = copy.copy(command)
    other.name, other.callback = _name(command), nothing
    return other


@dataclass(frozen=True)
class Renamed:
    """What an option is called now.

    Parameters
    ----------
    name
        Its new name.
    value
        The only value that the old one had, if the new one is a flag.
    unless
        Options beside which the old name is no old name: it means something else now.
    """

    name: str
    value: str | None = None
    unless: tuple[str, ...] = ()


def renaming(renamed: Mapping[str, str | Renamed]) -> type[TyperCommand]:
    """A kind of command that still takes options under the names that they had, and says so.

    Parameters
    ----------
    renamed
        New names by the old ones, which no help shows.
    """
    news = {old: new if isinstance(new, Renamed) else Renamed(new) for old, new in renamed.items()}

    class Renaming(TyperCommand):
        def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
            options = [p for p in self.get_params(ctx) if isinstance(p, TyperOption)]
            valued = {name for p in options if not p.is_flag for name in p.opts}
            valued |= {old for old, new in news.items() if new.name in valued or new.value}
            return super().parse_args(ctx, list(_renamed(list(_pieces(args, valued)), news)))

    return Renaming


def _pieces(args: Sequence[str], valued: Collection[str]) -> Iterator[list[str]]:
    """Each option with its value, and each argument; from ``--`` on all is one piece."""
    rest = iter(args)
    for part in rest:
        if part == "--":
            yield [part, *rest]
            return
        yield [part, *itertools.islice(rest, part in valued)]


def _renamed(pieces: Sequence[list[str]], news: Mapping[str, Renamed]) -> Iterator[str]:
    """The parts of a command line, its options under their new names."""
    given = {piece[0].partition("=")[0] for piece in pieces}
    for piece in pieces:
        old, equals, value = piece[0].partition("=")
        new = news.get(old)
        if new is None or given.intersection(new.unless):
            yield from piece
        elif new.value is None:
            _say(old, new.name)
            yield new.name + equals + value
            yield from piece[1:]
        elif new.value in (value, *piece[1:]):
            _say(f"{old} {new.value}", new.name)
            yield new.name
        else:
            yield from piece


def _say(old: str, new: str) -> None:
    if sys.stderr is not None:
        sys.stderr.write(
            f"warning: {old} is called {new} now; the old name works in this release only\n"
        )
