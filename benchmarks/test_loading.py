"""200 of the 9000 frames of mini-i: one split, against h5py reading every array."""

from __future__ import annotations

import h5py
import pytest

import teadata
from teadata.formats import hdf5

SPLIT = "folded/train/200"


@pytest.fixture(scope="module")
def data():
    data = teadata.load("mini-i")
    data.split(SPLIT)  # the files are hashed at their first use in a process
    return data


@pytest.mark.benchmark(group="200 frames of mini-i")
def test_split(benchmark, data):
    ids = data.splits.ids(SPLIT)
    path = data.path(data.card.file("frames"))
    assert len(benchmark(hdf5.read, path, ids)) == 200


@pytest.mark.benchmark(group="200 frames of mini-i")
def test_everything_with_h5py(benchmark, data):
    rows = data.splits.ids(SPLIT)  # the ids of mini-i are its rows

    def read():
        with h5py.File(data.path(data.card.file("frames"))) as file:
            return {name: file[name][()] for name in file}

    arrays = benchmark(read)
    assert (arrays["ids"][rows] == rows).all()
