"""The memory of a score hardly grows with the number of frames."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import h5py
import large
import numpy as np
import pytest

SCRIPT = """
import sys
from pathlib import Path

import teaeval
from teadata import Dataset, DatasetCard, lookup
from teadata.arrays import stored_array
from teaeval.checks import repeats
from teaeval.engines import Threads
from teaeval.metrics import digests

# parts as small beside these files as the usual ones are beside large files
digests.HELD = repeats.PART = lookup.PIECE = stored_array.SPAN = 1 << 14
root, prediction = map(Path, sys.argv[1:])
data = Dataset(DatasetCard.read(root / "card.yaml"), root, in_memory=0)
read = teaeval.read_prediction(prediction, in_memory=0)
score = teaeval.score(read, data, engine=Threads(1))
most = int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])
print(1024 * most, score.coverage.scored)
"""

SIZES = 1_000_000, 2_000_000
"""Frames; the first are as many as a part of the table of splits has, which is read at once."""


def turned(path: Path) -> None:
    """Put the frames of a prediction into the opposite order."""
    with h5py.File(path, "r+") as file:
        for name in ("energy", "forces", "frame_id"):
            file[name][:] = file[name][:][::-1]


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="tells no peak of memory")
def test_bytes_for_each_frame(tmp_path):
    most: dict[str, list[int]] = {"in order": [], "in another order": []}
    for frames in SIZES:
        home, prediction = large.write(tmp_path / str(frames), frames, atoms=3)
        for order, peaks in most.items():
            if order != "in order":
                turned(prediction)
            done = subprocess.run(
                [sys.executable, "-c", SCRIPT, home / "datasets" / "tea2023-i", prediction],
                env=os.environ | {"OMP_NUM_THREADS": "1"},
                capture_output=True, text=True, timeout=120, check=True,
            )  # fmt: skip
            peak, scored = map(int, done.stdout.split())
            assert scored == frames
            peaks.append(peak)
    each = {order: np.diff(peaks)[0] / np.diff(SIZES)[0] for order, peaks in most.items()}
    assert each["in order"] < 12
    assert each["in another order"] < 24  # with energies and places
