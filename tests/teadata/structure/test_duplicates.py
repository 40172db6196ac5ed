"""One definition of a geometry that is there twice, and a search that misses none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from teadata import Frames
from teadata.structure import duplicates
from teadata.structure.duplicates import Signatures, copies, first_alike, sizes
from teadata.structure.fingerprint import SAME, fingerprints

PERIODICITIES = ([True] * 3, [True, True, False], [False, True, False], [False] * 3)
CELL = np.array([[7.0, 0.0, 0.0], [1.0, 8.0, 0.0], [-0.5, 0.7, 9.0]])


def random_frames(count: int, pbc, seed: int = 0) -> Frames:
    rng = np.random.default_rng(seed)
    positions = rng.uniform(size=(count, 10, 3)) @ CELL
    cell = np.tile(CELL, (count, 1, 1)) if np.any(pbc) else None
    numbers = [1, 1, 1, 1, 6, 6, 6, 8, 8, 8]
    return Frames(numbers, positions, np.zeros(count), np.zeros_like(positions), cell, pbc)


@pytest.mark.parametrize("pbc", PERIODICITIES)
def test_a_copy_is_found_whatever_was_done_to_it(pbc):
    """Like atoms exchanged, mirrored, moved, wrapped, turned, and written with few digits."""
    frames = random_frames(60, pbc)
    rng = np.random.default_rng(1)
    positions, cell = frames.positions.copy(), None if frames.cell is None else frames.cell.copy()
    rotation, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    for row in range(30):
        images = rng.integers(-2, 3, (10, 3)) * np.array(pbc) @ CELL
        exchanged = np.concatenate([rng.permutation(4), 4 + rng.permutation(3), [7, 8, 9]])
        noise = rng.uniform(-1, 1, (10, 3)) * 0.49 * SAME / np.sqrt(3)
        moved = -(frames.positions[59 - row] + images)[exchanged] + [1, 2, 3] + noise
        positions[row] = moved @ rotation
        if cell is not None:
            cell[row] = CELL @ rotation
    later, earlier = copies(replace(frames, positions=positions, cell=cell))
    np.testing.assert_array_equal(later, np.arange(30, 60))
    np.testing.assert_array_equal(earlier, 59 - later)


@pytest.mark.parametrize("rows", [7, 4096])
def test_the_search_finds_what_comparing_all_pairs_does(monkeypatch, rows):
    monkeypatch.setattr(duplicates, "ROWS", rows)
    monkeypatch.setattr(duplicates, "CONFIRMED", 5)
    few = random_frames(12, [False] * 3)
    noise = np.random.default_rng(2).normal(scale=3e-4, size=(96, 10, 3))
    frames = Frames.concatenate([few] * 8)
    frames = replace(frames, positions=frames.positions + noise)
    values, lengths = fingerprints(frames).values, sizes(frames)
    expected = np.arange(96)
    for row in range(96):
        for other in range(row):
            gap = max(np.ptp(each[[row, other]], axis=0).max() for each in (values, lengths))
            if expected[other] == other and gap < SAME:
                expected[row] = other
                break
    assert 12 < len(np.unique(expected)) < 90
    found = first_alike(Signatures.of(frames), lambda rows: frames[rows])
    np.testing.assert_array_equal(found, expected)


def test_frames_that_cannot_be_compared_are_no_copies():
    frames = random_frames(6, [True] * 3)
    cell = frames.cell.copy()
    cell[2] = np.nan
    cell[5] = np.inf
    assert len(copies(replace(frames, cell=cell))[0]) == 0
    twice = replace(frames, cell=None, positions=frames.positions[[0, 1, 2, 3, 4, 1]])
    later, earlier = copies(twice)
    assert (later, earlier) == ([5], [1])
    assert len(copies(frames[:0])[0]) == 0


def test_what_is_beyond_the_cutoff_of_fingerprints_is_seen():
    distances = np.array([7.0, 8.0, 8.0004, 20.0])
    positions = np.zeros((4, 2, 3))
    positions[:, 1, 0] = distances
    frames = Frames([1, 1], positions, np.zeros(4), np.zeros_like(positions))
    assert np.ptp(fingerprints(frames).values) == 0
    later, earlier = copies(frames)
    assert (later, earlier) == ([2], [1])


def test_frames_may_lie_in_memory_in_any_order():
    frames = random_frames(5, [True] * 3)
    arrays = {name: np.asfortranarray(getattr(frames, name)) for name in ("positions", "cell")}
    later, earlier = copies(Frames.concatenate([frames, replace(frames, **arrays)]))
    np.testing.assert_array_equal(later - earlier, [5] * 5)
    assert len(copies(replace(frames, **arrays, forces=frames.forces))[0]) == 0
