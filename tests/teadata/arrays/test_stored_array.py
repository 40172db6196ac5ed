"""Arrays that stay in their file give what the whole array would."""

from __future__ import annotations

import pickle

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from teadata.arrays import SeekableFile, StoredArray, StoredInts, open_arrays
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


INDICES = [
    3, -1, np.int64(7), slice(5, 90, 7), slice(None, None, -1), [4, -2, 4], [], ..., (), None,
    np.arange(COUNT) % 3 == 0, (3, 1), (3, 1, 2), (slice(2, 9), 0), (slice(None), None),
    ([5, 1], slice(1, 3)), ([5, 1], [0, 3]), (np.arange(COUNT) < 2, [0, 3]), (..., 0), (4, None),
]  # fmt: skip


@pytest.mark.parametrize("index", INDICES, ids=repr)
def test_it_is_indexed_as_an_array(stored, values, index):
    np.testing.assert_array_equal(stored[index], values.astype(float)[index])


@pytest.mark.parametrize(
    "index", [COUNT, [-COUNT - 1], 1.5, [0.5], "a", [True], np.ones(COUNT + 1, bool), [[0]]]
)
def test_an_index_that_is_none_is_refused_as_numpy_does(stored, index):
    for rows in (slice(None), slice(0, COUNT), np.arange(COUNT)[::-1]):
        with pytest.raises(IndexError):
            stored.take(rows)[index]


def test_one_computes_with_it_as_with_an_array(stored, values):
    whole = values.astype(float)
    some = whole[0, :, 0, None]
    for made, expected in [
        (stored - 1.0, whole - 1.0), (some - stored, some - whole), (2 / stored, 2 / whole),
        (stored * some, whole * some), (stored > 0, whole > 0), (stored == whole, whole == whole),
        (np.isfinite(stored), np.isfinite(whole)), (np.asarray(stored, "f4"), values),
        (abs(stored), abs(whole)), (list(stored), whole),
    ]:  # fmt: skip
        np.testing.assert_array_equal(made, expected)
    assert (stored.size, stored.dtype) == (whole.size, whole.dtype)
    with pytest.raises(AttributeError, match=r"'mean'; its numbers are in their file still, \[:\]"):
        stored.mean()
    with pytest.raises(TypeError, match="cannot be changed"):
        stored -= 1.0


def test_all_is_read_in_few_goes(tmp_path, monkeypatch):
    """Not a row at a time, which takes minutes where there are millions."""
    with h5py.File(tmp_path / "arrays.h5", "w") as written:
        written["ids"] = np.arange(COUNT)
    file, goes = open_arrays(tmp_path / "arrays.h5"), []
    assert isinstance(file, SeekableFile)
    section = file.section
    monkeypatch.setattr(file, "section", lambda *rows: goes.append(rows) or section(*rows))
    ids = StoredInts.of(file, "ids")
    assert np.asarray(ids).tolist() == list(ids) == sorted(ids) == list(range(COUNT))
    assert len(goes) == 3
