"""Checks of a changed prediction."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from teadata import Dataset
from teaeval import Finding, Prediction, check


@pytest.fixture(scope="session")
def diagnosed() -> Callable[..., dict[str, Finding]]:
    """Change a prediction and check it: the findings by their code."""

    def find(prediction: Prediction, dataset: Dataset, **changes: Any) -> dict[str, Finding]:
        changed = dataclasses.replace(prediction, **changes)
        before = [np.array(changed.energies), np.array(changed.forces)]
        findings = {finding.code: finding for finding in check(changed, dataset)[1]}
        np.testing.assert_array_equal(before[0], changed.energies)
        np.testing.assert_array_equal(before[1], changed.forces)
        return findings

    return find


@pytest.fixture(scope="session")
def messages(diagnosed) -> Callable[..., dict[str, str]]:
    """Change a prediction and check it: what the findings say, by their code."""

    def find(prediction: Prediction, dataset: Dataset, **changes: Any) -> dict[str, str]:
        return {code: str(item) for code, item in diagnosed(prediction, dataset, **changes).items()}

    return find


@pytest.fixture(scope="session")
def swapped() -> Callable[[np.ndarray, int, int], np.ndarray]:
    """Swap two atoms in every frame."""

    def swap(values: np.ndarray, one: int, other: int) -> np.ndarray:
        result = values.copy()
        result[:, [one, other]] = values[:, [other, one]]
        return result

    return swap
