"""Arrays that stay in their file give what the whole array would."""

from __future__ import annotations

import pickle

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from teadata.arrays import SeekableFile, StoredArray, open_arrays
from teadata.formats.zarr import write_store

COUNT, ATOMS = 700, 4


@pytest.fixture(scope="module")
def values() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(COUNT, ATOMS, 3)).astype(np.float32)


@pytest.fixture(scope="module", params=["h5", "zarr", "zip"])
def stored(request, values, tmp_path_factory) -> StoredArray:
    path = tmp_path_factory.mktemp("stored") / f"arrays.{request.param}"
    if request.param == "h5":
        with h5py.File(path, "w") as file:
            file.create_dataset("forces", data=values, chunks=(64, ATOMS, 3), compression="gzip")
    else:
        write_store(path, {"forces": values}, {})
    file = open_arrays(path)
    assert isinstance(file, SeekableFile)
    return StoredArray.of(file, "forces")


def test_shape_without_reading(stored):
    assert (stored.shape, stored.ndim, len(stored)) == ((COUNT, ATOMS, 3), 3, COUNT)


rows = st.lists(st.integers(0, COUNT - 1), max_size=40)


@settings(deadline=None, max_examples=40)
@given(first=rows, second=st.slices(40), order=st.permutations(range(ATOMS)))
def test_any_rows_in_any_order(stored, values, first, second, order):
    picked = np.array(first, dtype=int)
    expected = values.astype(float)[picked]
    np.testing.assert_array_equal(stored[picked], expected)
    assert stored[picked].dtype == np.float64
    again = stored.take(picked).reordered(np.array(order)).take(second)
    np.testing.assert_array_equal(again[:], expected[second][:, order])
    np.testing.assert_array_equal((-(again * 0.1))[:], -(expected[second][:, order] * 0.1))


@settings(deadline=None, max_examples=20)
@given(start=st.integers(0, COUNT), width=st.integers(0, COUNT))
def test_a_stretch(stored, values, start, width):
    np.testing.assert_array_equal(stored[start : start + width], values[start : start + width])


def test_one_row(stored, values):
    np.testing.assert_array_equal(stored[np.int64(7)], values[7])
    np.testing.assert_array_equal(stored[-1], values[-1])


def test_a_mask(stored, values):
    mask = np.random.default_rng(1).random(COUNT) < 0.1
    np.testing.assert_array_equal(stored[mask], values[mask])
    np.testing.assert_array_equal(
        stored.take(slice(50, 600))[mask[50:600]], values[50:600][mask[50:600]]
    )


def test_it_can_be_sent_to_another_process(stored, values):
    sent = pickle.loads(pickle.dumps(stored.take(slice(100, 300)) * 2.0))
    np.testing.assert_array_equal(sent[5:9], 2.0 * values.astype(float)[105:109])
    assert len(pickle.dumps(stored)) < 10_000  # the file, not its contents


def test_two_orders_follow_each_other(stored, values):
    first, second = np.array([1, 2, 3, 0]), np.array([3, 0, 2, 1])
    found = stored.reordered(first).reordered(second)
    np.testing.assert_array_equal(found[:5], values.astype(float)[:5, first][:, second])
