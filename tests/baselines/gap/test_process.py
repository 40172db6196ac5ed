"""Programs that are watched end with the process that watches them, however that ends."""

from __future__ import annotations

import subprocess
import sys
import time

import psutil
import pytest

WATCHER = """
import subprocess, sys, time
from pathlib import Path
from baselines.gap.process import started

with started(["sleep", "600"], Path(), subprocess.DEVNULL, subprocess.DEVNULL) as process:
    print(process.pid, flush=True)
    time.sleep(600)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process of this")
def test_a_program_ends_when_its_process_is_killed():
    with subprocess.Popen([sys.executable, "-c", WATCHER], stdout=subprocess.PIPE) as watcher:
        program = psutil.Process(int(watcher.stdout.readline()))
        watcher.kill()
        watcher.wait(60)
    end = time.monotonic() + 60
    while program.is_running() and program.status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < end
        time.sleep(0.05)
