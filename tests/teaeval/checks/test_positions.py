"""Frames are found by their geometry, wherever it is shifted and however it is wrapped."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import special_ortho_group

import teadata
from teadata import Frames
from teaeval import Prediction, check
from teaeval.checks.positions import match
from teaeval.engines import Threads

TEST_SETS = {
    "mini-i": "folded",
    "mini-iii": "complete",
    "mini-iv": "complete",
    "mini-hydrogen": "complete",
}


def frames(positions, **more):
    count, atoms, _ = positions.shape
    return Frames(
        numbers=np.ones(atoms, dtype=int),
        positions=positions,
        energies=np.zeros(count),
        forces=np.zeros_like(positions),
        ids=np.arange(count),
        **more,
    )


def found_in(dataset, positions, *, ids=True, order=None, **source):
    """Findings about nearly the reference's values with other positions."""
    test = teadata.load(dataset).split(f"{TEST_SETS[dataset]}/test")
    order = np.arange(len(test)) if order is None else order
    prediction = Prediction(
        dataset=dataset,
        subset=TEST_SETS[dataset],
        energies=test.energies[order] + 0.1 * np.sin(order),
        forces=test.forces[order] * 1.01,
        frame_ids=test.ids if ids else None,
        positions=positions(test)[order],
        source={"energy_unit": "kcal/mol", "length_unit": "Å"} | source,
    )
    return {item.code: item for item in check(prediction)[1]}


def wrapped(test):
    return test.positions @ np.linalg.inv(test.cell) % 1.0 @ test.cell


def centred(test):
    return test.positions - test.positions.mean(axis=1, keepdims=True)


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 20), st.integers(0, 20), st.integers(0, 2**32 - 1), st.booleans())
def test_matching_finds_what_is_there_and_nothing_else(known, unknown, seed, shifted):
    rng = np.random.default_rng(seed)
    reference = rng.normal(size=(known, 5, 3))
    order = rng.permutation(known)
    strangers = rng.normal(size=(unknown, 5, 3)) + 10
    positions = np.concatenate([reference[order], strangers])
    if shifted:
        positions += rng.normal(size=(len(positions), 1, 3))
    found = match(positions, frames(reference), Threads())
    expected = np.concatenate([order, np.full(unknown, -1)])
    np.testing.assert_array_equal(found.places.rows, expected)
    np.testing.assert_array_equal(found.moved, np.arange(known if shifted else 0))
    assert not len(found.infinite)


@settings(deadline=None, max_examples=50)
@given(
    st.integers(0, 2**32 - 1),
    st.tuples(st.booleans(), st.booleans(), st.booleans()),
    st.booleans(),
)
def test_atoms_may_be_in_any_image_of_any_cell(seed, pbc, shifted):
    """The cells are skewed; along an axis that is not periodic there are no images."""
    rng = np.random.default_rng(seed)
    cell = rng.normal(size=(8, 3, 3)) + 4 * np.eye(3)
    reference = rng.normal(size=(8, 6, 3)) * 5
    images = rng.integers(-3, 4, size=(8, 6, 3))
    moved = reference + np.where(pbc, images, 0) @ cell
    moved += shifted * rng.normal(size=(8, 1, 3)) * 100
    test = frames(reference, cell=cell, pbc=pbc)
    np.testing.assert_array_equal(match(moved, test, Threads()).places.rows, np.arange(8))
    if not all(pbc):
        images[:, 0], images[:, 1:] = 1, 0
        strange = reference + np.where(pbc, 0, images) @ cell
        assert (match(strange, test, Threads()).places.rows == -1).all()
    strange = moved.copy()
    strange[:, 3, 1] += 0.01
    assert (match(strange, test, Threads()).places.rows == -1).all()


@pytest.mark.parametrize("ids", [True, False])
@pytest.mark.parametrize(
    ("dataset", "change"),
    [(name, centred) for name in TEST_SETS]
    + [(name, wrapped) for name in TEST_SETS if name != "mini-i"]
    + [("mini-iv", lambda test: wrapped(test) - 7.0)],
)
def test_the_same_geometry_elsewhere_is_said_and_scored(dataset, change, ids):
    found = found_in(dataset, change, ids=ids)
    assert list(found) == ["moved-positions"]
    assert found["moved-positions"].severity == "warning"


def test_shifted_frames_in_another_order_are_found_without_ids():
    order = np.random.default_rng(0).permutation(200)
    assert list(found_in("mini-iii", centred, ids=False, order=order)) == ["moved-positions"]


@pytest.mark.parametrize("change", [centred, wrapped, lambda test: test.positions])
def test_frames_of_other_ids_are_still_found(change):
    order = np.arange(200)
    order[[5, 60]] = [60, 5]
    found = found_in("mini-iii", change, order=order)
    assert "2 of 200 frames" in found["shuffled-frames"].found


@pytest.mark.parametrize("ids", [True, False])
def test_fractional_positions_are_named(ids):
    found = found_in("mini-iv", lambda t: t.positions @ np.linalg.inv(t.cell), ids=ids)
    assert list(found) == ["fractional-positions"]


@pytest.mark.parametrize("dataset", TEST_SETS)
def test_another_unit_is_named_behind_a_shift(dataset):
    found = found_in(dataset, lambda t: (t.positions - 3.0) * 0.1)
    assert list(found) == ["unit-of-positions"]
    assert found["unit-of-positions"].evidence["unit"] == "nm"


def test_frames_turned_each_by_itself_are_named():
    turns = special_ortho_group(3, seed=0)
    found = found_in("mini-i", lambda t: t.positions @ turns.rvs(len(t)))
    assert list(found) == ["turned-positions"]


@pytest.mark.parametrize("name", ["mini-iii", "mini-hydrogen"])
def test_wrapped_frames_are_found_in_any_order(name):
    test = teadata.load(name).split(f"{TEST_SETS[name]}/test")
    order = np.random.default_rng(0).permutation(len(test))
    found = found_in(name, lambda test: wrapped(test) - 0.3, ids=False, order=order)
    assert set(found) == {"moved-positions"}


@pytest.mark.parametrize("ids", [True, False])
def test_molecules_that_were_wrapped_into_a_box_are_named(ids):
    found = found_in("mini-i", lambda test: (test.positions + 20.0) % 25.0, ids=ids)
    assert {code for code, item in found.items() if item.severity == "error"} == {
        "wrapped-positions"
    }
    assert "× 25 × 25 Å, into which atoms are wrapped" in found["wrapped-positions"].found
    assert "save frame_id" in found["wrapped-positions"].remedy


def test_wrapped_molecules_in_another_order_are_thought_of():
    backwards = np.arange(2500)[::-1]
    found = found_in("mini-i", lambda test: test.positions % 25.0, ids=False, order=backwards)
    assert "if atoms are wrapped into a cell, add frame_id" in found["extra-frames"].remedy
