"""What tests of predictions share."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def predict_small(run) -> Callable[[Path, str], subprocess.CompletedProcess[str]]:
    """A function that predicts a small test set with a calculator of a folder, to p.npz there."""

    def predict(folder: Path, calculator: str) -> subprocess.CompletedProcess[str]:
        return run("teaeval", "predict", "mini-hydrogen", "--subset", "complete", "--calculator",
                   calculator, "-o", "p.npz", cwd=folder)  # fmt: skip

    return predict
