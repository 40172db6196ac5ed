"""Commands as processes of their own, without the seconds that Python and libraries take to start.

``python tests/warm.py SOCKET MODULE...`` imports libraries that the commands need, and the modules
of the project that most of them need, and then forks itself for each command it is asked for.
Such a command has its own arguments, environment, folder, output and status.  What is read from
the environment when a module is imported is the same (:meth:`Warm.suits`).
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import json
import os
import resource
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

LIBRARIES = (
    "typer.core", "typer._adapters", "rich.console", "rich.table", "pydantic.main",
    "pydantic.json_schema", "pydantic.type_adapter", "yaml", "numpy", "pandas", "pyarrow.parquet",
    "pyarrow.compute", "h5py", "zarr", "scipy.stats", "scipy.spatial", "filelock", "statistics",
    "importlib.metadata", "email.parser", "concurrent.futures", "multiprocessing.queues", "ase",
    "ase.io", "matplotlib.figure", "matplotlib.backends.backend_agg", "requests",
)  # fmt: skip

OURS = (
    "teadata.cli", "teadata.catalog", "teadata.create", "teadata.dataset", "teadata.formats.hdf5",
    "teadata.ingest", "teadata.provenance",
    "teaeval.cli", "teaeval.checks", "teaeval.predictions.reading", "teaeval.predictions.writing",
    "teaeval.scores.reading", "teaeval.scores.scoring", "teaeval.tables",
    "baselines.cli", "baselines.accuracy.record", "baselines.campaign.ledger",
    "baselines.campaign.matrix", "baselines.registry", "baselines.runs.folder",
)  # fmt: skip
"""What most commands import of the project, which loads no backend."""

CALCULATING = {
    *(("baselines", verb) for verb in ("train", "resume", "predict", "score", "bench")),
    ("teaeval", "md"),
    ("teaeval", "hydrogen"),
    ("sgdml",),
    ("mace_run_train",),
}
"""Commands that calculate: what they need imports torch where that is installed."""

READ_LATE = ("TEADATA_", "COLUMNS", "PATH", "PWD", "OLDPWD", "PYTEST_", "JAX_", "XLA_")
"""What variables begin with that are read when they are needed, not when a library is imported."""

LOOK = 5.0
"""Seconds between looks at whether the process that asks for commands is still there."""

LONGEST = 100
"""Characters that the address of a socket may have."""


class Warm:
    """A process that waits for commands, with some libraries; it is started by the first."""

    def __init__(self, address: Path, *more: str) -> None:
        self.address, self.libraries = address, (*LIBRARIES, *OURS, *more)
        self.environment, self.limits = dict(os.environ), limits()
        self.process: subprocess.Popen[bytes] | None = None

    def cleared(self, now: Mapping[str, str], before: Mapping[str, str]) -> dict[str, str]:
        """Give an environment without what was left in it before a test began."""
        left = {
            name
            for name in before.keys() | self.environment.keys()
            if before.get(name) != self.environment.get(name)
            and now.get(name) == before.get(name)
            and not name.startswith(READ_LATE)
        }
        first = {name: self.environment[name] for name in left & self.environment.keys()}
        return {name: value for name, value in now.items() if name not in left} | first

    def suits(self, environment: dict[str, str]) -> bool:
        """Whether a command of this environment may have what was imported in another."""
        if sys.platform != "linux" or len(str(self.address)) > LONGEST:
            return False  # libraries of macOS do not bear a fork
        if limits() != self.limits:
            return False  # they are of what this process starts now
        names = environment.keys() | self.environment.keys()
        return all(
            environment.get(name) == self.environment.get(name)
            for name in names
            if not name.startswith(READ_LATE)
        )

    def run(
        self, command: Sequence[str], cwd: Path | None, environment: dict[str, str], timeout: float
    ) -> subprocess.CompletedProcess[str]:
        """Do what ``subprocess.run`` does with a script of Python, and captured output."""
        asked = {"command": list(command), "cwd": str(cwd or Path.cwd()), "env": environment}
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            with self._connect() as connection:
                message = json.dumps(asked).encode()
                head = f"{len(message):9d}".encode()
                socket.send_fds(connection, [head], [out.fileno(), err.fileno()])
                connection.sendall(message)
                answers, process = connection.makefile(), None
                connection.settimeout(timeout)
                try:
                    process = int(answers.readline())
                    status = int(answers.readline())
                except BaseException as error:
                    if process is not None:
                        os.kill(process, signal.SIGKILL)
                    if isinstance(error, TimeoutError):
                        raise subprocess.TimeoutExpired(list(command), timeout) from None
                    raise
            said = []
            for stream in (out, err):
                stream.seek(0)
                said.append(stream.read().decode().replace("\r\n", "\n"))
        return subprocess.CompletedProcess(list(command), status, *said)

    def _connect(self) -> socket.socket:
        if self.process is None or self.process.poll() is not None:  # whatever has ended it
            self.address.unlink(missing_ok=True)
            self.process = subprocess.Popen(
                [sys.executable, __file__, str(self.address), *self.libraries],
                stdin=subprocess.DEVNULL,
                env=self.environment,
            )
        connection = socket.socket(socket.AF_UNIX)
        end = time.monotonic() + 120
        while True:
            try:
                connection.connect(str(self.address))
            except (FileNotFoundError, ConnectionRefusedError):
                assert self.process.poll() is None, "the process for commands has ended"
                assert time.monotonic() < end, "the process for commands does not answer"
                time.sleep(0.01)
            else:
                return connection

    def close(self) -> None:
        """End the process."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(60)


def limits() -> list[object]:
    """What a process takes over from the one that starts it: its limits and its cores."""
    names = [name for name in dir(resource) if name.startswith("RLIMIT_")]
    cores = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None
    return [cores, *(resource.getrlimit(getattr(resource, name)) for name in names)]


def serve(address: str, *libraries: str) -> dict[str, Any]:
    """Fork for each command that is asked for; returns what was asked, in the process for it.

    It ends where whoever started it was killed.
    """
    asking = os.getppid()
    for name in libraries:
        try:
            importlib.import_module(name)
        except ImportError:  # an extra that is not installed
            continue
    gc.collect()
    gc.freeze()  # or the end of each command would look through all that was imported
    running: dict[int, tuple[int, socket.socket]] = {}
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen()
        while True:
            ready, _, _ = select.select([listener, *running], [], [], LOOK)
            if not ready and os.getppid() != asking:
                sys.exit()
            for ended in [one for one in ready if one is not listener]:
                os.close(ended)
                _tell_the_end(*running.pop(ended))
            if listener in ready and (order := _forked(listener, running)) is not None:
                return order


def _forked(
    listener: socket.socket, running: dict[int, tuple[int, socket.socket]]
) -> dict[str, Any] | None:
    """Begin a command; returns what was asked in its process, and None in this one."""
    connection, _ = listener.accept()
    asked, streams = _received(connection)
    process = os.fork()
    if process:
        running[os.pidfd_open(process)] = process, connection
        with contextlib.suppress(ConnectionError):
            connection.sendall(f"{process}\n".encode())
    else:
        listener.close()
        connection.close()
        for number, (_, waiting) in running.items():
            os.close(number)
            waiting.close()
        for number, stream in enumerate(streams, 1):
            os.dup2(stream, number)
    for stream in streams:
        os.close(stream)
    return None if process else asked


def _received(connection: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """What is asked for, and the files for its output and its errors."""
    head, streams, *_ = socket.recv_fds(connection, 9, 2)
    with connection.makefile("rb") as stream:
        return json.loads(stream.read(int(head))), streams


def _tell_the_end(process: int, connection: socket.socket) -> None:
    _, status = os.waitpid(process, 0)
    with connection, contextlib.suppress(ConnectionError):  # nobody may wait for it any more
        connection.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())


def _carried_out(script: str) -> None:
    """Run a script, and end the process as Python does, but for taking apart what was imported.

    That would copy all of the memory that is shared with the process that forked this one.
    """
    try:
        runpy.run_path(script, run_name="__main__")
        status = 0
    except SystemExit as end:
        if not isinstance(end.code, int | None):
            raise  # Python prints it
        status = end.code or 0
    threading._shutdown()  # waits for threads
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status & 0xFF)


if __name__ == "__main__":
    order = serve(*sys.argv[1:])
    os.environ.clear()
    os.environ.update(order["env"])
    os.chdir(order["cwd"])
    sys.argv = order["command"]
    sys.path[0] = str(Path(sys.argv[0]).parent)
    _carried_out(sys.argv[0])
