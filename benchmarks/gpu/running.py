"""Pieces as processes with a limit, and the file that keeps what they found."""

from __future__ import annotations

import datetime
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.gpu.pieces import BY_NAME, Piece
from teadata.errors import DataError
from teadata.files import locked, write_text

ROOT = Path(__file__).parents[2]

PATIENCE = 10.0
"""Seconds that a process has to end by itself after Ctrl-C or at its limit."""


@dataclass(frozen=True)
class Results:
    """What pieces found, in a JSON file: by the piece's name."""

    path: Path

    def read(self) -> dict[str, Any]:
        """The record of each piece that was tried.

        Raises
        ------
        DataError
            If the file is not of this kind.
        """
        if not self.path.is_file():
            return {}
        try:
            found = json.loads(self.path.read_text(encoding="utf-8"))
            assert all(isinstance(found[name]["status"], str) for name in found)
        except (ValueError, KeyError, TypeError, AssertionError) as error:
            raise DataError(
                f"{self.path}: expected what pieces of the GPU's work found, as "
                f"`python -m benchmarks.gpu` writes it ({type(error).__name__}); move it away"
            ) from None
        return found

    def keep(self, record: dict[str, Any]) -> None:
        """Add the record of a piece, a line of the file, in one step."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        found = self.read() | {record["piece"]: record}
        lines = [
            f"{json.dumps(name)}: {json.dumps(found[name], ensure_ascii=False)}"
            for name in BY_NAME
            if name in found
        ]
        write_text(self.path, "{\n" + ",\n".join(lines) + "\n}\n")

    def done(self, piece: Piece) -> bool:
        record = self.read().get(piece.name)
        return record is not None and record["status"] == "done"


def carry_out(piece: Piece, results: Results, scratch: Path, smoke: bool, limit: float) -> str:
    """Run a piece in a process, keep what it found or why it failed, and return its status.

    A piece whose process goes on elsewhere is refused, and its folder is kept.
    """
    folder = scratch / piece.name
    folder.mkdir(parents=True, exist_ok=True)
    answer, log = folder / "found.json", folder / "piece.log"
    with locked(folder, "measuring", "another --scratch"):
        answer.unlink(missing_ok=True)
        start = time.perf_counter()
        with open(log, "wb") as stream:
            command = [sys.executable, "-m", "benchmarks.gpu.one", piece.name, str(folder)]
            command += [str(limit), *(["--smoke"] if smoke else [])]
            process = subprocess.Popen(
                command, cwd=ROOT, env=_environment(), stdin=subprocess.DEVNULL, stdout=stream,
                stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
            try:
                process.wait(timeout=limit)
                stopped = ""
            except subprocess.TimeoutExpired:
                stopped = f"stopped after {limit:g} s, its limit"
            finally:
                _end(process)
        record: dict[str, Any] = {
            "piece": piece.name,
            "status": "failed",
            "smoke": smoke,
            "finished": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            "seconds": round(time.perf_counter() - start, 1),
        }
        if not stopped and process.returncode == 0 and answer.is_file():
            record |= {"status": "done"} | json.loads(answer.read_text(encoding="utf-8"))
        else:
            record["why"] = stopped or _last_line(log, process.returncode)
        results.keep(record)
    return str(record["status"])


def _environment() -> dict[str, str]:
    """The environment, in which the checkout comes before what is installed."""
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process and all that it started."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, sign)
        except (ProcessLookupError, PermissionError):
            break
        try:
            process.wait(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            continue
    process.wait(timeout=PATIENCE)


def _last_line(log: Path, status: int) -> str:
    """What a process said last: the error that ended it."""
    lines = log.read_text(encoding="utf-8", errors="replace").split("\n")
    said = [line.strip() for line in lines if line.strip()]
    last = said[-1][:300] if said else "it said nothing"
    if status < 0:
        return f"killed by {signal.Signals(-status).name}; {last}"
    return last
