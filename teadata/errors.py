"""Errors that a user can cause and mend.

Each says what was expected, what was found, where, and what to do.  The commands print
them without a traceback and end with :attr:`TeaError.exit_status`.
"""

from __future__ import annotations

import difflib
import os
import shlex
import shutil
import sys
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import TypeVar, cast

Given = TypeVar("Given")


class TeaError(Exception):
    """Base of every error raised for a user's mistake or an unusable file."""

    exit_status = 1

    def told(self) -> str:
        """The error as a command prints it."""
        return str(self)


class UsageError(TeaError):
    """A command or function was asked for something that does not exist."""

    exit_status = 2


class DataError(TeaError):
    """A file or an array does not hold what it should."""


Raised = TypeVar("Raised", bound=TeaError)


def restated(error: Raised, message: str) -> Raised:
    """The same kind of error with another message, whatever arguments its class takes.

    Parameters
    ----------
    error
        The error.
    message
        What it is to say.
    """
    kind = type(error)
    again = kind.__new__(kind, message)
    vars(again).update(vars(error))
    return again


class IncompleteError(UsageError):
    """Something was not said that only the caller knows.

    Parameters
    ----------
    message
        What is missing, and how to say it.
    options
        What to add to the command, word by word; empty where no command is known to work.
    """

    def __init__(self, message: str, options: Iterable[str] = ()) -> None:
        super().__init__(message)
        self.options = tuple(options)


class EmptyFileError(DataError):
    """A file has no bytes."""


class PathError(DataError):
    """A path that was given leads to no file, or to something else than a file."""

    exit_status = 2


NEWEST_PYTHON = {"gap": (3, 13), "pace": (3, 13), "physnet": (3, 13)}
"""Newest Python for which an extra's backend had a released wheel at the time of this release.

An extra that is not listed installs on every Python that the core does.
"""


def install_command(extras: str, package: str = "") -> str:
    """The command that installs extras here, in this checkout or of this package; or a package.

    Parameters
    ----------
    extras
        Names, with commas between them; empty for what no extra brings.
    package
        What is installed then.
    """
    found = shutil.which("python")
    same = found is not None and Path(found).parent == Path(sys.executable).parent
    python = "python" if same or not sys.executable else sys.executable
    checkout = Path(__file__).resolve().parent.parent
    what = ["-e", f"{checkout}[{extras}]"] if _is_ours(checkout) else [f"tea-benchmark[{extras}]"]
    if not extras:
        what = [package]
    return shlex.join([python, "-m", "pip", "install", *what])


def _is_ours(folder: Path) -> bool:
    """Whether a folder is a checkout of this package."""
    try:
        return 'name = "tea-benchmark"' in (folder / "pyproject.toml").read_text(encoding="utf-8")
    except OSError:
        return False


class MissingExtraError(TeaError):
    """An optional dependency is not installed."""

    def __init__(self, package: str, extra: str, purpose: str) -> None:
        message = (
            f"{purpose} needs the package {package!r}, which is not installed. "
            f"Install it with: {install_command(extra, package)}"
        )
        newest = NEWEST_PYTHON.get(extra, sys.version_info[:2])
        if newest < sys.version_info[:2]:
            message += (
                f". When this version was released, its backend had no wheel for Python "
                f"{sys.version_info[0]}.{sys.version_info[1]}: use Python "
                f"{newest[0]}.{newest[1]} if the installation fails"
            )
        super().__init__(message)
        self._arguments = (package, extra, purpose)

    def __reduce__(self) -> tuple[type[MissingExtraError], tuple[str, str, str]]:
        """As the arguments: another process raises it here."""
        return type(self), self._arguments


def unknown_suffix(path: object, suffix: str, known: Iterable[str]) -> UsageError:
    """Make the error for a file whose suffix says nothing; only a slip suggests another.

    Parameters
    ----------
    path
        The file.
    suffix
        Its suffix, perhaps of two parts; empty if it has none.
    known
        The suffixes, or whole names, that say what a file is.
    """
    names = list(known)
    expected = f"expected one of: {', '.join(names)}"
    if not suffix:
        return UsageError(f"{path}: has no suffix, which says what is in a file; {expected}")
    message = f"{path}: unknown file suffix {suffix!r}; {expected}"
    close = difflib.get_close_matches(suffix, names, n=1, cutoff=0.7)
    return UsageError(f"{message} (did you mean {close[0]!r}?)" if close else message)


def expect(value: object, kinds: type | tuple[type, ...], what: str) -> None:
    """Refuse an argument of another type than it should be, in a sentence.

    Parameters
    ----------
    value
        What was given.
    kinds
        What it may be an instance of.
    what
        What is expected, e.g. ``"the id of a dataset"``.

    Raises
    ------
    UsageError
        If it is something else.
    """
    if not isinstance(value, kinds):
        raise UsageError(f"expected {what}, found {type(value).__name__} {value!r:.60}")


def expect_several(given: Given | Iterable[Given], kind: type[Given], what: str) -> list[Given]:
    """A list of what was given: one thing, or those of a list; see :func:`expect`."""
    if isinstance(given, kind):
        return [given]
    # A text can be iterated over, and so can a record, whose fields are not what is meant.
    if isinstance(given, str) or not isinstance(given, Collection | Iterator):
        expect(given, kind, what)
    items = list(cast("Iterable[Given]", given))
    for item in items:
        expect(item, kind, what)
    return items


def expect_path(value: object, what: str) -> Path:
    """The path of a file or folder that was given as a text or path; see :func:`expect`."""
    expect(value, (str, os.PathLike), what)
    return Path(cast("str | os.PathLike[str]", value))


MOST_NAMES, NEAREST = 20, 6
"""Of more names than the first number, only so many are named: the nearest."""


def unknown_name(kind: str, found: str, known: Iterable[str], command: str = "") -> UsageError:
    """Make the error for an unknown name, which suggests the nearest known one.

    Parameters
    ----------
    kind
        What the name names, e.g. ``"subset"``.
    found
        The name that was given.
    known
        The names that exist.
    command
        What lists them; it is said where there are too many of them to name all.
    """
    names = candidates = list(known)
    expected = f"one of: {', '.join(names)}"
    if len(names) > MOST_NAMES:
        nearest = _nearest(found, names)
        expected = f"one of {len(names)}, such as {', '.join(nearest)}"
        expected += f"; `{command}` lists all" if command else ""
        candidates = nearest[:1]
    expect(found, str, f"a text that names a {kind}, {expected}")
    message = f"unknown {kind} {found!r}; expected {expected}"
    same = [name for name in names if name.casefold() == found.casefold()]
    close = same or difflib.get_close_matches(found, candidates, n=1)
    return UsageError(f"{message} (did you mean {close[0]!r}?)" if close else message)


def _nearest(found: object, names: list[str]) -> list[str]:
    """The names that are most like what was given, those that contain it first."""
    text = found.casefold() if isinstance(found, str) else ""

    def likeness(name: str) -> tuple[bool, float]:
        plain = name.casefold()
        return text in plain, difflib.SequenceMatcher(None, plain, text).ratio()

    return sorted(dict.fromkeys(names), key=likeness, reverse=True)[:NEAREST]
