"""The comment line of an extended XYZ frame: ``key=value`` pairs, as programs write them.

The grammar is that of the extended XYZ specification (libAtoms/extxyz), read generously where
ASE and others depart from it: a key without a value is true, an empty value is an empty text, a
bare value runs to the next blank whatever characters it has.
"""

from __future__ import annotations

import json
import re
import zlib
from functools import lru_cache
from typing import Any

import numpy as np

MOST_KEYS = 10_000
"""Keys that a comment line may have."""

QUOTED = r'"(?:[^"\\]|\\.)*"|\'[^\']*\''
BRACKETS = r"\[[^\[\]]*(?:\[[^\[\]]*\][^\[\]]*)*\]|\{[^{}]*\}"
PAIR = re.compile(
    rf"""\s*(?P<key>{QUOTED}|[^\s=]+)
    (?:\s*=(?P<value>{QUOTED}|{BRACKETS}|\S+)(?=\s|$)
      |\s*=(?P<odd>\S+)
      |\s*=\s+(?P<far>(?:{QUOTED}|{BRACKETS}|[^\s=]+)(?=\s|$))(?!\s*=)
      |\s*(?P<empty>=)
    )?""",
    re.VERBOSE,
)

COVERED = re.compile(
    r'\b((?:REF_)?energy|frame_id|Lattice|(?:REF_)?stress|trajectory|temperature)=("[^"]*"|\S+)'
)
_CHECKSUM = re.compile(r"crc32=[0-9a-f]{8}")

_INTEGER = re.compile(r"[+-]?(?:0|[1-9][0-9]{0,17})")
_REAL = re.compile(
    r"[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eEdD][+-]?[0-9]+)?|nan|inf(?:inity)?)", re.IGNORECASE
)
_LOGICAL = {"T": True, "True": True, "true": True, "TRUE": True} | {
    "F": False, "False": False, "false": False, "FALSE": False
}  # fmt: skip

_STARTS = frozenset("+-.0123456789nNiI")
"""What a number begins with."""


def real(text: str) -> float | None:
    """The number that a text stands for, Fortran's exponents included; None if it is no number."""
    if _REAL.fullmatch(text):
        return float(text.replace("D", "E").replace("d", "e"))
    return None


def _scalar(text: str) -> Any:
    """A number, a logical or a text; an integer is exact, or stays a text."""
    if text[:1] not in _STARTS:  # most texts
        return _LOGICAL.get(text, text)
    if text.lstrip("+-").isdigit():
        return int(text) if _INTEGER.fullmatch(text) else text
    value = real(text)
    return _LOGICAL.get(text, text) if value is None else value


def _row(words: list[str]) -> list[Any]:
    return [_scalar(word) for word in words]


def _listed(text: str) -> Any:
    """A list of numbers or logicals, of one or two dimensions; the text itself if it is no list."""
    rows = re.findall(r"\[([^\[\]]*)\]", text[1:-1]) if text.startswith("[[") else None
    words = [re.split(r"[\s,]+", row.strip(" \t,")) for row in rows or [text.strip("[]{}")]]
    values = [_row(row) for row in words]
    plain = all(not isinstance(value, str) for row in values for value in row)
    if not plain or len({len(row) for row in values}) != 1:
        return text
    return np.asarray(values if rows else values[0])


def _json(text: str) -> Any:
    """What ASE writes of an array or a dictionary: an array of numbers, or the text itself."""
    try:
        value = np.asarray(json.loads(text.removeprefix("_JSON")))
    except (ValueError, RecursionError):
        return text
    return value if value.dtype.kind in "ifb" and value.size else text


@lru_cache(1024)  # most values are the same in all frames
def value_of(text: str) -> Any:
    """What a value stands for: a number, a logical, an array of them, or a text."""
    first = text[:1]
    if first in ("[", "{"):
        return _listed(text)
    if first not in ('"', "'") or len(text) < 2:
        return _scalar(text)
    text = re.sub(r'\\(["\\])', r"\1", text[1:-1])
    words = re.split(r"[\s,]+", text.strip())
    if not words[0]:
        return text
    if words[0] == "_JSON":
        return _json(text)
    values = _row(words)
    if len(values) == 1:
        return values[0]
    return text if any(isinstance(value, str) for value in values) else np.asarray(values)


def parse(line: str) -> dict[str, Any]:
    """The keys and values of a comment line; what is None is left out.

    Raises
    ------
    ValueError
        If a key is there twice with different values, or there are more than
        :data:`MOST_KEYS`.
    """
    found: dict[str, Any] = {}
    texts: dict[str, str] = {}
    line = line.strip()
    short = len(line) < 1 << 18
    pairs = PAIR.findall(line) if short else (m.groups("") for m in PAIR.finditer(line))
    for key, value, odd, far, empty in pairs:
        text = value or odd or far or ("" if empty else "T")
        if key[0] in "\"'":
            key = key[1:-1]
        if texts.setdefault(key, text) != text:
            raise ValueError(
                f"the key {key!r} stands twice, as {shown(texts[key])} and as {shown(text)}; "
                "keep the right one"
            )
        if len(texts) > MOST_KEYS:
            raise ValueError(f"the comment line has more than {MOST_KEYS} keys, which no data need")
        if text != "None":
            # eight digits that may all be decimal are no number
            found[key] = text if _CHECKSUM.fullmatch(f"{key}={text}") else value_of(text)
    return found


def checksum(comment: str, rows: bytes | memoryview) -> str:
    """CRC-32 of a frame's numbers, as the last word of its comment line states it.

    It covers the lines of atoms and the values of :data:`COVERED` keys, not units and names.

    Parameters
    ----------
    comment
        The comment line, without the checksum.
    rows
        The lines of atoms, each with its end.
    """
    covered = " ".join("=".join(pair) for pair in COVERED.findall(comment))
    start = zlib.crc32(covered.encode("utf-8", "surrogateescape"))
    return f"crc32={zlib.crc32(rows, start):08x}"


def stated_checksum(comment: str) -> tuple[str, str] | None:
    """The comment line without its checksum, and the checksum; None if it does not end with one.

    One that is not the last word was left behind by a program that rewrote the frame.
    """
    rest, _, last = comment.rstrip().rpartition(" ")
    return (rest, last) if _CHECKSUM.fullmatch(last) else None


def shown(text: str, most: int = 40) -> str:
    """A text for a message: quoted, its control characters spelled out, the end cut off."""
    return repr(text if len(text) <= most else text[:most] + "…")
