"""Other programs, watched: their output, their failure, and their end with ours."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO


@contextmanager
def started(
    command: list[str], cwd: Path, stdout: int | IO[bytes], stderr: int | IO[bytes]
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program in a process group of its own, which ends with the block.

    Ctrl-C reaches this process only; whatever way the block is left, the group is killed.
    """
    process = subprocess.Popen(
        command,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=stderr,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def ending(status: int) -> str:
    """Say how a program ended: with which status, or by which signal."""
    if status >= 0:
        return f"exit status {status}"
    name = signal.Signals(-status).name
    hint = ", which the system sends when memory runs out" if name == "SIGKILL" else ""
    return f"signal {name}{hint}"
