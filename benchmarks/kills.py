"""Kill commands at random moments, and look whether anything is lost or half written.

    python benchmarks/kills.py --seconds 600 --seed 0

Each round starts a command that replaces its own older output, kills it with SIGKILL after a
random part of the time that it takes, and checks: the output is the old one or the new one, whole;
the same command, run again, gives what an undisturbed one gives; and nothing is left beside it.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import teadata
from teadata import formats
from teadata.files import STAGING
from teaeval.predictions.reading import read_prediction
from teaeval.scores.reading import read_score

MODEL = """
import time

class Model:
    def predict(self, frames):
        time.sleep(0.05)
        return frames.energies + 1.0, frames.forces * 1.01

def make(): return Model()
"""


@dataclass(frozen=True)
class Case:
    """A command, its output, and what can be compared of it."""

    name: str
    command: list[str]
    output: str
    read: Callable[[Path], Any]


def of_score(path: Path) -> Any:
    return read_score(path).model_dump(exclude={"created"})


def of_prediction(path: Path) -> Any:
    found = read_prediction(path)
    return (np.asarray(found.energies).tobytes(), np.asarray(found.forces[:]).tobytes())


def of_frames(path: Path) -> Any:
    found = formats.read(path)
    return (found.energies.tobytes(), np.asarray(found.forces).tobytes())


def of_dataset(_: Path) -> Any:
    script = (
        "import teadata, hashlib; d = teadata.load('tea2023-i'); f = d.frames; "
        "print(hashlib.sha256(f.energies.tobytes() + f.forces[:].tobytes()).hexdigest())"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return done.stdout


CASES = [
    Case("score", ["teaeval", "score", "p.npz", "-o", "s.json"], "s.json", of_score),
    Case(
        "predict",
        ["teaeval", "predict", "mini-hydrogen", "--subset", "complete", "--calculator",
         "model:make", "-o", "q.npz"],
        "q.npz",
        of_prediction,
    ),
    *(
        Case(
            f"export {suffix}",
            ["teadata", "export", "mini-i", "--split", "folded/train/200", "-o", f"e.{suffix}",
             "--replace"],
            f"e.{suffix}",
            of_frames,
        )
        for suffix in ("xyz", "h5", "zarr")
    ),
    Case(
        "ingest",
        ["teadata", "ingest", "r200.npz", "--dataset", "tea2023-i", "--map",
         "r200.npz=folded/train/200", "--replace"],
        "home/datasets/tea2023-i",
        of_dataset,
    ),
]  # fmt: skip


def run(case: Case, folder: Path) -> float:
    """Run a command to its end; seconds it took."""
    start = time.monotonic()
    done = subprocess.run(case.command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{case.name}: {done.stderr}")
    return time.monotonic() - start


def kill(case: Case, folder: Path, delay: float) -> bool:
    """Kill a command after a delay; whether it was still at work."""
    process = subprocess.Popen(
        case.command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        process.wait(delay)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
    return process.wait() == -signal.SIGKILL


def leftovers(folder: Path) -> list[str]:
    """What commands left in a folder."""
    return [p.name for p in folder.iterdir() if p.name.startswith(STAGING)]


def main() -> None:
    """Kill for a while, and print what was found as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    end = time.monotonic() + options.seconds
    counts: dict[str, Counter[str]] = {case.name: Counter() for case in CASES}
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        os.environ["TEADATA_HOME"] = str(folder / "home")
        prepare(folder)
        took = {case.name: run(case, folder) for case in CASES}
        expected = {case.name: case.read(folder / case.output) for case in CASES}
        while time.monotonic() < end:
            case = rng.choice(CASES)
            tally = counts[case.name]
            if not kill(case, folder, rng.uniform(0.1, 1.05) * took[case.name]):
                tally["ended before"] += 1
                continue
            tally["killed"] += 1
            try:
                tally["wrong after a kill"] += (
                    case.read(folder / case.output) != expected[case.name]
                )
            except Exception as error:
                tally[f"not readable after a kill: {type(error).__name__}"] += 1
            run(case, folder)
            tally["wrong when repeated"] += case.read(folder / case.output) != expected[case.name]
            tally["left behind"] += len(leftovers((folder / case.output).parent))
    total = sum(tally["killed"] for tally in counts.values())
    print(json.dumps({"seed": options.seed, "kills": total, "commands": counts}, indent=1))


def prepare(folder: Path) -> None:
    """Write what the commands read."""
    (folder / "model.py").write_text(MODEL)
    test = teadata.load("mini-hydrogen").split("complete/test")
    np.savez(
        folder / "p.npz", energy=test.energies + 1.0, forces=test.forces * 1.01, frame_id=test.ids,
        dataset="mini-hydrogen", subset="complete", energy_unit="kcal/mol", length_unit="Å",
    )  # fmt: skip
    frames = teadata.load("mini-i").split("folded/train/200")
    formats.write(folder / "r200.npz", frames)


if __name__ == "__main__":
    main()
