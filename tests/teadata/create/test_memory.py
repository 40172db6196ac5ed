"""The memory that a dataset takes to be made: about the same for any number of frames."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.lib import format as npy

FRAMES, ATOMS = 100_000, 42
LIMIT = 300 << 10
"""KiB that may be resident, for a file of 0.2 GB."""

PROGRAM = """
import re, sys
from pathlib import Path
from teadata.create import Input, Options, create
from teadata.create.splitting import Wanted
create("large", [Input(Path(sys.argv[1]))], Options("kcal/mol", wanted=Wanted(test=10000)))
print(re.search(r"VmHWM:\\s*(\\d+) kB", Path("/proc/self/status").read_text())[1])
"""


def write_npz(folder: Path, frames) -> Path:
    """An npz made of arrays that are written piece by piece."""
    shapes = {"R": (FRAMES, ATOMS, 3), "F": (FRAMES, ATOMS, 3), "E": (FRAMES,)}
    parts = {}
    for i, (name, shape) in enumerate(shapes.items()):
        parts[name] = npy.open_memmap(folder / f"{name}.npy", "w+", np.float64, shape)
        source = {"R": frames.positions, "F": frames.forces, "E": frames.energies}[name]
        for start in range(0, FRAMES, 10_000):
            noise = np.random.default_rng([i, start]).normal(0, 0.05, (10_000, *shape[1:]))
            parts[name][start : start + 10_000] = source[np.arange(10_000) % len(source)] + noise
    np.savez(folder / "large.npz", z=frames.numbers, **parts)
    return folder / "large.npz"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="resident memory is in other units elsewhere")
def test_memory_stays_bounded(frames, tmp_path):
    path = write_npz(tmp_path, frames)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < LIMIT
