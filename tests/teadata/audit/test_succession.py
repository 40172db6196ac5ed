"""Frames of a simulation that are split at random are noticed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import teadata
from teadata.audit.finding import Sample
from teadata.audit.succession import check_succession


@pytest.fixture(scope="module")
def simulated():
    """300 frames of simulations, 40 fs apart, whose trajectories nobody states."""
    frames = teadata.load("mini-i").frames[:300]
    return replace(frames, trajectories=None)


def check(card, frames, test):
    members = {("complete", "test"): test}
    members["complete", "train"] = np.setdiff1d(np.arange(len(frames)), test)
    return check_succession(Sample(card=card, frames=frames, members=members))


def test_a_random_split_of_a_simulation(mini_i, simulated):
    test = np.sort(np.random.default_rng(0).permutation(300)[:60])
    found = check(mini_i.card, simulated, test)
    assert found.outcome == "warning"
    assert "100% of the test frames are within 5 places of a training frame" in found.found
    assert "--split-by KEY" in found.found


def test_a_stretch_of_its_own_is_a_test(mini_i, simulated):
    assert check(mini_i.card, simulated, np.arange(200, 300)).outcome == "pass"


def test_frames_in_any_order(mini_i, simulated):
    shuffled = replace(
        simulated, ids=simulated.ids[np.random.default_rng(0).permutation(len(simulated))]
    )
    found = check(mini_i.card, shuffled, np.arange(0, 300, 5))
    assert found.outcome == "pass"
    assert check(mini_i.card, simulated[:60], np.arange(0, 60, 5)).outcome == "not judged"
