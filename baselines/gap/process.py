"""Other programs, watched: their output, their failure, and their end with ours."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

PR_SET_PDEATHSIG = 1
"""Linux's name of the signal that a process gets when its parent dies."""


@contextmanager
def started(
    command: list[str], cwd: Path, stdout: int | IO[bytes], stderr: int | IO[bytes]
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program in a process group of its own, which ends with the block.

    Ctrl-C reaches this process only; whatever way the block is left, the group is killed.  On
    Linux the program is killed too if this process is.
    """
    process = subprocess.Popen(
        command,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=stderr,
        start_new_session=True,
        preexec_fn=_ends_with_parent(),
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _ends_with_parent() -> Callable[[], None] | None:
    """What a new process does to be killed when its parent dies; None where that cannot be."""
    if sys.platform != "linux":
        return None
    # prepared here: between fork and exec as little as possible is done
    prctl, parent = ctypes.CDLL(None).prctl, os.getpid()

    def ask() -> None:
        prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL))
        if os.getppid() != parent:  # it died before it was asked
            os.kill(os.getpid(), signal.SIGKILL)

    return ask


def ending(status: int) -> str:
    """Say how a program ended: with which status, or by which signal."""
    if status >= 0:
        return f"exit status {status}"
    name = signal.Signals(-status).name
    hint = ", which the system sends when memory runs out" if name == "SIGKILL" else ""
    return f"signal {name}{hint}"
