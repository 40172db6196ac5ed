from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from teadata import Frames
from teadata.structure import neighbours
from teadata.structure.neighbours import distances

PERIODICITIES = ([True] * 3, [True, True, False], [False, True, False], [False] * 3)


def carbon(positions, cell=None, pbc=(False,) * 3) -> Frames:
    count, atoms = np.shape(positions)[:2]
    return Frames([6] * atoms, positions, np.zeros(count), np.zeros_like(positions), cell, pbc)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10**6), st.sampled_from(PERIODICITIES))
def test_distances_are_ases(seed, pbc):
    from ase import Atoms
    from ase.neighborlist import neighbor_list

    rng = np.random.default_rng(seed)
    cell = rng.uniform(3, 14) * (np.eye(3) + rng.uniform(-0.3, 0.3, (3, 3)))
    positions = rng.uniform(-1, 2, size=(1, 5, 3)) @ cell
    _, lengths = next(distances(carbon(positions, cell[None], pbc), 6.0))
    expected = neighbor_list("d", Atoms("C5", positions[0], cell=cell, pbc=pbc), 6.0)
    np.testing.assert_allclose(np.sort(lengths[lengths < 6.0]), np.sort(expected), atol=1e-9)


def test_frames_are_taken_some_at_a_time(monkeypatch):
    frames = carbon(np.random.default_rng(0).normal(size=(23, 4, 3)))
    ((_, whole),) = distances(frames, 5.0)
    monkeypatch.setattr(neighbours, "CHUNK", 100)
    parts = list(distances(frames, 5.0))
    assert len(parts) > 1
    for rows, lengths in parts:
        np.testing.assert_array_equal(lengths, whole[rows])
