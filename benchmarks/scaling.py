"""How the time of a score grows with frames, and falls with workers; the model of docs/scale.md.

    python benchmarks/scaling.py measure FOLDER     # makes 7 GB there; writes scaling.json
    python benchmarks/scaling.py page               # writes its numbers into docs/scale.md

The frames are those of :mod:`large`, 42 atoms each, in uncompressed HDF5 that is in the page
cache.  Every measurement is a process of its own.  A prediction on an object store is fetched from
moto's server, in another process of this machine.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import pickle
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
RECORD = HERE / "scaling.json"
PAGE = HERE.parent / "docs" / "scale.md"

SMALL, ONE, TWO, STORED = 250_000, 1_000_000, 2_000_000, 131_072
"""Frames: of the measurements that the model is made of, of those it predicts, on the store."""

KEPT = 3
"""Runs of a configuration that count: those that began while other programs did the least."""

CONFIGURATIONS = [
    ("threads", 1, SMALL), ("threads", 1, ONE), ("threads", 2, ONE), ("threads", 1, TWO),
    ("threads", 2, TWO), ("dask", 1, SMALL), ("dask", 1, ONE), ("dask", 2, ONE),
    ("dask", 1, TWO), ("dask", 2, TWO), ("zarr", 1, STORED), ("s3", 1, STORED),
]  # fmt: skip


def timed(work: Any, item: Any) -> tuple[Any, float]:
    """The result of work on an item, and the processor's seconds that it took."""
    start = time.thread_time()
    result = work(item)
    return result, time.thread_time() - start


class Timed:
    """An engine that adds up what the work on its pieces takes, and what is sent for it."""

    def __init__(self, engine: Any) -> None:
        self.engine, self.work, self.pieces, self.sent, self.received = engine, 0.0, 0, 0, 0

    def map(self, work: Any, items: Sequence[Any]) -> Iterator[Any]:
        """Results in the order of the items."""
        results = self.engine.map(functools.partial(timed, work), items)
        for item, (result, seconds) in zip(items, results, strict=True):
            if not self.pieces:  # all are alike
                self.sent, self.received = len(pickle.dumps(item)), len(pickle.dumps(result))
            self.work += seconds
            self.pieces += 1
            yield result


def usage() -> dict[str, float]:
    """Seconds of processor time, and the most memory, of this process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    said = Path("/proc/self/status").read_text()  # what getrusage says is the parent's, if more
    most = int(said.partition("VmHWM:")[2].split()[0]) * 1024
    return {"cpu": used.ru_utime + used.ru_stime, "memory": most}


def score_once(kind: str, workers: int, frames: int, folder: Path) -> dict[str, Any]:
    """Score once in this process, and say what that took."""
    import teaeval
    from teadata import Dataset, DatasetCard
    from teadata.provenance import sha256
    from teaeval.engines import Threads, connected

    place = folder / str(frames)
    root = place / "home" / "datasets" / "tea2023-i"
    data = Dataset(DatasetCard.read(root / "card.yaml"), root, in_memory=0)
    data.test_set("complete")  # its checksum is compared now
    prediction: Any = place / "prediction.h5"
    hashed = timed(sha256, prediction)[1]  # which brings it into the page cache
    if kind == "zarr":
        prediction = place / "prediction.zarr"
    elif kind == "s3":
        prediction = "s3://tea/prediction.zarr"
        teaeval.read_prediction(prediction, in_memory=0)  # libraries are imported, keys looked up

    def score(engine: Any) -> dict[str, Any]:
        before, start = usage()["cpu"], time.perf_counter()
        made = teaeval.score(teaeval.read_prediction(prediction), data, engine=engine)
        took = time.perf_counter() - start
        rest = usage()["cpu"] - before - hashed
        return {
            "seconds": took, "pieces": engine.pieces, "memory": usage()["memory"],
            "alone": rest - engine.work, "shared": engine.work, "hash": hashed,
            "sent": engine.sent, "received": engine.received, "mae": made.row("F").mae,
        }  # fmt: skip

    if kind != "dask":
        return score(Timed(Threads(workers)))
    from distributed import LocalCluster

    with (
        LocalCluster(
            n_workers=workers, threads_per_worker=1, dashboard_address=None, host="127.0.0.1"
        ) as cluster,
        connected(cluster.scheduler_address, 600, patient=True) as engine,
    ):
        engine.client.run(_ready)
        before = engine.client.run(usage)
        found = score(Timed(engine))
        after = engine.client.run(usage)
        found["alone"] += found["shared"]  # the work was done in other processes
        found["shared"] = sum(after[key]["cpu"] - before[key]["cpu"] for key in after)
        found["worker_memory"] = max(each["memory"] for each in after.values())
    return found


def _ready() -> None:
    """Import on a worker what the work needs."""
    import teaeval.metrics.one_pass  # noqa: F401


def make(folder: Path) -> None:
    """Make the datasets and predictions that are not there yet."""
    import large

    import teaeval

    for frames in sorted({frames for _, _, frames in CONFIGURATIONS}):
        place = folder / str(frames)
        if not (place / "done").exists():
            place.mkdir(parents=True, exist_ok=True)
            large.write(place, frames)
            if frames == STORED:
                made = teaeval.read_prediction(place / "prediction.h5", in_memory=1 << 40)
                teaeval.write_prediction(place / "prediction.zarr", made)
            (place / "done").touch()


def measure(folder: Path, repeats: int) -> None:
    """Measure every configuration so many times in turn; every result is a line of a file."""
    import fsspec
    from s3_server import BUCKET, S3Server

    make(folder)
    server = subprocess.Popen(
        [sys.executable, str(HERE / "s3_server.py")], stdout=subprocess.PIPE, text=True
    )
    try:
        assert server.stdout is not None
        os.environ.update(S3Server.environment_of(server.stdout.readline().strip()))
        store = folder / str(STORED) / "prediction.zarr"
        fsspec.filesystem("s3").put(str(store), f"{BUCKET}/{store.name}", recursive=True)
        for _ in range(repeats):
            for kind, workers, frames in CONFIGURATIONS:
                load = os.getloadavg()[0]
                done = subprocess.run(
                    [
                        sys.executable,
                        __file__,
                        "once",
                        kind,
                        str(workers),
                        str(frames),
                        str(folder),
                    ],
                    stdout=subprocess.PIPE,
                    text=True,
                    timeout=600,
                    check=True,
                )
                found = json.loads(done.stdout.splitlines()[-1]) | {"load": load}
                found |= {"kind": kind, "workers": workers, "frames": frames}
                with open(folder / "runs.jsonl", "a") as lines:
                    lines.write(json.dumps(found) + "\n")
    finally:
        server.terminate()
        server.wait(10)


def write(folder: Path) -> None:
    """Write the record of all that was measured in a folder."""
    runs: dict[tuple[str, int, int], list[dict[str, Any]]] = {}
    for line in (folder / "runs.jsonl").read_text().splitlines():
        run = json.loads(line)
        runs.setdefault((run["kind"], run["workers"], run["frames"]), []).append(run)
    store = folder / str(STORED) / "prediction.zarr"
    objects = [file.stat().st_size for file in store.rglob("*") if file.is_file()]
    record = {
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "atoms": 42,
        "objects": len(objects),
        "object_bytes": sum(objects),
        "runs": [_middle(runs[configuration]) for configuration in CONFIGURATIONS],
    }
    RECORD.write_text(json.dumps(record, indent=1) + "\n")


def _middle(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """The run of the median time of those at the lowest load, and the range of these."""
    runs = sorted(sorted(runs, key=lambda run: run["load"])[:KEPT], key=lambda run: run["seconds"])
    seconds = [run["seconds"] for run in runs]
    loads = statistics.median(run["load"] for run in runs)
    middle = runs[(len(runs) - 1) // 2]
    return middle | {
        "least": min(seconds), "most": max(seconds), "load": loads, "repeats": len(runs)
    }  # fmt: skip


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    measuring = commands.add_parser("measure")
    measuring.add_argument("folder", type=Path)
    measuring.add_argument("--repeats", type=int, default=3)
    once = commands.add_parser("once")
    once.add_argument("kind")
    once.add_argument("workers", type=int)
    once.add_argument("frames", type=int)
    once.add_argument("folder", type=Path)
    commands.add_parser("page")
    options = parser.parse_args()
    if options.command == "measure":
        measure(options.folder, options.repeats)
        write(options.folder)
    elif options.command == "once":
        print(json.dumps(score_once(options.kind, options.workers, options.frames, options.folder)))
    else:
        from scaling_model import write_page

        write_page(PAGE, RECORD)
