"""Labels that are still in place of predictions, all of them or some."""

from __future__ import annotations

import numpy as np
import pytest

from teadata import Frames
from teaeval import Finding, Prediction
from teaeval.scores.examine import check_against


@pytest.fixture(scope="module")
def frames(mini_i) -> Frames:
    return mini_i.split("folded/test")[::25]


@pytest.fixture(scope="module")
def predicted(frames) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    energies = frames.energies + rng.normal(size=len(frames))
    return energies, frames.forces + rng.normal(size=frames.forces.shape)


def found(mini_i, frames, energies, forces) -> Finding | None:
    prediction = Prediction("mini-i", "folded", energies, forces, frame_ids=frames.ids)
    findings = check_against(prediction, frames, mini_i)[1]
    return next((item for item in findings if item.code == "reference-itself"), None)


@pytest.mark.parametrize(("labels", "counts"), [("energies", (100, 0)), ("forces", (0, 100))])
def test_one_of_the_two_was_not_replaced(mini_i, frames, predicted, labels, counts):
    values = {"energies": predicted[0], "forces": predicted[1]}
    values[labels] = getattr(frames, labels).round(8)
    warning = found(mini_i, frames, **values)
    assert warning.severity == "warning"
    assert tuple(warning.evidence[name] for name in ("energies", "forces")) == counts


def test_a_loop_that_ended_early(mini_i, frames, predicted):
    energies, forces = (values.copy() for values in predicted)
    energies[97:], forces[97:] = frames.energies[97:], frames.forces[97:]
    warning = found(mini_i, frames, energies, forces)
    assert "in 3 energies and in the forces of 3 of 100 frames" in warning.found


def test_what_differs_is_no_label(mini_i, frames, predicted):
    assert found(mini_i, frames, *predicted) is None
    near = frames.forces + 1e-4
    assert found(mini_i, frames, predicted[0], near) is None
    some = predicted[0].copy()
    some[:5] = frames.energies[:5]  # by chance, or as both are rounded
    assert found(mini_i, frames, some, predicted[1]) is None
