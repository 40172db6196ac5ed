"""What the three commands share: how they start, end, and print."""

from __future__ import annotations

import codecs
import inspect
import io
import json
import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import MISSING, fields, is_dataclass
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

import typer

from teadata.destinations import check_outputs
from teadata.errors import TeaError
from teadata.files import check_output
from teadata.loading import loaded, loading
from teadata.output import command_line, pace, tabular
from teadata.output.tabular import Cell, Column
from teadata.output.text import escape_sequence, inline, visible
from teadata.plugins import PluginWarning

INTERRUPTED = 130
"""Exit status after Ctrl-C, as shells have it."""

MOST_READABLE = 110
"""Longest line of prose."""

Function = TypeVar("Function", bound=Callable[..., Any])


def guarded(command: Function) -> Function:
    """A command that refuses outputs that cannot be written, or would replace an input."""

    @wraps(command)
    def checked(**values: Any) -> Any:
        paths = {name: _paths(value) for name, value in values.items()}
        outputs = paths.pop("output", [])
        check_outputs(outputs, [path for some in paths.values() for path in some])
        if outputs and not _makes_folder(command):
            for path in outputs:
                check_output(path)
        loaded()
        try:
            return command(**values)
        except KeyboardInterrupt:
            kept = _KEPT[-1] if _KEPT else "what was not finished is not kept; repeat the command"
            _KEPT.clear()
            say(f"interrupted: {kept}", err=True)
            raise typer.Exit(INTERRUPTED) from None

    return checked  # type: ignore[return-value]


def _makes_folder(command: Callable[..., Any]) -> bool:
    """Whether what a command calls --output is a folder, and made if need be."""
    said = get_type_hints(command, include_extras=True)["output"].__metadata__
    return any(getattr(item, "file_okay", True) is False for item in said)


_KEPT: list[str] = []


@contextmanager
def keeping(what: str) -> Iterator[None]:
    """Say, if Ctrl-C ends what is done here, what is kept and which command goes on."""
    _KEPT.append(what)
    try:
        yield
    except KeyboardInterrupt:
        raise
    except BaseException:
        _KEPT.pop()
        raise
    else:
        _KEPT.pop()


def _paths(value: Any) -> list[Path]:
    """The paths that an option or argument has."""
    several = value if isinstance(value, list | tuple) else [value]
    return [Path(item) for item in several if isinstance(item, os.PathLike)]


class App(typer.Typer):
    """A Typer application, or a group of commands in one, with the project's conventions."""

    def __init__(
        self,
        help_text: str,
        cls: type[command_line.Group] = command_line.Group,
        *,
        completion: bool = False,
    ) -> None:
        super().__init__(
            cls=cls,
            help=help_text,
            no_args_is_help=True,
            add_completion=completion,
            pretty_exceptions_enable=False,
            rich_markup_mode=None,
            context_settings={"help_option_names": ["-h", "--help"]},
        )

    def command(
        self,
        name: str | None = None,
        *,
        renamed: Mapping[str, str | command_line.Renamed] | None = None,
        **options: Any,
    ) -> Callable[[Function], Function]:
        """Add a command, :func:`guarded`; ``renamed`` are new names of options by the old ones."""
        if renamed:
            options["cls"] = command_line.renaming(renamed)
        add = super().command(name, **options)

        def added(command: Function) -> Function:
            add(guarded(command))
            return command

        return added


def new_app(help_text: str) -> App:
    """An application with ``--version``."""
    app = App(help_text, completion=True)

    def show_version(wanted: bool) -> None:
        if wanted:
            from teadata.provenance import DISTRIBUTION, package_version

            say(f"{DISTRIBUTION} {package_version()}")
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


def run(app: typer.Typer, told: Callable[[TeaError], str] = TeaError.told) -> None:
    """Run a command line; a user's mistake ends in one message and its exit status.

    Parameters
    ----------
    app
        The application.
    told
        Gives the text of an error, e.g. with the command that goes on.
    """
    # Pydantic would look through every installed distribution for plugins.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    sys.unraisablehook = _interrupt_again
    warnings.showwarning = _plugin_warnings(warnings.showwarning)
    codecs.register_error("tea-escape", _instead)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="tea-escape")
    try:
        try:
            with loading():  # until the command begins
                command_line.narrowed(app, sys.argv[1:])()
        finally:
            if sys.stdout is not None:
                sys.stdout.flush()
    except TeaError as error:
        _fail(told(error), error.exit_status)
    except BrokenPipeError:  # whoever read the output has enough of it
        _give_up_printing()
        sys.exit(1)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        if not where:
            _give_up_printing()
        wrong_path = isinstance(error, (FileNotFoundError, NotADirectoryError, IsADirectoryError))
        _fail(f"{where}{error.strerror or error}", 2 if where and wrong_path else 1)
    except MemoryError:
        _fail("there is not enough memory for this", 1)
    except RecursionError:
        _fail("something that was read is nested too deeply", 1)


def _plugin_warnings(usual: Callable[..., None]) -> Callable[..., None]:
    """What shows warnings: those of plugins on one line, all others as usual."""

    def show(message: Warning | str, category: type[Warning], *rest: Any, **further: Any) -> None:
        if issubclass(category, PluginWarning):
            say(f"warning: {inline(str(message))}", err=True)
        else:
            usual(message, category, *rest, **further)

    return show


def _give_up_printing() -> None:
    """Let what is still to be printed go nowhere: Python would try again at its end."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _fail(message: str, status: int) -> None:
    for argument in sys.argv[1:]:  # a name of several lines is still one name
        message = message.replace(argument, inline(argument)) if argument else message
    say(f"error: {message}", err=True)
    sys.exit(status)


def _instead(error: UnicodeError) -> tuple[str, int]:
    """What is written for characters that the output's encoding lacks."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return escape_sequence(error.object[error.start : error.end]), error.end


def say(text: str = "", *, err: bool = False, nl: bool = True) -> None:
    """Print text; what a terminal would obey and a reader not see is written out."""
    print(visible(text), end="\n" if nl else "", file=sys.stderr if err else sys.stdout)


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
    say(json.dumps(value, indent=2, ensure_ascii=False))


def print_table(
    columns: Sequence[str],
    rows: Iterable[Sequence[str]],
    title: str | None = None,
    right: Sequence[str] = (),
) -> None:
    """Print a table, as wide as the output, see :func:`teadata.output.tabular.lay_out`.

    Parameters
    ----------
    columns
        Headings.
    rows
        Cells, as text.
    title
        Line above the table.
    right
        Headings of the columns to align to the right.  Those before the first of them name the
        rows: a table that is cut into blocks repeats them in each.
    """
    names = next((i for i, column in enumerate(columns) if column in right), len(columns))
    print_lines(
        [] if title is None else [inline(title)],
        [Column(visible(column), right=column in right) for column in columns],
        [[Cell(inline(cell)) for cell in row] for row in rows],
        stubs=max(names, 1),
    )


def print_lines(
    above: Sequence[str],
    columns: Sequence[Column],
    rows: Sequence[Sequence[Cell] | None],
    stubs: int = 1,
) -> None:
    """Print lines and a table below them, see :func:`teadata.output.tabular.lay_out`."""
    bold = not tabular.plain()
    lines = tabular.lay_out(columns, rows, tabular.output_width(), stubs=stubs, bold=bold)
    _put([*above, *lines, ""])


def print_fields(fields: Mapping[str, str]) -> None:
    """Print names and values in two columns, the values wrapped at spaces."""
    width = min(tabular.output_width(), MOST_READABLE)
    columns = [Column(inline(name)) for name in fields]
    row = [Cell(inline(value)) for value in fields.values()]
    _put(tabular.stacked(columns, [row], width))


def _put(lines: Sequence[str]) -> None:
    """Print lines that may hold escape sequences of ours."""
    if sys.stdout is not None:
        sys.stdout.write("".join(f"{line}\n" for line in lines))


@contextmanager
def progress_bar() -> Iterator[Callable[[str, int, int], None]]:
    """A progress bar on the standard error; where that is no terminal, a line now and then.

    It is told what is being done, how much of it is done, and how much there is.  The bar of work
    that is done is full; one that an error or Ctrl-C ends stays where it was.
    """
    if sys.stderr is None or not sys.stderr.isatty():
        yield pace.Lines(lambda text: say(inline(text), err=True))
        return
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
        TextColumn("{task.description}", markup=False),
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
                description=inline(description),
                completed=done,
                total=total,
                visible=True,
                refresh=True,
            )

        yield report
        if stage.total is not None:  # it is done, if the last step was not told, too
            bars.update(task, completed=stage.total, refresh=True)
