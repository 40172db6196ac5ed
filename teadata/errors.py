"""Errors that a user can cause, and a user can mend.

Each says what was expected, what was found, where, and what to do.  The commands print
them without a traceback and end with :attr:`TeaError.exit_status`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class TeaError(Exception):
    """Base of every error raised for a user's mistake or an unusable file."""

    exit_status = 1


class UsageError(TeaError):
    """A command or function was asked for something that does not exist."""

    exit_status = 2


class DataError(TeaError):
    """A file or an array does not hold what it should."""


class MissingExtraError(TeaError):
    """An optional dependency is not installed."""

    def __init__(self, package: str, extra: str, purpose: str) -> None:
        super().__init__(
            f"{purpose} needs the package {package!r}, which is not installed. "
            f"Install it with: python -m pip install 'tea-benchmark[{extra}]' "
            f"(in a checkout: '.[{extra}]')"
        )
        self._arguments = (package, extra, purpose)

    def __reduce__(self) -> tuple[type[MissingExtraError], tuple[str, str, str]]:
        """As the arguments: another process raises it here."""
        return type(self), self._arguments


def unknown_name(kind: str, found: str, known: Iterable[str]) -> UsageError:
    """The error for a name that is not one of the known ones, with the nearest of them.

    Parameters
    ----------
    kind
        What the name names, e.g. ``"subset"``.
    found
        The name that was given.
    known
        The names that exist.
    """
    names = list(known)
    message = f"unknown {kind} {found!r}; expected one of: {', '.join(names)}"
    close = difflib.get_close_matches(found, names, n=1)
    return UsageError(f"{message} (did you mean {close[0]!r}?)" if close else message)
