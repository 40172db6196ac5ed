"""Build the static site of a board: pages that need nothing but themselves, the same every time."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from teadata.destinations import check_elsewhere
from teadata.errors import DataError, UsageError
from teadata.files import contents, replace_folder, staging
from teadata.output.text import to_csv
from teadata.provenance import DISTRIBUTION, package_version
from teaeval.board.filed import Filed
from teaeval.board.folder import MOST_RECORD, read_bytes
from teaeval.board.pages import page_of, pages
from teaeval.board.reading import open_board, read_entries
from teaeval.board.tasks import EVERY, Line, Task, numbers, tasks_of

if TYPE_CHECKING:
    from jinja2 import Environment

MARK = "board-site.json"
"""The file by which a folder is known to be such a site, that may be replaced."""

OWN = re.compile(
    r"(index|simulations|published|(task|model|dataset)-[a-z0-9-]+)\.html|data|records|"
    + re.escape(MARK)
)
"""The names that a site has in its folder."""


def build(board: Path, output: Path, title: str | None = None) -> list[Path]:
    """Build the site; the one that is there is replaced as a whole, or not at all.

    Parameters
    ----------
    board
        The board.
    output
        A new or empty folder, or one that holds such a site.
    title
        Its heading; by default the board's.

    Returns
    -------
    pages
        The pages that were written.

    Raises
    ------
    UsageError
        If the folder holds something else.
    DataError
        If the board cannot be read, or the site not be written.
    """
    said = open_board(board)
    entries = list(read_entries(board))
    target = Path(os.path.realpath(output))
    _check_output(output, target, board)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with staging(target.parent) as place:
            new = place / "site"
            new.mkdir()
            names = write_site(new, title or said.title, entries)
            replace_folder(new, target, place)
    except OSError as error:
        raise DataError(f"{output}: cannot be written ({error.strerror or error})") from None
    return [output / name for name in names]


def _check_output(output: Path, target: Path, board: Path) -> None:
    """Refuse a folder that holds anything but such a site; ``target`` is where it really is."""
    home = board.resolve()
    if home.is_relative_to(target):
        raise UsageError(f"{output}: holds the board itself; choose another folder")
    if any(target.is_relative_to(home / part) for part in ("entries", "withdrawn")):
        raise UsageError(f"{output}: is a part of the board; choose another folder")
    if not target.exists():
        return
    check_elsewhere(output, target)
    names = contents(target) if target.is_dir() else set()
    if not target.is_dir() or (names and not (target / MARK).is_file()):
        raise UsageError(
            f"{output}: is there, and no site of a board; choose a new or empty folder"
        )
    if strange := sorted(name for name in names if not OWN.fullmatch(name)):
        raise UsageError(
            f"{output}: holds {strange[0]}, which is not of the site and would be lost; move it "
            "away, or choose another folder"
        )


def write_site(new: Path, title: str, entries: Sequence[Filed]) -> list[str]:
    """Write the pages and downloads of some entries into an empty folder; name the pages."""
    tasks = tasks_of(entries)
    environment, shared = _environment()
    shared |= {"board": title, "software": f"{DISTRIBUTION} {package_version()}"}
    names = []
    for name, template, shown in pages(title, entries, tasks):
        text = environment.get_template(template).render(**shared, **shown)
        (new / name).write_text(text, encoding="utf-8")
        names.append(name)
    for folder in ("data", "records"):
        (new / folder).mkdir()
    for item in entries:
        for n in range(len(item.scored)):
            record = read_bytes(item.folder, f"scores/{n}.json", MOST_RECORD)
            (new / "records" / f"{Line(item, n).key}.json").write_bytes(record)
    for task in tasks:
        stem = page_of(task).removesuffix(".html")
        (new / "data" / f"{stem}.csv").write_text(to_csv(list(numbers(task))), encoding="utf-8")
        _json(new / "data" / f"{stem}.json", _downloaded(task))
    _json(new / "data" / "board.json", [_downloaded(task, pairs=False) for task in tasks])
    (new / "data" / "published.csv").write_text(_published(), encoding="utf-8")
    _json(new / MARK, {"layout": "tea-board-site-1", "software": shared["software"]})
    return names


def _json(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _published() -> str:
    from teaeval.published.select import select
    from teaeval.tables.published import flat

    lines = [{"table": name} | line for name in ("si7", "si8") for line in flat(select(name))]
    return to_csv(lines)


def _downloaded(task: Task, pairs: bool = True) -> dict[str, Any]:
    """A task at full precision: the records' numbers, and the tests of all pairs."""
    content: dict[str, Any] = {
        "dataset": task.data.model_dump(),
        "task": task.name,
        "numbers": list(numbers(task)),
    }
    if not pairs:
        return content
    groups = [*task.groups, *([EVERY] if len(task.groups) > 1 else [])]
    content["pairs"] = [
        {
            "group": group,
            "quantity": quantity,
            "measure": measure,
            "first": keys[pair.first],
            "second": keys[pair.second],
            "difference": pair.difference,
            "interval": pair.interval,
            "p": pair.p,
            "holm": pair.holm,
            "needed": pair.needed,
        }
        for group in groups
        if 2 <= len(keys := [task.lines[n].key for n in task.members(group)]) <= MOST_LISTED
        for (quantity, measure), ranking in task.rankings(group).items()
        for pair in ranking.every()
    ]
    return content


MOST_LISTED = 60
"""Predictions of a group whose pairs are all in the download."""


def _asset(name: str) -> str:
    return (files("teaeval.board") / "site" / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    """How a policy names what it allows: by its SHA-256."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _environment() -> tuple[Environment, dict[str, Any]]:
    """Templates that escape all that they are given, and what all pages share."""
    from jinja2 import Environment, FunctionLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=FunctionLoader(_asset), autoescape=True, undefined=StrictUndefined
    )
    environment.filters["embedded"] = _embedded
    environment.globals |= {"table": None, "views": None}
    own = {"css": _asset("board.css"), "script": _asset("board.js"), "viewer": _asset("viewer.js")}
    own["policy"] = (
        f"default-src 'none'; style-src {_hash(own['css'])}; script-src {_hash(own['script'])} "
        f"{_hash(own['viewer'])}; img-src data:; base-uri 'none'; form-action 'none'"
    )
    # the page's own style and scripts, which no submission has a part in
    return environment, {name: Markup(text) for name, text in own.items()}


def _embedded(value: Any) -> Any:
    """JSON in a page: no text in it can end the element that it is in."""
    from markupsafe import Markup

    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)
