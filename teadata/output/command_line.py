"""Commands and groups of commands as the three programs have them."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

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
