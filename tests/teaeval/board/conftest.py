"""Submissions of real and of made predictions."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

import teadata
import teaeval
from teadata.provenance import sha256
from teaeval import Prediction

SAID: dict[str, Any] = {
    "model": "Made",
    "version": "1",
    "authors": ["A. Name"],
    "licence": "MIT",
    "training": {"data": "mini-iv"},
    "predictions": [{"file": "p.npz"}],
}

Make = Callable[..., Path]


@pytest.fixture(scope="session")
def tree() -> Callable[[Path], dict[str, str]]:
    """The checksum of every file below a folder, and where links lead."""

    def look(folder: Path) -> dict[str, str]:
        return {
            str(path.relative_to(folder)): str(path.readlink())
            if path.is_symlink()
            else sha256(path)
            for path in sorted(folder.rglob("*"))
            if path.is_symlink() or path.is_file()
        }

    return look


@pytest.fixture(scope="session")
def noise() -> Callable[..., Prediction]:
    """The labels of mini-iv's test set with noise."""

    def predict(scale: float = 1.0, seed: int = 0, size: int = 50) -> Prediction:
        rng = np.random.default_rng(seed)
        test = teadata.load("mini-iv").test_set("complete")
        return Prediction(
            dataset="mini-iv",
            subset="complete",
            energies=test.energies + scale * rng.normal(size=len(test)),
            forces=test.forces + scale * rng.normal(size=test.forces.shape),
            frame_ids=test.ids,
            numbers=test.numbers,
            model="Made",
            train=f"complete/train/{size}",
        )

    return predict


@pytest.fixture(scope="session")
def submission(noise) -> Make:
    """Make a submission: what it says, over SAID, and the prediction p.npz."""

    def make(folder: Path, scale: float = 1.0, seed: int = 0, size: int = 50, **said: Any) -> Path:
        folder.mkdir(parents=True)
        teaeval.write_prediction(folder / "p.npz", noise(scale, seed, size))
        words = SAID | said
        (folder / "submission.yaml").write_text(yaml.safe_dump(words, allow_unicode=True))
        return folder

    return make
