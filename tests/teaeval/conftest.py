"""Predictions of which the errors are known, and scores of several models."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import teadata
import teaeval
from teadata import Dataset
from teaeval import Prediction, Score

Made = Callable[..., Prediction]


@pytest.fixture(scope="session")
def made() -> Made:
    """A prediction whose force errors grow along the list of atoms; one frame is far off."""

    def make(
        dataset: str, subset: str, model: str | None, noise: float = 1.0, seed: int = 0
    ) -> Prediction:
        rng = np.random.default_rng(seed)
        test = teadata.load(dataset).split(f"{subset}/test")
        scale = noise * np.linspace(0.5, 2.0, test.n_atoms)[:, None]
        forces = test.forces + scale * rng.normal(size=test.forces.shape)
        forces[7, 3, 1] += 60 * noise
        return Prediction(
            dataset=dataset,
            subset=subset,
            energies=test.energies + noise * rng.normal(size=len(test)),
            forces=forces,
            frame_ids=test.ids,
            model=model,
            train=f"{subset}/train/100",
        )

    return make


@pytest.fixture(scope="session")
def scores(mini_i: Dataset) -> list[Score]:
    """Scores of three models, one of them trained on another subset."""
    test = mini_i.split("folded/test")

    def scored(model: str, noise: float, seed: int, train: str = "folded/train/200") -> Score:
        rng = np.random.default_rng(seed)
        prediction = Prediction(
            dataset="mini-i",
            subset="folded",
            energies=test.energies + rng.normal(0, noise, len(test)),
            forces=test.forces + rng.normal(0, noise, test.forces.shape),
            frame_ids=test.ids,
            model=model,
            train=train,
        )
        return teaeval.score(prediction, replicates=20)

    return [
        scored("sGDML", 2.0, 0),
        scored("MACE", 1.0, 1),
        scored("mine", 3.0, 2, "unfolded/train/200"),
    ]
