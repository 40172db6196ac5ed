"""What the three commands share: how they start, end, and print."""

from __future__ import annotations

import inspect
import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import MISSING, fields, is_dataclass
from functools import wraps
from typing import Any, get_type_hints

import typer

from teadata.errors import TeaError


def new_app(help_text: str) -> typer.Typer:
    """A Typer application with the project's conventions and ``--version``."""
    app = typer.Typer(
        help=help_text,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )

    def show_version(wanted: bool) -> None:
        if wanted:
            from teadata.provenance import DISTRIBUTION, package_version

            typer.echo(f"{DISTRIBUTION} {package_version()}")
            raise typer.Exit

    @app.callback()
    def options(
        version: bool = typer.Option(
            False, "--version", callback=show_version, is_eager=True, help="Print the version."
        ),
    ) -> None:
        pass

    return app


def grouped(command: Callable[..., None]) -> Callable[..., None]:
    """Let a command take its options in dataclasses.

    A parameter that is a dataclass stands for its fields: each of them is an argument or an option
    of the command, with the field's annotation and default.
    """
    hints = get_type_hints(command, include_extras=True)
    groups: dict[str, type] = {}
    flat = []
    for name, parameter in inspect.signature(command).parameters.items():
        if is_dataclass(hints[name]):
            groups[name] = hints[name]
            flat += _options_of(hints[name])
        else:
            flat.append(
                parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY, annotation=hints[name])
            )

    @wraps(command)
    def ungrouped(**values: Any) -> None:
        for name, group in groups.items():
            values[name] = group(**{field.name: values.pop(field.name) for field in fields(group)})
        command(**values)

    ungrouped.__signature__ = inspect.Signature(flat)  # type: ignore[attr-defined]
    ungrouped.__annotations__ = {parameter.name: parameter.annotation for parameter in flat}
    return ungrouped


def _options_of(group: Any) -> list[inspect.Parameter]:
    """The parameters that a command has of a dataclass."""
    hints = get_type_hints(group, include_extras=True)
    return [
        inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if field.default is MISSING else field.default,
            annotation=hints[field.name],
        )
        for field in fields(group)
    ]


def run(app: typer.Typer) -> None:
    """Run a command line; a user's mistake ends in one message and its exit status."""
    sys.unraisablehook = _interrupt_again
    try:
        app()
    except TeaError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(error.exit_status)


def _interrupt_again(unraisable: sys.UnraisableHookArgs) -> None:
    """Send Ctrl-C again if Python lost it.

    It forgets an exception that a finaliser, a callback of a weak reference (imports have
    some) or a hook around a fork raises, and the command would go on.
    """
    if not issubclass(unraisable.exc_type, KeyboardInterrupt):
        sys.__unraisablehook__(unraisable)
    elif not sys.is_finalizing():
        threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT)).start()


def print_json(value: Any) -> None:
    """Print a JSON document."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))


def print_table(
    columns: Sequence[str],
    rows: Iterable[Sequence[str]],
    title: str | None = None,
    right: Sequence[str] = (),
) -> None:
    """Print a table, as wide as it needs to be when the output is not a terminal.

    Parameters
    ----------
    columns
        Headings.
    rows
        Cells, as text.
    title
        Line above the table.
    right
        Headings of the columns to align to the right.
    """
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title, box=SIMPLE_HEAD, title_justify="left", pad_edge=False)
    for column in columns:
        table.add_column(column, justify="right" if column in right else "left")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=200)
    console.print(table)


def print_fields(fields: Mapping[str, str]) -> None:
    """Print names and values in two columns, the values folded to the terminal's width."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bold")
    grid.add_column(overflow="fold")
    for name, value in fields.items():
        grid.add_row(name, Text(value))
    console = Console(highlight=False)
    if not console.is_terminal or console.width > 110:
        console = Console(highlight=False, width=110)
    console.print(grid)


@contextmanager
def progress_bar() -> Iterator[Callable[[str, int, int], None]]:
    """A progress bar on the standard error; nothing where that is not a terminal.

    It is told what is being done, how much of it is done, and how much there is.
    """
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    # No refresh thread: backends fork worker processes.
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed}/{task.total}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(elapsed_when_finished=False),
        console=Console(stderr=True),
        auto_refresh=False,
    ) as bars:
        task = bars.add_task("", total=None, visible=False)
        stage = bars.tasks[0]

        def report(description: str, done: int, total: int) -> None:
            if stage.total != total or done < stage.completed:  # another stage, another speed
                bars.reset(task, total=total)
            bars.update(
                task,
                description=description,
                completed=done,
                total=total,
                visible=True,
                refresh=True,
            )

        yield report
