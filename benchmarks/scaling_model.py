"""A model of what a score costs, fitted to two small measurements; writes docs/scale.md.

``work`` are CPU seconds that workers share.  ``serial`` are those of the one process that scores,
and ``hashing`` runs beside both.  ``cores`` is the number of cores that other programs left free.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ATOMS = 42
FRAMES, WORKERS = 1_000_000_000, 100
"""What the page asks about."""

LINK = 1.25e9
"""Bytes per second of a network of 10 Gbit/s."""

STREAM = 1e8
"""Bytes per second that a worker gets of an object store: an assumption, not measured."""

PIECE, CHUNK = 8192, 256
"""Frames of 42 atoms in a piece of the work, and in an object that this package writes."""

KINDS = {"threads": "threads", "dask": "Dask, a process each"}


def found(record: Mapping[str, Any], kind: str, workers: int, frames: int) -> dict[str, Any]:
    """The measurement of a configuration."""
    for run in record["runs"]:
        if (run["kind"], run["workers"], run["frames"]) == (kind, workers, frames):
            return dict(run)
    raise KeyError((kind, workers, frames))


def cpu(run: Mapping[str, Any]) -> float:
    """The processor's seconds of a measurement."""
    return float(run["alone"] + run["shared"] + run["hash"])


def sizes(record: Mapping[str, Any]) -> list[int]:
    """The three numbers of frames that were scored in memory of this machine."""
    return sorted({run["frames"] for run in record["runs"] if run["kind"] == "threads"})


@dataclass(frozen=True)
class Model:
    """Cost of a score with one kind of worker.

    Parameters
    ----------
    start
        Seconds that no number of frames changes.
    work, serial, hashing
        Seconds for each frame.
    cores
        That all of it together got while this was measured; a part of one on a busy machine.
    base, per_frame
        Bytes of memory of the process that scores, and for each frame.
    sent, received
        Bytes for each frame between that process and a worker.
    """

    start: float
    work: float
    serial: float
    hashing: float
    cores: float
    base: float
    per_frame: float
    sent: float
    received: float

    @classmethod
    def of(cls, record: Mapping[str, Any], kind: str) -> Model:
        """The model of the two smaller measurements with one worker; memory, of the larger ones.

        What is read together has its full size with a million frames.
        """
        small, one, two = sizes(record)
        a, b, c = (found(record, kind, 1, frames) for frames in (small, one, two))
        rest = [run["alone"] for run in (a, b)]
        serial = (rest[1] - rest[0]) / (one - small)
        memory = (c["memory"] - b["memory"]) / (two - one)
        return cls(
            start=max(0.0, rest[0] - serial * small),
            work=b["shared"] / one,
            serial=serial,
            hashing=b["hash"] / one,
            cores=cpu(b) / b["seconds"],
            base=b["memory"] - memory * one,
            per_frame=memory,
            sent=b["sent"] / PIECE,
            received=b["received"] / PIECE,
        )

    def cpu(self, frames: int) -> float:
        """The processor's seconds of a score."""
        return self.start + (self.work + self.serial + self.hashing) * frames

    def seconds(self, frames: int, workers: int, cores: float | None = None) -> float:
        """Seconds until a score is there, on so many cores; by default those that were free."""
        beside = max(self.work * frames / workers, self.hashing * frames)
        longest = self.start + self.serial * frames + beside
        return max(longest, self.cpu(frames) / (cores or self.cores))

    def memory(self, frames: int) -> float:
        """Bytes of memory of the process that scores."""
        return self.base + self.per_frame * frames


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], text: int = 1) -> str:
    """A table in Markdown, of which the first columns are text."""
    lines = [heads, ["---" if i < text else "--:" for i in range(len(heads))], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def measured(record: Mapping[str, Any]) -> str:
    """The table of what was measured and what the model says of it."""
    small, one, two = sizes(record)
    rows = []
    for run in record["runs"]:
        kind, workers, frames = run["kind"], run["workers"], run["frames"]
        if kind not in KINDS:
            continue
        model = Model.of(record, kind)
        calibrates = workers == 1 and frames in (small, one)
        fits_memory = workers == 1 and frames in (one, two)
        expected = [
            f"{model.seconds(frames, workers):.1f}",
            f"{model.cpu(frames):.1f}",
            f"{model.memory(frames) / 1e6:.0f}",
        ]
        rows.append([
            KINDS[kind],
            str(workers),
            str(run["repeats"]),
            f"{frames / 1e6:g}",
            f"{run['seconds']:.1f} ({run['least']:.1f} to {run['most']:.1f})",
            "fitted" if calibrates else expected[0],
            f"{cpu(run):.1f}",
            "fitted" if calibrates else expected[1],
            f"{run['memory'] / 1e6:.0f}",
            "fitted" if fits_memory else expected[2],
            f"{run['load']:.1f}",
        ])  # fmt: skip
    heads = (
        "workers", "number", "runs", "10⁶ frames", "s, median (range)", "model", "CPU s",
        "model", "memory, MB", "model", "load",
    )  # fmt: skip
    return table(heads, rows)


def scaling(record: Mapping[str, Any]) -> str:
    """The table of what a second worker brings."""
    _, one, two = sizes(record)
    rows = []
    for kind, name in KINDS.items():
        model = Model.of(record, kind)

        def ratio(a: tuple[int, int], b: tuple[int, int], kind: str = kind) -> str:
            return f"{found(record, kind, *a)['seconds'] / found(record, kind, *b)['seconds']:.2f}"

        def expected(
            a: tuple[int, int],
            b: tuple[int, int],
            cores: float | None = None,
            model: Model = model,
        ) -> str:
            one, two = (model.seconds(*reversed(run), cores) for run in (a, b))
            return f"{one / two:.2f}"

        for what, a, b in (
            (f"strong, {one / 1e6:g} · 10⁶ frames", (1, one), (2, one)),
            (f"strong, {two / 1e6:g} · 10⁶ frames", (1, two), (2, two)),
            ("weak, 10⁶ frames for each worker", (1, one), (2, two)),
        ):
            best = "2.00" if what.startswith("strong") else "1.00"
            rows.append([name, what, ratio(a, b), expected(a, b), expected(a, b, 2.0), best])
    heads = (
        "workers", "scaling", "time with one / with two", "model",
        "model of two idle cores", "ideal",
    )  # fmt: skip
    return table(heads, rows, 2)


def parameters(record: Mapping[str, Any]) -> str:
    """The table of the model's parameters."""
    models = {kind: Model.of(record, kind) for kind in KINDS}
    entries = [
        ("start", "s", lambda m: f"{m.start:.2f}"),
        ("work, shared by the workers", "µs per frame", lambda m: f"{m.work * 1e6:.2f}"),
        ("serial, in the process that scores", "µs per frame", lambda m: f"{m.serial * 1e6:.2f}"),
        ("hashing: SHA-256 of the prediction", "µs per frame", lambda m: f"{m.hashing * 1e6:.2f}"),
        ("sent to a worker", "bytes per frame", lambda m: f"{m.sent:.0f}"),
        ("received from a worker", "bytes per frame", lambda m: f"{m.received:.0f}"),
        ("memory, for any number of frames", "MB", lambda m: f"{m.base / 1e6:.0f}"),
        ("memory", "bytes per frame", lambda m: f"{m.per_frame:.0f}"),
        ("cores available", "", lambda m: f"{m.cores:.2f}"),
    ]
    rows = [
        [name, unit, *(show(model) for model in models.values())] for name, unit, show in entries
    ]
    return table(("", "unit", *KINDS.values()), rows, 2)


def per_object(record: Mapping[str, Any]) -> float:
    """The processor's seconds that an object costs, without what its server needs."""
    stored = next(run["frames"] for run in record["runs"] if run["kind"] == "s3")
    there, here = (found(record, kind, 1, stored) for kind in ("s3", "zarr"))
    return float((cpu(there) - cpu(here)) / record["objects"])


def store(record: Mapping[str, Any]) -> str:
    """What reading from a store cost."""
    stored = next(run["frames"] for run in record["runs"] if run["kind"] == "s3")
    there, here = (found(record, kind, 1, stored) for kind in ("s3", "zarr"))
    size = record["object_bytes"] / record["objects"] / 1e3
    return (
        f"A prediction of {stored} frames as a folder of Zarr has {record['objects']} objects of "
        f"{size:.0f} kB on average. Its score took {cpu(here):.1f} CPU seconds from this machine's "
        f"files and {cpu(there):.1f} CPU seconds from moto's server. That is "
        f"{per_object(record) * 1e3:.1f} ms for each object, without the server's own CPU time. "
        f"The wall time was {here['seconds']:.1f} s from files and {there['seconds']:.1f} s from "
        "the server, which ran on the same two cores."
    )


def shared(record: Mapping[str, Any]) -> list[tuple[str, float]]:
    """What the workers share of a score of 10⁹ frames: seconds, if there were one of them."""
    forces = 2 * FRAMES * ATOMS * 3 * 8  # of both files
    return [
        ("work of the pieces", Model.of(record, "dask").work * FRAMES),
        ("requests for the forces", per_object(record) * 2 * FRAMES / CHUNK),
        ("forces from the store", forces / STREAM),
    ]


def alone(record: Mapping[str, Any]) -> list[tuple[str, float]]:
    """What one process does of it alone: seconds."""
    model = Model.of(record, "dask")
    return [
        ("what it computes", model.serial * FRAMES),
        ("requests for energies and ids", per_object(record) * 2 * 2 * FRAMES / CHUNK),
        ("network to the workers", (model.sent + model.received) * FRAMES / LINK),
    ]


def outlook(record: Mapping[str, Any]) -> str:
    """The table of 10⁹ frames on 100 workers, and what stands in the way."""
    model = Model.of(record, "dask")
    parts = [(f"each worker: {name}", seconds / WORKERS) for name, seconds in shared(record)]
    parts += [(f"the process that scores: {name}", seconds) for name, seconds in alone(record)]
    rows = [[name, f"{seconds:.0f} s"] for name, seconds in parts]
    rows += [
        ["the process that scores: memory, at most", f"{model.memory(FRAMES) / 1e9:.0f} GB"],
        ["both files: forces in double precision", f"{2 * FRAMES * ATOMS * 24 / 1e12:.1f} TB"],
        ["both files: objects", f"{2 * 3 * FRAMES / CHUNK / 1e6:.0f} · 10⁶"],
    ]
    largest, most = max(parts, key=lambda part: part[1])
    (workers, one), (fewer, less) = (
        [
            sum(seconds for name, seconds in part if requests or not name.startswith("requests"))
            for part in (shared(record), alone(record))
        ]
        for requests in (True, False)
    )
    said = (
        f"The largest of these times is {most:.0f} s ({largest}). The workers share "
        f"{workers:.0f} s of work, which is {workers / WORKERS:.0f} s on each of {WORKERS}. One "
        f"process does {one:.0f} s of work alone, which keeps about "
        f"{max(1.0, workers / one):.0f} of the workers busy. With objects so large that requests "
        f"cost nothing, it has {less:.0f} s of work, which keeps about "
        f"{max(1.0, fewer / less):.0f} busy."
    )
    heads = (f"10⁹ frames of {ATOMS} atoms, {WORKERS} workers", "model")
    return f"{table(heads, rows)}\n\n{said}"


def blocks(record: Mapping[str, Any]) -> dict[str, str]:
    """The parts of the page that are made of the record, by their names there."""
    return {
        "measured": measured(record),
        "scaling": scaling(record),
        "parameters": parameters(record),
        "store": store(record),
        "outlook": outlook(record),
    }


def filled(page: str, record: Mapping[str, Any]) -> str:
    """The page with its numbers taken from a record."""
    for name, text in blocks(record).items():
        begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
        pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
        page, times = pattern.subn(lambda _: f"{begin}\n\n{text}\n\n{end}", page)  # noqa: B023
        if times != 1:
            raise ValueError(f"the page has {times} places named {name}, expected one")
    return page


def write_page(page: Path, record: Path) -> None:
    """Write the numbers of a record into the page."""
    text = filled(page.read_text(encoding="utf-8"), json.loads(record.read_text()))
    page.write_text(text, encoding="utf-8")
