"""A process that predicts a part of some frames, started by :mod:`baselines.gap.potential`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np

from baselines.gap.potential import Evaluated, evaluate, load
from teadata import Frames


def main() -> None:
    """Predict rows of ``frames.npz``, and print one byte for each that is done.

    The arguments are the model folder, the folder of ``frames.npz``, the first row, and the
    row after the last.
    """
    folder, work = Path(sys.argv[1]), Path(sys.argv[2])
    start, stop = int(sys.argv[3]), int(sys.argv[4])
    ticks = os.dup(1)
    os.dup2(2, 1)  # what Fortran prints is not progress
    with np.load(work / "frames.npz", allow_pickle=False) as given:
        arrays = dict(given)
    count = len(arrays["positions"])
    frames = Frames(energies=np.zeros(count), forces=np.zeros(arrays["positions"].shape), **arrays)
    potential = load(folder)
    parts = []
    for part in evaluate(potential, frames[start:stop]):
        parts.append(part)
        os.write(ticks, b"." * len(part.energies))
    whole = Evaluated(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))
    np.savez(work / f"{start}.npz", **whole._asdict())
