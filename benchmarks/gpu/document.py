"""The table of docs/gpu.md, from what was found."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.gpu.pieces import PIECES
from teadata.errors import DataError
from teadata.files import write_text

BEGIN, END = "<!-- what the pieces found: python -m benchmarks.gpu -->", "<!-- end -->"

UNVERIFIED = "smoke on a CPU, unverified on a GPU"


def table(real: dict[str, Any], smoke: dict[str, Any]) -> str:
    """A row for each piece: what is published, what was found, and where.

    What was found on a GPU counts; of a piece that was not run there, what its trial on the CPU
    found, which says so.
    """
    rows = ["| piece | published | found | where |", "|---|---|---|---|"]
    for piece in PIECES:
        record = real.get(piece.name) or smoke.get(piece.name)
        said, where = _cells(record)
        rows.append(f"| `{piece.name}`: {piece.title} | {piece.published} | {said} | {where} |")
    return "\n".join(rows)


def _cells(record: dict[str, Any] | None) -> tuple[str, str]:
    if record is None:
        return "", "not run"
    day = record["finished"].partition("T")[0]
    where = f"{UNVERIFIED}, {day}" if record["smoke"] else f"GPU, {day}"
    if record["status"] != "done":
        return f"failed: {_escaped(record['why'])}", where
    said = _escaped(record["said"])
    if record["smoke"]:  # never to be read as a number of the published networks
        said = f"at reduced size: {said}"
    return said, f"{where}, {record['seconds']:.0f} s"


def _escaped(text: str) -> str:
    """Text that a table's cell can hold."""
    return text.replace("|", "\\|").replace("<", "&lt;")


def rewrite(path: Path, real: dict[str, Any], smoke: dict[str, Any]) -> None:
    """Put the table between its marks in the document, and leave the rest as it is.

    Raises
    ------
    DataError
        If the document does not have the marks.
    """
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise DataError(
            f"{path}: expected the lines {BEGIN} and {END}, between which the table belongs"
        )
    write_text(path, f"{before}{BEGIN}\n\n{table(real, smoke)}\n\n{END}{after}")
