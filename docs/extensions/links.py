"""Links of the documents to files outside ``docs``, which are read there and on the site alike.

A file of :data:`PAGES` has a page on the site that includes it, and links lead there.  Any other
file of the repository is offered as a download, by Sphinx itself.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

PAGES = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "docs/README.md": "index.md",
    "examples/README.md": "examples.md",
}
"""Files of the repository, and the pages of the site that have their text."""

LINK = re.compile(r"(?<=\]\()([^)\s:#]+)(#[^)\s]*)?(?=\))")


def for_the_site(text: str, folder: Path, page: Path, docs: Path) -> str:
    """Rewrite the links of a text.

    Parameters
    ----------
    text
        Markdown.
    folder
        The folder that its links are relative to.
    page
        The folder of the page that the text becomes part of.
    docs
        The folder of the documents.
    """

    def rewritten(link: re.Match[str]) -> str:
        target, anchor = link.group(1), link.group(2) or ""
        file = Path(os.path.normpath(folder / target))
        if not file.exists():
            return link.group()
        name = file.relative_to(docs.parent).as_posix()
        if file.is_dir():
            file = file / "README.md"
            name = f"{name}/README.md"
        if name in PAGES:
            file = docs / PAGES[name]
        return os.path.relpath(file, page).replace(os.sep, "/") + anchor

    return LINK.sub(rewritten, text)


def read(app: Any, docname: str, content: list[str]) -> None:
    """Rewrite the links of a page as it is read."""
    folder = Path(app.env.doc2path(docname)).parent
    content[0] = for_the_site(content[0], folder, folder, Path(app.srcdir))


def included(app: Any, path: Path, parent: str, content: list[str]) -> None:
    """Rewrite the links of a file that a page includes."""
    page, docs = Path(app.env.doc2path(parent)).parent, Path(app.srcdir)
    content[0] = for_the_site(content[0], (docs / path).resolve().parent, page, docs)


def setup(app: Any) -> dict[str, bool]:
    """Connect the two functions."""
    app.connect("source-read", read)
    app.connect("include-read", included)
    return {"parallel_read_safe": True}
