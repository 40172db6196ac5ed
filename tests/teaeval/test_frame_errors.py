"""Frame by frame or all at once: the same errors, whatever the pieces."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from teadata import Frames
from teaeval.frame_errors import FrameErrors, frame_table
from teaeval.metrics import errors

values = st.integers(-(10**9), 10**9).map(lambda i: i / 1e5)


@given(st.data(), st.integers(1, 8), st.integers(1, 4), st.booleans())
def test_reduced_over_frames_they_are_those_of_all_values(data, count, width, relative):
    shape = (count, width, 3)
    predicted = data.draw(arrays(float, shape, elements=values))
    reference = data.draw(arrays(float, shape, elements=values))
    found = FrameErrors.of(predicted, reference).errors(relative=relative)
    expected = errors(predicted, reference, relative=relative)
    scale = np.abs(reference).max()
    for name, value in vars(expected).items():
        assert getattr(found, name) == pytest.approx(value, rel=1e-9, abs=1e-11 * scale), name


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 1500), st.integers(15, 600), st.integers(0, 99))
def test_pieces_change_no_digit(count, step, seed):
    rng = np.random.default_rng(seed)
    test = Frames(
        numbers=[8, 1, 1, 6, 1],
        positions=np.zeros((count, 5, 3)),
        energies=rng.normal(-40000, 10, count),
        forces=rng.normal(0, 20, (count, 5, 3)),
    )
    order = rng.permutation(count)
    energies = test.energies + rng.normal(size=count)
    forces = test.forces + rng.normal(size=test.forces.shape)
    groups = {"mol": [[0, 1, 2]]}
    whole = frame_table(energies, forces, test, groups, step=count)
    shuffled = np.argsort(order)
    pieces = frame_table(energies[order], forces[order], test, groups, shuffled, step)
    assert list(pieces) == ["E", "F", "F(H)", "F(C)", "F(O)", "F(mol)"]
    for name, expected in whole.items():
        assert pieces[name].errors() == expected.errors()
        for field in ("mae", "rmse", "max", "mean", "spread"):
            np.testing.assert_array_equal(getattr(pieces[name], field), getattr(expected, field))


def test_an_exploded_frame_does_not_overflow(recwarn):
    found = FrameErrors.of(np.array([1e300, 0.0]), np.zeros(2)).errors()
    assert found.rmse == pytest.approx(1e300 / np.sqrt(2))
    assert not recwarn.list
