"""Programs that are watched end with the process that watches them, however that ends."""

from __future__ import annotations

import subprocess
import sys

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
    gone, _ = psutil.wait_procs([program], timeout=60)
    assert gone == [program]
