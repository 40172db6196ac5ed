"""Blocks that no test runs are marked as such: a comment in the source, a line on the site."""

from __future__ import annotations

import re
from typing import Any

SKIP = re.compile(r'^<!--- skip: (next|start) if\(True, reason="([^"]+)"\) -->$', re.MULTILINE)


def visible(text: str) -> str:
    """Turn the comments into lines of text."""

    def line(found: re.Match[str]) -> str:
        what = "This" if found.group(1) == "next" else "These"
        verb = "is" if found.group(1) == "next" else "are"
        return f"{{.not-run}}\n{what} {verb} not run by a test: {found.group(2)}.\n"

    return SKIP.sub(line, text)


def read(_app: Any, _docname: str, content: list[str]) -> None:
    """Do so with a page as it is read."""
    content[0] = visible(content[0])


def setup(app: Any) -> dict[str, bool]:
    """Connect the function."""
    app.connect("source-read", read)
    return {"parallel_read_safe": True}
