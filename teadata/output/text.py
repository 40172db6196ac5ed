"""Texts that others chose, such as names of models and files, made harmless where they are shown.

A name may hold what a terminal obeys, what turns the direction of writing, or what HTML,
Markdown, LaTeX or a spreadsheet takes for its own.  Each form of output has one function here.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from typing import Any

UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # control characters but for tab and line feed
    "\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"  # direction, joining, half a character, tags
)
"""Characters that are not seen but change what is."""

BREAKS = re.compile("[\t\n]")
"""The characters of :data:`UNSEEN`'s kind that a text of several lines needs."""

MARKDOWN = re.compile(r"[\\`*\[\]|]|(?<![^\W_])_|_(?![^\W_])|^[#>+-](?=\s)")
"""What Markdown takes for its own."""

FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
"""How cells begin that a spreadsheet computes; some read the full-width ones, too."""

LATEX = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "&": r"\&",
    "%": r"\%",
    "_": r"\_",
    "#": r"\#",
    "$": r"\$",
    "^": r"\^{}",
    "~": r"\~{}",
    "->": r"$\to$",
    "–": "--",
    "Å": r"\AA{}",
    "×": r"$\times$",
    "−": "$-$",
}
"""What stands for something else in LaTeX."""

SPECIAL = re.compile("|".join(map(re.escape, sorted(LATEX, key=len, reverse=True))))


def _escaped(found: re.Match[str]) -> str:
    r"""A character as JSON writes it, ``\u001b``: a JSON document stays what it is."""
    return escape_sequence(found.group())


def escape_sequence(text: str) -> str:
    r"""Characters as JSON's escape sequences, ``\u001b``."""
    units = text.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i : i + 2].hex()}" for i in range(0, len(units), 2))


def visible(text: str) -> str:
    """A text of one line or more for a terminal: what would not be seen is written out."""
    return UNSEEN.sub(_escaped, text)


def inline(text: str) -> str:
    """A name that stays on its line: tabs and line feeds are written out, too."""
    return BREAKS.sub(_escaped, visible(text))


def markdown(text: str) -> str:
    """A name in Markdown, in a table or outside: no markup, no HTML."""
    marked = MARKDOWN.sub(lambda found: "\\" + found.group(), inline(text))
    return re.sub(r"&(?=#?\w+;)", "&amp;", marked).replace("<", "&lt;")


def latex(text: str) -> str:
    """A name in LaTeX."""
    return SPECIAL.sub(lambda found: LATEX[found.group()], inline(text))


def html(text: str) -> str:
    """A name in HTML, between tags or in the quotes of an attribute."""
    import html as standard  # its table of entities takes a millisecond to load

    return standard.escape(visible(text))


def to_csv(entries: Sequence[Mapping[str, Any]]) -> str:
    """Entries of the same fields as CSV; no cell is a formula to a spreadsheet."""
    import csv

    stream = io.StringIO()
    writer = csv.DictWriter(stream, list(entries[0]), lineterminator="\n")
    writer.writeheader()
    for entry in entries:
        writer.writerow({name: _cell(value) for name, value in entry.items()})
    return stream.getvalue()


def _cell(value: Any) -> Any:
    """A text that a spreadsheet would compute has an apostrophe before it; numbers stay."""
    if not isinstance(value, str):
        return value
    text = inline(value)
    return f"'{text}" if text.lstrip().startswith(FORMULA) else text
