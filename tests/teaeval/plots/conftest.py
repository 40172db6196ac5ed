"""Predictions of which the errors are known, molecular and periodic."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import teadata
from teaeval import Prediction
from teaeval.plots.error_summary import ErrorSummary, summarise
from teaeval.scores.examine import examine

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
def molecule(made: Made) -> list[ErrorSummary]:
    return [
        summarise(examine(made("mini-i", "folded", "MACE"))),
        summarise(examine(made("mini-i", "folded", "sGDML", 3.0, 1))),
    ]


@pytest.fixture(scope="session")
def crystal(made: Made) -> ErrorSummary:
    return summarise(examine(made("mini-hydrogen", "complete", "MACE")))
