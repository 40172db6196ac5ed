"""Predictions of which the errors are known, scores of several models, and a real browser."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import teadata
import teaeval
from teadata import Dataset
from teaeval import Prediction, Score

Made = Callable[..., Prediction]

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


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


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    """Headless Chromium: $CHROMIUM, or one on the path, or Playwright's own."""
    sync_api = pytest.importorskip("playwright.sync_api")
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)
    with sync_api.sync_playwright() as play:
        if found is None and not Path(play.chromium.executable_path).exists():
            pytest.skip(
                f"no browser: none of {', '.join(BROWSERS)} on the path, none of Playwright's; "
                "install one, or set CHROMIUM to its path"
            )
        options = ["--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader"]
        with play.chromium.launch(executable_path=found, args=options) as running:
            yield running


@pytest.fixture(scope="session")
def becomes() -> Callable[..., None]:
    """Wait until an expression is true in a tab.

    Playwright's `wait_for_function` evaluates it in the page after its first look, which the
    policies of our pages forbid.
    """

    def wait(tab: Any, expression: str, seconds: float = 30.0) -> None:
        end = time.monotonic() + seconds
        while not tab.evaluate(expression):
            assert time.monotonic() < end, expression
            tab.wait_for_timeout(20)

    return wait
