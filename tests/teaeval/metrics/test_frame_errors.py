"""Frame by frame or all at once: the same errors, whatever the pieces."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from teaeval.metrics.definitions import errors, net_forces
from teaeval.metrics.frame_errors import FrameErrors, Quantities, force_errors

values = st.integers(-(10**9), 10**9).map(lambda i: i / 1e5)


def agree(found, expected, scale):
    for name, value in vars(expected).items():
        assert getattr(found, name) == pytest.approx(value, rel=1e-9, abs=1e-11 * scale), name


@given(st.data(), st.integers(1, 8), st.integers(1, 4), st.booleans())
def test_reduced_over_frames_they_are_those_of_all_values(data, count, width, relative):
    shape = (count, width, 3)
    predicted = data.draw(arrays(float, shape, elements=values))
    reference = data.draw(arrays(float, shape, elements=values))
    found = FrameErrors.of(predicted, reference).errors(relative=relative)
    agree(found, errors(predicted, reference, relative=relative), np.abs(reference).max())


@given(st.data(), st.integers(1, 6), st.lists(st.sampled_from([1, 6, 8]), min_size=1, max_size=5))
def test_of_each_element_and_group_they_are_those_of_its_atoms(data, count, elements):
    numbers = np.array(elements)
    predicted = data.draw(arrays(float, (count, len(numbers), 3), elements=values))
    reference = data.draw(arrays(float, predicted.shape, elements=values))
    molecules = [[0], list(range(len(numbers)))]
    table, _ = force_errors(predicted, reference, Quantities.of(numbers, {"mol": molecules}))
    scale = len(numbers) * max(1.0, np.abs(reference).max())
    agree(table["F"].errors(), errors(predicted, reference), scale)
    for symbol, number in (("H", 1), ("C", 6), ("O", 8)):
        atoms = numbers == number
        assert (f"F({symbol})" in table) == atoms.any()
        if atoms.any():
            expected = errors(predicted[:, atoms], reference[:, atoms])
            agree(table[f"F({symbol})"].errors(), expected, scale)
    net = [net_forces(forces, molecules) for forces in (predicted, reference)]
    agree(table["F(mol)"].errors(), errors(*net), scale)


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 1500), st.integers(15, 600), st.integers(0, 99))
def test_pieces_change_no_digit(count, step, seed):
    rng = np.random.default_rng(seed)
    reference = rng.normal(0, 20, (count, 50, 3))
    predicted = reference + rng.normal(size=reference.shape)
    quantities = Quantities.of(rng.choice([1, 6, 8], 50), {"mol": [[0, 1, 2], [7, 8]]})
    whole, _ = force_errors(predicted, reference, quantities)
    parts = [
        force_errors(predicted[i : i + step], reference[i : i + step], quantities)[0]
        for i in range(0, count, step)
    ]
    for name, expected in whole.items():
        found = FrameErrors.joined(part[name] for part in parts)
        assert found.errors() == expected.errors()
        for field in ("mae", "rmse", "max", "mean", "spread"):
            np.testing.assert_array_equal(getattr(found, field), getattr(expected, field))


def test_an_exploded_frame_does_not_overflow(recwarn):
    found = FrameErrors.of(np.array([1e300, 0.0]), np.zeros(2)).errors()
    assert found.rmse == pytest.approx(1e300 / np.sqrt(2))
    forces = np.zeros((2, 2, 3))
    forces[0, 0, 0] = 1e300
    table, _ = force_errors(forces, np.ones_like(forces), Quantities.of(np.array([1, 6])))
    assert table["F"].errors().rmse == pytest.approx(1e300 / np.sqrt(12))
    assert table["F(H)"].errors().rmse == pytest.approx(1e300 / np.sqrt(6))
    assert table["F(C)"].errors().rmse == pytest.approx(1)
    forces[:, 0, 0] = 1.2e154  # the square of each is finite, the sum of both is not
    table, _ = force_errors(forces, np.zeros_like(forces), Quantities.of(np.array([1, 6])), 2)
    assert table["F"].errors().rmse == pytest.approx(1.2e154 / np.sqrt(6))
    assert not recwarn.list


def test_a_frame_without_a_prediction_has_no_errors_but_normalises():
    rng = np.random.default_rng(0)
    reference = rng.normal(size=(6, 3, 3))
    predicted = reference + 1
    predicted[2, 1, 1] = np.nan
    predicted[4, 0, 2] = np.inf
    table, _ = force_errors(predicted, reference, Quantities.of(np.array([1, 1, 6])))
    np.testing.assert_array_equal(table["F"].scored, [1, 1, 0, 1, 0, 1])
    found = table["F"].errors()
    assert found.mae == pytest.approx(1)
    assert found.count == 4 * 9
    assert found.std_reference == pytest.approx(reference.std())
    assert found.mean_reference == pytest.approx(np.abs(reference).mean())


@settings(deadline=None, max_examples=50)
@given(st.integers(1, 40), st.sampled_from([1, 2, 4, 16, 64]), st.integers(0, 99))
def test_blocks_have_the_errors_of_their_frames(count, block, seed):
    rng = np.random.default_rng(seed)
    reference = rng.normal(3, 20, (count, 4, 3))
    predicted = reference + rng.normal(size=reference.shape)
    predicted[rng.random(count) < 0.2] = np.nan
    if not np.isfinite(predicted).any():
        predicted[0] = reference[0]
    table, _ = force_errors(predicted, reference, Quantities.of(np.array([1, 1, 6, 8])))
    for found in table.values():
        merged = found.merged(block)
        assert len(merged.mae) == -(-count // block)
        agree(merged.errors(), found.errors(), 1.0)
        np.testing.assert_array_equal(merged.scored, [
            found.scored[i : i + block].any() for i in range(0, count, block)
        ])  # fmt: skip
