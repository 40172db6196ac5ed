"""Comment lines that differ in their values alone, as those of one program's frames do.

The first is parsed; of the others only the values are taken.  A line that would be parsed in
another way has no template.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from teadata.arrays.base import CHECKSUM
from teadata.arrays.extxyz.comment_line import (
    BRACKETS,
    COVERED,
    PAIR,
    QUOTED,
    parse,
    stated_checksum,
)

MOST = 32
"""Templates of one file: more are not worth their while."""

LONGEST = 1 << 16
"""Bytes of a comment line that may be one."""

_KEY = re.compile(r"[A-Za-z_][\w.-]*", re.ASCII)
_BARE = re.compile(r"""[!#-&(-<>-Z^-z|~]+""")  # no quotes, brackets, backslashes, =, blanks
_BARE_GROUP = rb"([!#-&(-<>-Z^-z|~]+)"
_QUOTED = re.compile(r'"[ !#-<>-\[\]-~]*"')  # no quotes, backslashes, =
_QUOTED_GROUP = rb'("[ !#-<>-\[\]-~]*")'
_CLOSED = re.compile(f"{QUOTED}|{BRACKETS}")
_SUM_GROUP = rb"([0-9a-f]{8})"


@dataclass(frozen=True)
class Template:
    """The form of comment lines.

    Parameters
    ----------
    pattern
        Matches a comment line; its groups are values, in quotes where they have them.
    groups : dict of str to int
        Which group has the value of each key that may differ.
    found
        What the line says that the template was made of.
    written
        Whether this package wrote it, see :class:`~teadata.arrays.extxyz.careful.CarefulReader`;
        if so, its last group is the frame's checksum.
    covered
        What the checksum covers, but for the values, and the groups of those.
    """

    pattern: re.Pattern[bytes]
    groups: dict[str, int]
    found: dict[str, Any]
    written: bool | None
    covered: tuple[bytes, tuple[int, ...]]

    def covered_by(self, values: Sequence[bytes]) -> bytes:
        """What a frame's checksum covers of its comment line, from the groups."""
        text, groups = self.covered
        return text % tuple([values[group] for group in groups])


class Templates:
    """The templates of a file's comment lines, made as they are met."""

    def __init__(self) -> None:
        self._made: list[Template] = []

    def match(
        self, data: bytes, start: int, stop: int
    ) -> tuple[Template, tuple[bytes, ...]] | None:
        """The template of a comment line and its groups; None if it has none.

        Parameters
        ----------
        data, start, stop
            A text, and where in it the line is.
        """
        for template in reversed(self._made):
            if (match := template.pattern.fullmatch(data, start, stop)) is not None:
                return template, match.groups()
        if len(self._made) >= MOST or stop - start > LONGEST:
            return None
        if (made := _made_of(data[start:stop])) is None:
            return None
        self._made.append(made)
        match = made.pattern.fullmatch(data, start, stop)
        return None if match is None else (made, match.groups())


def _made_of(line: bytes) -> Template | None:
    """A template of a comment line, if lines of its form can only be parsed as it is."""
    try:
        text = line.decode().strip(" \t")
        found = parse(text)
    except ValueError:  # not UTF-8 either: what is wrong is said by the careful reader
        return None
    stated = stated_checksum(text)
    pattern, groups, spans = [rb"[ \t]*"], dict[str, int](), dict[tuple[int, int], int]()
    end = pairs = 0
    for pair in PAIR.finditer(text):
        key, value = pair["key"], pair["value"]
        last = pair.end("key" if value is None else "value")
        if pair.start() != end or pair.end() != last or not _KEY.fullmatch(key):
            return None  # an empty value, or one in an odd place
        end, pairs = last, pairs + 1
        group = b"" if value is None else _group(key, value, stated is not None)
        if group:
            pattern += [re.escape(text[pair.start() : pair.start("value")].encode()), group]
            groups[key] = spans[pair.span("value")] = len(spans)
        elif value is None or value[0] not in "\"'[{" or _CLOSED.fullmatch(value):
            pattern.append(re.escape(pair[0].encode()))
        else:
            return None
    covered = _covered("" if stated is None else stated[0], spans)
    if end != len(text) or len(found) != pairs or covered is None:
        return None
    written = True if stated else False if f"{CHECKSUM}=" in text else None
    compiled = re.compile(b"".join([*pattern, rb"[ \t]*"]))
    return Template(compiled, groups, found, written, covered)


def _group(key: str, value: str, stated: bool) -> bytes:
    """The pattern of a value that may differ; none if it may not."""
    if key == CHECKSUM:
        return _SUM_GROUP if stated else b""
    if key.lower() == "properties":
        return b""
    if _BARE.fullmatch(value):
        return _BARE_GROUP
    return _QUOTED_GROUP if _QUOTED.fullmatch(value) else b""


def _covered(
    text: str, spans: Mapping[tuple[int, int], int]
) -> tuple[bytes, tuple[int, ...]] | None:
    """What a checksum covers of a comment line, with %b in place of the groups, and the groups.

    None if it covers a part of a group.
    """
    parts, groups = [], []
    for found in COVERED.finditer(text):
        start, stop = found.span(2)
        if (start, stop) in spans:
            parts.append(f"{found[1]}=%b")
            groups.append(spans[start, stop])
        elif any(begin < stop and start < end for begin, end in spans):
            return None
        else:
            parts.append(f"{found[1]}={found[2]}".replace("%", "%%"))
    return " ".join(parts).encode(), tuple(groups)
