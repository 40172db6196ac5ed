"""Test sets that are left in their file."""

from __future__ import annotations

import dataclasses
import shutil

import numpy as np
import pytest

import teadata
from teadata import Dataset, Frames, formats
from teadata.errors import DataError
from teadata.formats import zarr
from teadata.provenance import sha256_of
from teadata.stored_frames import StoredFrames, open_frames


@pytest.fixture(params=["mini-i", "mini-iii"])
def dataset(request) -> Dataset:
    return teadata.load(request.param)


def test_what_is_indexed_is_what_is_in_memory(dataset):
    subset = next(iter(dataset.card.subsets))
    expected = dataset.split(f"{subset}/test")
    found = open_frames(dataset.path(dataset.card.file("frames")), expected.ids)
    assert (len(found), found.n_atoms, found.symbols) == (
        len(expected),
        expected.n_atoms,
        expected.symbols,
    )
    for index in (slice(3, 50), slice(None, None, 7), np.array([9, 2, 2, 170])):
        part = found[index]
        assert isinstance(part, Frames)
        for field in dataclasses.fields(Frames):
            value = getattr(expected[index], field.name)
            if field.name not in ("stress", "temperatures") and value is not None:
                np.testing.assert_array_equal(getattr(part, field.name), value)
    np.testing.assert_array_equal(found[-1].ids, expected[-1].ids)
    with pytest.raises(IndexError):
        found[len(found)]
    assert repr(found).startswith(f"StoredFrames({len(expected)} frames of {expected.formula}")
    np.testing.assert_array_equal(found.find(expected.ids[[4, 1]]), [4, 1])
    assert found.find(np.array([-5])).tolist() == [-1]


@pytest.mark.parametrize("name", ["frames.zarr", "frames.zarr.zip"])
def test_a_dataset_of_zarr(mini_i, name, tmp_path):
    path = tmp_path / name
    zarr.write(path, mini_i.frames[:9000], name="mini-i", theory="GFN2-xTB")
    splits = mini_i.card.file("splits")
    shutil.copy(mini_i.path(splits), tmp_path / "splits.parquet")
    entries = [
        mini_i.card.file("frames").model_copy(update={"name": name, "sha256": sha256_of(path)}),
        splits.model_copy(update={"name": "splits.parquet"}),
    ]
    card = mini_i.card.model_copy(update={"files": entries})
    dataset = Dataset(card, tmp_path)
    expected = mini_i.split("folded/test")
    np.testing.assert_array_equal(dataset.split("folded/test").forces, expected.forces)
    assert isinstance(dataset.test_set("folded"), Frames)
    found = Dataset(card, tmp_path, in_memory=0).test_set("folded")
    assert isinstance(found, StoredFrames)
    np.testing.assert_array_equal(found.forces[100:200], expected.forces[100:200])
    np.testing.assert_array_equal(found.trajectories, expected.trajectories)


def test_files_that_cannot_be_read_in_pieces(small, tmp_path):
    formats.write(tmp_path / "frames.xyz", small)
    with pytest.raises(DataError, match="HDF5 or Zarr"):
        open_frames(tmp_path / "frames.xyz", small.ids)
    formats.write(tmp_path / "frames.h5", small)
    with pytest.raises(DataError, match="unknown frame ids"):
        open_frames(tmp_path / "frames.h5", [-1])
