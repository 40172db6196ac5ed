"""Duplicates and leaks are planted, and found."""

from __future__ import annotations

import numpy as np
import pytest

from teadata import Frames

from .planted import ROLES, changed, crystal, findings, found_wrong, not_passed


def disguised(frames: Frames, row: int, noise: float = 0.0, seed: int = 1) -> np.ndarray:
    """The positions of a frame with like atoms exchanged, mirrored through the origin, wrapped."""
    rng = np.random.default_rng(seed)
    position = frames.positions[row] + rng.integers(-1, 2, (8, 3)) @ frames.cell[row]
    for number in (11, 17):
        members = np.flatnonzero(frames.numbers == number)
        position[members] = position[rng.permutation(members)]
    return -position + [1.0, 2.0, 3.0] + rng.normal(scale=noise, size=(8, 3))


def test_a_disguised_copy_is_an_exact_duplicate_whatever_its_energy(dataset):
    frames = crystal()
    positions = frames.positions.copy()
    positions[7] = disguised(frames, 22)
    found = findings(dataset(changed(frames, positions=positions)))
    assert found_wrong(found) == {"duplicates": "fail"}
    assert found["duplicates"].evidence["pairs"][0]["frames"] == [1007, 1022]
    error = abs(frames.energies[7] - frames.energies[22])
    assert found["duplicates"].evidence["energy_difference"] == pytest.approx(error)


@pytest.mark.parametrize("role", ["valid", "test"])
def test_a_near_copy_of_a_training_frame_is_leakage(dataset, role):
    frames = crystal()
    positions = frames.positions.copy()
    row = ROLES[role].start + 3
    positions[row] = disguised(frames, 4, noise=0.003)
    found = findings(dataset(changed(frames, positions=positions)))
    assert found_wrong(found) == {
        "duplicates": "warning",
        "roles": "fail",
        "leakage complete->complete": "fail",
    }
    task = found["leakage complete->complete"]
    assert f"{role}: 1 near duplicates (e.g. frames 1004 and {1000 + row})" in task.found
    assert task.evidence[role]["pairs"][0]["frames"] == [1004, 1000 + row]
    share = task.evidence[role]["nearer than train to train"]["closest"]
    assert share >= 1 / (ROLES[role].stop - ROLES[role].start)


def test_a_shared_frame_and_a_shared_trajectory_are_leakage(dataset):
    frames = crystal()
    test = frames.ids[ROLES["test"]].copy()
    test[0] = frames.ids[2]
    found = findings(dataset(frames, test=test))["leakage complete->complete"]
    assert found.outcome == "fail"
    assert "test: 1 shared frames; test: 1 shared trajectories" in found.found
    assert found.evidence["test"]["near_duplicates"] == 0


def test_a_dense_trajectory_is_no_leak_and_no_warning(dataset):
    frames = crystal()
    rng = np.random.default_rng(3)
    start = frames.positions[::5].repeat(5, axis=0)
    positions = start + rng.normal(scale=0.003, size=start.shape)
    data = dataset(changed(frames, positions=positions))
    assert not_passed(data) == {}
    evidence = findings(data)["duplicates"].evidence
    assert evidence["near"] == 90
    assert evidence["near_in_other_trajectories"] == 0
    unknown = dataset(changed(frames, positions=positions, trajectories=None))
    assert not_passed(unknown) == {"duplicates": "warning"}
