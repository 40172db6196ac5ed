"""Fingerprints do not see what physics does not see, and see everything else."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from teadata import Frames
from teadata.errors import DataError
from teadata.structure.fingerprint import CUTOFF, fingerprints, nearest, rms
from teadata.structure.neighbours import distances

PERIODICITIES = ([True] * 3, [True, True, False], [False, True, False], [False] * 3)


def make(numbers, positions, cell=None, pbc=(False,) * 3) -> Frames:
    positions = np.asarray(positions, dtype=float)
    return Frames(
        numbers=numbers,
        positions=positions,
        energies=np.zeros(len(positions)),
        forces=np.zeros_like(positions),
        cell=cell,
        pbc=pbc,
    )


def random_cell(rng: np.random.Generator) -> np.ndarray:
    """A triclinic cell, from smaller than the cutoff to larger than twice that."""
    return rng.uniform(3, 14) * (np.eye(3) + rng.uniform(-0.3, 0.3, (3, 3)))


def copy_of(frames: Frames, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Positions and cell of the first frame, as another programme would have written them."""
    position, cell, pbc = frames.positions[0].copy(), frames.cell[0].copy(), frames.pbc
    position += rng.integers(-2, 3, position.shape) * pbc @ cell
    if pbc.all():
        cell[1] += cell[0]
        cell[2] -= cell[1]
    for number in np.unique(frames.numbers):
        members = np.flatnonzero(frames.numbers == number)
        position[members] = position[rng.permutation(members)]
    rotation, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    return position @ rotation + rng.normal(size=3), cell @ rotation


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10**6), st.sampled_from(PERIODICITIES), st.integers(1, 12))
def test_a_copy_has_the_same_fingerprint(seed, pbc, atoms):
    rng = np.random.default_rng(seed)
    numbers, cell = rng.choice([1, 6, 8], atoms), random_cell(rng)
    first = make(numbers, [rng.uniform(size=(atoms, 3)) @ cell], cell[None], pbc)
    copied, other_cell = copy_of(first, rng)
    frames = make(numbers, [first.positions[0], copied], [cell, other_cell], pbc)
    values = fingerprints(frames).values
    assert np.abs(values[0] - values[1]).max() < 1e-5


@pytest.mark.parametrize("pbc", PERIODICITIES)
def test_independent_frames_are_far_apart(pbc):
    rng = np.random.default_rng(0)
    positions = 5.0 * rng.uniform(size=(200, 16, 3))
    values = fingerprints(make([1] * 16, positions, [5.0 * np.eye(3)] * 200, pbc)).values
    assert nearest(values, values, (np.arange(200),) * 2)[0].min() > 0.05


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10**6), st.sampled_from(PERIODICITIES), st.floats(1e-4, 0.5))
def test_no_entry_changes_by_more_than_twice_the_displacement(seed, pbc, displacement):
    rng = np.random.default_rng(seed)
    cell = random_cell(rng)
    position = rng.uniform(size=(8, 3)) @ cell
    step = rng.normal(size=(8, 3))
    step *= displacement / np.linalg.norm(step, axis=1, keepdims=True)
    frames = make([1, 1, 1, 6, 6, 6, 8, 8], [position, position + step], [cell, cell], pbc)
    values = fingerprints(frames).values
    assert np.abs(values[0] - values[1]).max() <= 2 * displacement + 1e-5


def test_the_images_of_a_single_atom_are_its_neighbours():
    cell = 3.0 * np.array([[[0, 1, 1], [1, 0, 1], [1, 1, 0]]])
    found = fingerprints(make([18], np.zeros((1, 1, 3)), cell, [True] * 3))
    np.testing.assert_allclose(found.values, np.full((1, 8), 3 * np.sqrt(2)), rtol=1e-6)
    assert found.shortest[18, 18] == pytest.approx(3 * np.sqrt(2))


@pytest.mark.parametrize("atoms", [1, 2, 6, 24])
def test_in_small_cells_all_neighbours_within_the_cutoff_count(atoms):
    """Whether eight of them are within half of it, in all frames, some, or none."""
    rng = np.random.default_rng(atoms)
    cell = 3.5 * (np.eye(3) + rng.uniform(-0.05, 0.05, (12, 3, 3)))
    frames = make([18] * atoms, rng.uniform(size=(12, atoms, 3)) @ cell, cell, [True] * 3)
    expected = [
        np.sort(np.sort(lengths.reshape(len(lengths), atoms, -1), axis=2)[:, :, :8], axis=1)
        for _, lengths in distances(frames, CUTOFF)
    ]
    expected = np.minimum(np.concatenate(expected), CUTOFF).astype(np.float32)
    np.testing.assert_array_equal(fingerprints(frames).values, expected.reshape(12, -1))


def test_chunks_do_not_matter(monkeypatch):
    frames = make([1, 6, 8, 8], np.random.default_rng(0).normal(size=(23, 4, 3)))
    whole = fingerprints(frames).values
    monkeypatch.setattr("teadata.structure.neighbours.CHUNK", 500)
    np.testing.assert_array_equal(fingerprints(frames).values, whole)


def test_no_frames_and_no_pairs():
    assert len(fingerprints(make([1, 8], np.empty((0, 2, 3)))).values) == 0
    assert fingerprints(make([1], np.zeros((2, 1, 3)))).values.shape == (2, 1)


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        (None, "need finite cell vectors"),
        (np.full((1, 3, 3), np.nan), "need finite cell vectors"),
        ([0.01 * np.eye(3)], "a cell is collapsed"),
    ],
)
def test_cells_that_cannot_be_used(cell, message):
    with pytest.raises(DataError, match=message):
        fingerprints(make([1], np.zeros((1, 1, 3)), cell, [True] * 3))


@given(st.integers(0, 10**6), st.integers(1, 40), st.integers(0, 40), st.booleans())
def test_nearest_is_what_all_pairs_give(seed, queries, references, labelled):
    rng = np.random.default_rng(seed)
    first = (100 + rng.normal(size=(queries, 7))).astype(np.float32)
    second = (100 + rng.normal(size=(references, 7))).astype(np.float32)
    labels = rng.integers(3, size=queries), rng.integers(3, size=references)
    distance, row = nearest(first, second, labels if labelled else None)
    gap = np.sqrt(((first[:, None].astype(float) - second) ** 2).mean(axis=2))
    if labelled:
        gap[labels[0][:, None] == labels[1]] = np.inf
    np.testing.assert_allclose(distance, gap.min(axis=1, initial=np.inf), atol=1e-4)
    for i in np.flatnonzero(row >= 0):
        assert gap[i, row[i]] == pytest.approx(distance[i], abs=1e-6)
    np.testing.assert_array_equal(row < 0, np.isinf(distance))


def test_frames_of_mini_i_tell_each_other_apart(mini_i):
    """40 fs of one trajectory are seen, independent frames are further apart still."""
    frames = mini_i.frames[::3]
    values, runs = fingerprints(frames).values, frames.trajectories
    every = np.arange(len(frames))
    rng = np.random.default_rng(0)
    noisy = frames.positions[:100] + rng.normal(scale=0.005, size=(100, 42, 3))
    both = fingerprints(
        make(frames.numbers, np.concatenate([frames.positions[:100], noisy]))
    ).values
    assert rms(both[:100], both[100:]).max() < 0.01
    assert nearest(values, values, (every, every))[0].min() > 0.05
    assert nearest(values, values, (runs, runs))[0].min() > 0.08
