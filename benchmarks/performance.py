"""The tables of docs/performance.md, from one run: ``python benchmarks/performance.py``.

Runs the benchmarks that benchmarks/performance.yaml names, peers and limits in the same run, keeps
what they took in benchmarks/performance.json, and writes the tables of the page.

    python benchmarks/performance.py                   # all of them; make bench
    python benchmarks/performance.py test_formats.py   # those of one file; others stay as they are
    python benchmarks/performance.py --page            # only writes the page, from what is kept
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import Field

from baselines.runs.record import hardware, versions
from teadata.files import write_text
from teadata.schema import StrictModel

HERE = Path(__file__).parent
ROWS = HERE / "performance.yaml"
RECORD = HERE / "performance.json"
PAGE = HERE.parent / "docs" / "performance.md"

BEGIN, END = "<!-- measured: make bench -->", "<!-- end of measured -->"

HEAD = (
    "| what | here | beside | there | ratio | what stands between |",
    "|---|--:|---|--:|--:|---|",
)

PACKAGES = [
    "numpy", "h5py", "pyarrow", "ase", "torch", "jax", "tensorflow-cpu", "mace-torch", "sgdml",
    "quippy-ase", "numba",
]  # fmt: skip
"""Those whose versions are kept, if they are installed."""


class Beside(StrictModel):
    """A peer or a limit: its benchmark, its name, and what stands between it and ours."""

    of: str
    called: str
    between: str


class Row(StrictModel):
    """What is measured, and beside what."""

    what: str
    ours: str
    show: Literal["time", "µs/atom", "loop"] = "time"
    atoms: int | None = None
    beside: list[Beside]

    @property
    def tests(self) -> list[str]:
        """The benchmarks that the row needs."""
        return [self.ours, *(one.of for one in self.beside)]


class Table(StrictModel):
    """A table of the page."""

    title: str
    rows: list[Row]


class Took(StrictModel):
    """What a benchmark took: the median of its rounds in seconds, and what else it says."""

    seconds: float
    rounds: int
    loop: float | None = None
    run: str


class Run(StrictModel):
    """When and where benchmarks were run; load is that of the machine, before and after."""

    begun: str
    seconds: float
    load: tuple[float, float]
    hardware: dict[str, str]
    versions: dict[str, str]


class Record(StrictModel):
    """What was measured: runs by their names, benchmarks by file::test."""

    runs: dict[str, Run] = Field(default_factory=dict)
    took: dict[str, Took] = Field(default_factory=dict)


def tables() -> list[Table]:
    """The tables of the page, without numbers."""
    return [Table.model_validate(item) for item in yaml.safe_load(ROWS.read_text("utf-8"))]


def recorded() -> Record:
    """What is kept of earlier runs."""
    if not RECORD.is_file():
        return Record()
    return Record.model_validate_json(RECORD.read_text("utf-8"))


def measure(tests: list[str], kept: Record) -> tuple[Record, bool]:
    """Run benchmarks, and put what they took in place of what was kept of them.

    Returns
    -------
    The record, and whether all of them passed.
    """
    begun, before = datetime.now(UTC), os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder:
        found = Path(folder) / "found.json"
        command = [
            sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--timeout=900",
            f"--benchmark-json={found}", *(str(HERE / test) for test in tests),
        ]  # fmt: skip
        passed = subprocess.run(command, cwd=HERE.parent, check=False).returncode == 0
        content = json.loads(found.read_text()) if found.is_file() and found.stat().st_size else {}
    run = Run(
        begun=begun.isoformat(timespec="minutes"),
        seconds=round((datetime.now(UTC) - begun).total_seconds(), 1),
        load=(round(before, 2), round(os.getloadavg()[0], 2)),
        hardware=hardware(),
        versions=versions(PACKAGES),
    )
    name = run.begun
    took = kept.took | {
        Path(item["fullname"]).name: Took(
            seconds=float(f"{item['stats']['median']:.4g}"),
            rounds=item["stats"]["rounds"],
            loop=item["extra_info"].get("loop over calculator"),
            run=name,
        )
        for item in content.get("benchmarks", [])
    }
    runs = kept.runs | {name: run}
    used = {one.run for one in took.values()}
    return Record(runs={key: runs[key] for key in sorted(used)}, took=took), passed


def filled(page: str, record: Record) -> str:
    """The page with its tables made of a record.

    Raises
    ------
    ValueError
        If the page does not have the one place where they belong.
    """
    pattern = re.compile(f"{re.escape(BEGIN)}.*?{re.escape(END)}", re.DOTALL)
    text, times = pattern.subn(lambda _: f"{BEGIN}\n\n{measured(record)}\n\n{END}", page)
    if times != 1:
        raise ValueError(f"the page has {times} places for what was measured, expected one")
    return text


def measured(record: Record) -> str:
    """All tables, and where and when they were measured."""
    parts, missing, runs = [], [], set()
    for table in tables():
        lines = []
        for row in table.rows:
            names = {record.took[test].run if test in record.took else "" for test in row.tests}
            if len(names) == 1 and "" not in names:  # a ratio is one of one run
                lines += _lines(row, record)
                runs |= names
            else:
                missing.append(row.what)
        if lines:
            parts.append("\n".join([f"**{table.title}**", "", *HEAD, *lines]))
    parts += [_where(record.runs[name]) for name in sorted(runs)]
    if missing:
        parts.append(f"Not measured together with what belongs beside it: {'; '.join(missing)}.")
    return "\n\n".join(parts)


def _lines(row: Row, record: Record) -> list[str]:
    ours = record.took[row.ours]
    lines = []
    for n, one in enumerate(row.beside):
        there = record.took[one.of]
        first = [row.what, _shown(row, ours)] if n == 0 else ["", ""]
        cells = [*first, one.called, _shown(row, there), _ratio(row, ours, there), one.between]
        lines.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    return lines


def _shown(row: Row, took: Took) -> str:
    if row.show == "loop":
        assert took.loop is not None
        return f"{took.loop:.1%}".replace("%", " %")
    if row.show == "µs/atom":
        assert row.atoms
        return f"{took.seconds / row.atoms * 1e6:.3g} µs/atom"
    for unit, factor in (("s", 1.0), ("ms", 1e3), ("µs", 1e6)):
        if took.seconds * factor >= 1:
            return f"{took.seconds * factor:.3g} {unit}"
    return f"{took.seconds * 1e9:.3g} ns"


def _ratio(row: Row, ours: Took, there: Took) -> str:
    pair = (ours.loop, there.loop) if row.show == "loop" else (ours.seconds, there.seconds)
    if pair[0] is None or not pair[1]:
        return ""
    ratio = pair[0] / pair[1]
    return f"{ratio:.0f}" if ratio >= 10 else f"{ratio:.2g}"


def _where(run: Run) -> str:
    machine = run.hardware
    packages = ", ".join(f"{name} {version}" for name, version in run.versions.items())
    when = run.begun.replace("T", " ").replace("+00:00", " UTC")
    return (
        f"`make bench` at {when}, {run.seconds:.0f} s, on {machine['processor']}, cores: "
        f"{machine['cores']}, {machine.get('memory', '?')} of memory. Load average "
        f"{run.load[0]:g} before and {run.load[1]:g} after. {packages}."
    )


def main(arguments: list[str] | None = None) -> int:
    """Measure, keep, write; the exit status is 1 if a benchmark failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="*", help="files of benchmarks; default: all")
    parser.add_argument("--page", action="store_true", help="only write the page")
    options = parser.parse_args(arguments)
    record, passed = recorded(), True
    if not options.page:
        tests = [test for table in tables() for row in table.rows for test in row.tests]
        tests = list(dict.fromkeys(tests))
        if unknown := set(options.files) - {test.split("::")[0] for test in tests}:
            parser.error(f"no row of {ROWS.name} is of {', '.join(sorted(unknown))}")
        asked = [t for t in tests if not options.files or t.split("::")[0] in options.files]
        record, passed = measure(asked, record)
        write_text(RECORD, json.dumps(_plain(record), indent=1, ensure_ascii=False) + "\n")
    write_text(PAGE, filled(PAGE.read_text("utf-8"), record))
    return 0 if passed else 1


def _plain(record: Record) -> dict[str, Any]:
    content: dict[str, Any] = record.model_dump(mode="json", exclude_none=True)
    return content


if __name__ == "__main__":
    sys.exit(main())
