"""A report on three predictions."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import teadata
import teaeval
from teaeval import Prediction
from teaeval.report import write


@pytest.fixture(scope="session")
def predicted() -> Callable[[str, str, str, float], Prediction]:
    """A prediction: the labels of a test set with noise."""

    def prediction(dataset: str, subset: str, model: str, noise: float) -> Prediction:
        rng = np.random.default_rng(0)
        test = teadata.load(dataset).split(f"{subset}/test")
        return Prediction(
            dataset=dataset,
            subset=subset,
            energies=test.energies + rng.normal(size=len(test)),
            forces=test.forces + noise * rng.normal(size=test.forces.shape),
            frame_ids=test.ids,
            model=model,
            train=f"{subset}/train/100",
        )

    return prediction


@pytest.fixture(scope="session")
def page(predicted, tmp_path_factory) -> Path:
    """A report on two models of a molecule and one of a periodic system."""
    folder = tmp_path_factory.mktemp("report")
    files = []
    for n, (dataset, subset, model, noise) in enumerate(
        (
            ("mini-hydrogen", "complete", "MACE", 1.0),
            ("mini-hydrogen", "complete", "<b>&mine", 2.0),
            ("mini-i", "unfolded", "MACE", 1.0),
        )
    ):
        files.append(folder / f"{n}.npz")
        teaeval.write_prediction(files[-1], predicted(dataset, subset, model, noise))
    path = folder / "report.html"
    write(files, path, title="Three & a <half>", frames=4, replicates=20)
    return path
