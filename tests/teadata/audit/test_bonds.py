"""Gradients in place of forces are found in whatever system."""

from __future__ import annotations

import numpy as np
import pytest

import teadata
from teadata import Frames, SplitTable
from teadata.audit import audit_frames

from .planted import changed, crystal


def sign_of(card, frames):
    table = SplitTable({("complete", "train"): frames.ids})
    found = {finding.name: finding for finding in audit_frames(card, frames, table)}
    return found["sign of forces"]


def card_of_one_subset(data):
    return data.card.model_copy(update={"tasks": [], "subsets": {"complete": "all"}})


def check_both_signs(card, frames):
    right = sign_of(card, frames)
    assert right.outcome == "pass"
    assert right.evidence["median"] < -0.5
    wrong = sign_of(card, changed(frames, forces=-frames.forces))
    assert wrong.outcome == "fail"
    assert "turn the sign of the forces" in wrong.found
    assert wrong.evidence["median"] == pytest.approx(-right.evidence["median"])


@pytest.mark.parametrize(
    ("name", "count"),
    [("mini-i", 12), ("mini-ii", 60), ("mini-iii", 12), ("mini-iv", 60), ("mini-hydrogen", 200)],
)
def test_gradients_are_told_from_forces(name, count):
    data = teadata.load(name)
    rows = np.linspace(0, len(data.frames) - 1, count).astype(int)
    check_both_signs(card_of_one_subset(data), data.frames[rows])


@pytest.mark.parametrize("state", ["1000K-0.5", "1000K-0.9", "2000K-0.8", "2000K-1.5"])
def test_gradients_are_told_where_molecules_come_and_go(state):
    data = teadata.load("mini-hydrogen")
    check_both_signs(card_of_one_subset(data), data.split(f"{state}/test"))


@pytest.mark.parametrize("bound_at_first", [True, False])
def test_gradients_are_told_where_every_bond_breaks(mini_i, bound_at_first):
    """Eight atoms, of which other two are bonded in each frame, by a spring."""
    rng = np.random.default_rng(0)
    positions = 10.0 * np.array(list(np.ndindex(2, 2, 2))) * np.ones((60, 1, 1))
    forces = np.zeros_like(positions)
    for frame in range(0 if bound_at_first else 1, 60):
        one, other = rng.permutation(8)[:2]
        axis, length = rng.normal(size=3), rng.normal(1.3, 0.08)
        axis /= np.linalg.norm(axis)
        positions[frame, other] = positions[frame, one] + length * axis
        forces[frame, other] = -600 * (length - 1.3) * axis + rng.normal(scale=10, size=3)
        forces[frame, one] = -forces[frame, other]
    frames = Frames([6] * 8, positions, np.zeros(60), forces)
    check_both_signs(card_of_one_subset(mini_i), frames)


def test_what_cannot_be_told_is_not_judged(mini_i):
    card = card_of_one_subset(mini_i)
    few = sign_of(card, mini_i.frames[:5])
    assert (few.outcome, few.found) == ("not judged", "fewer than 10 frames")
    frames = mini_i.frames[:20]
    apart = changed(frames, positions=frames.positions * 3)
    assert sign_of(card, apart).found == "fewer than 10 bonds of a kind"
    random = sign_of(card, crystal())
    assert random.outcome == "not judged"
    assert "says nothing about the sign" in random.found
