"""Commands and groups of commands as the three programs have them."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from typer.core import TyperCommand, TyperGroup


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


def renaming(renamed: Mapping[str, str]) -> type[TyperCommand]:
    """A kind of command that still takes options under the names that they had, and says so."""

    class Renaming(TyperCommand):
        def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
            return super().parse_args(ctx, [_now(part, renamed) for part in args])

    return Renaming


def _now(part: str, renamed: Mapping[str, str]) -> str:
    name, equals, value = part.partition("=")
    if name not in renamed:
        return part
    if sys.stderr is not None:
        sys.stderr.write(f"warning: {name} is called {renamed[name]} now\n")
    return renamed[name] + equals + value
