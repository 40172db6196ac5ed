"""Gradients in place of forces are found in whatever system."""

from __future__ import annotations

import numpy as np
import pytest

import teadata
from teadata import SplitTable
from teadata.audit import audit_frames

from .planted import changed, crystal


def sign_of(card, frames):
    table = SplitTable({("complete", "train"): frames.ids})
    found = {finding.name: finding for finding in audit_frames(card, frames, table)}
    return found["sign of forces"]


@pytest.mark.parametrize(
    ("name", "count"),
    [("mini-i", 12), ("mini-ii", 60), ("mini-iii", 12), ("mini-iv", 60), ("mini-hydrogen", 64)],
)
def test_gradients_are_told_from_forces(name, count):
    data = teadata.load(name)
    card = data.card.model_copy(update={"tasks": [], "subsets": {"complete": "all"}})
    frames = data.frames
    if name == "mini-hydrogen":  # where molecules stay as they are
        frames = data.split("1000K-0.5/train")
    frames = frames[np.linspace(0, len(frames) - 1, count).astype(int)]
    right = sign_of(card, frames)
    assert right.outcome == "pass"
    assert right.evidence["median"] < -0.5
    wrong = sign_of(card, changed(frames, forces=-frames.forces))
    assert wrong.outcome == "fail"
    assert "turn the sign of the forces" in wrong.found
    assert wrong.evidence["median"] == pytest.approx(-right.evidence["median"])


def test_what_cannot_be_told_passes(mini_i):
    card = mini_i.card.model_copy(update={"tasks": [], "subsets": {"complete": "all"}})
    few = sign_of(card, mini_i.frames[:5])
    assert (few.outcome, few.found) == ("pass", "not judged: fewer than 10 frames")
    frames = mini_i.frames[:20]
    apart = changed(frames, positions=frames.positions * 3)
    assert "no bonds that last" in sign_of(card, apart).found
    random = sign_of(card, crystal())
    assert random.outcome == "pass"
    assert "says nothing about the sign" in random.found
