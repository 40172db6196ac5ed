"""What is read past the HDF5 library is what the library reads."""

from __future__ import annotations

import ctypes
import zlib
from concurrent.futures import ThreadPoolExecutor

import h5py
import numpy as np
import pytest

from teadata.arrays import StoredArray, open_arrays
from teadata.errors import DataError

SHAPE = (90, 7, 3)

WAYS = {
    "in one place": {},
    "in one place of a file with a block before it": {},
    "gzip": {"chunks": (16, 7, 3), "compression": "gzip"},
    "gzip of a file with a block before it": {"chunks": (16, 7, 3), "compression": "gzip"},
    "gzip after shuffle": {"chunks": (16, 7, 3), "compression": "gzip", "shuffle": True},
    "gzip, rows in parts": {"chunks": (11, 4, 2), "compression": "gzip", "shuffle": True},
    "gzip, one chunk larger than the array": {
        "chunks": (128, 7, 3), "maxshape": (None, 7, 3), "compression": "gzip",
    },
    "gzip with checksums": {"chunks": (16, 7, 3), "compression": "gzip", "fletcher32": True},
    "lzf": {"chunks": (16, 7, 3), "compression": "lzf"},
    "chunks": {"chunks": (16, 7, 3)},
}  # fmt: skip


@pytest.mark.parametrize("dtype", ["f8", "f4", ">f8", "i4", "u1", "f2"])
@pytest.mark.parametrize("way", WAYS)
def test_rows_are_those_that_the_library_reads(way, dtype, tmp_path):
    rng = np.random.default_rng(0)
    values = rng.normal(0, 40, SHAPE).astype(dtype)
    if way.startswith("gzip"):  # chunks that gzip makes larger are stored as they were
        if dtype == "u1":
            values[:30] = rng.integers(256, size=values[:30].shape)
        values[40:] = 3
    path = tmp_path / "arrays.h5"
    options = {"userblock_size": 1024} if "a block before" in way else {}
    with h5py.File(path, "w", **options) as file:
        file.create_dataset("forces", data=values, **WAYS[way])
    stored = StoredArray.of(open_arrays(path), "forces")
    for rows in (slice(None), slice(15, 16), slice(3, 70), slice(80, 400), slice(5, 5)):
        np.testing.assert_array_equal(stored[rows], values[rows])
        np.testing.assert_array_equal(stored[rows], values[rows])  # once it is known how
    picked = rng.permutation(len(values))[:20]
    np.testing.assert_array_equal(stored[picked], values[picked])
    np.testing.assert_array_equal(stored[20:60][-3:], values[57:60])


def test_numbers_of_unusual_precision_are_left_to_the_library(tmp_path):
    """They have the size of a double in NumPy, and other bits in the file."""
    kind = h5py.h5t.IEEE_F64LE.copy()
    kind.set_fields(63, 50, 13, 0, 50)
    kind.set_ebias(4095)
    values = np.linspace(-2, 2, 24).reshape(4, 2, 3)
    with h5py.File(tmp_path / "arrays.h5", "w") as file:
        space = h5py.h5s.create_simple(values.shape)
        made = h5py.h5d.create(file.id, b"forces", kind, space)
        made.write(h5py.h5s.ALL, h5py.h5s.ALL, values)
    stored = StoredArray.of(open_arrays(tmp_path / "arrays.h5"), "forces")
    np.testing.assert_allclose(stored[:], values, rtol=1e-12)


def test_chunks_at_an_edge_may_have_no_filters(tmp_path):
    """H5Pset_chunk_opts, which h5py does not have, leaves the filters out there."""
    values = np.random.default_rng(0).normal(size=SHAPE).round(2)
    settings = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    settings.set_chunk((16, 7, 3))
    settings.set_deflate(4)
    option = ctypes.CDLL(h5py.h5p.__file__).H5Pset_chunk_opts
    assert option(ctypes.c_int64(settings.id), ctypes.c_uint(2)) == 0
    with h5py.File(tmp_path / "arrays.h5", "w", libver="latest") as file:
        space = h5py.h5s.create_simple(SHAPE)
        made = h5py.h5d.create(file.id, b"forces", h5py.h5t.IEEE_F64LE, space, settings)
        h5py.Dataset(made)[...] = values
    stored = StoredArray.of(open_arrays(tmp_path / "arrays.h5"), "forces")
    np.testing.assert_array_equal(stored[:], values)


def test_a_file_that_is_replaced_is_not_read_from_the_places_of_the_old_one(tmp_path):
    path, other = tmp_path / "arrays.h5", tmp_path / "other.h5"
    with h5py.File(path, "w") as file:
        file["forces"] = np.zeros(SHAPE)
    stored = StoredArray.of(open_arrays(path), "forces")
    assert (stored[:5] == 0).all()
    with h5py.File(other, "w") as file:
        file["before"] = np.full(1000, 2.0)
        file["forces"] = np.ones(SHAPE)
    other.replace(path)
    assert (stored[:] == 1).all()
    with h5py.File(other, "w") as file:
        file["forces"] = np.ones((10, 7, 3))
    other.replace(path)
    with pytest.raises(DataError, match="another program has replaced forces"):
        stored[:]


@pytest.mark.parametrize("compression", [None, "gzip"])
def test_a_file_that_was_cut_or_damaged_is_an_error(compression, tmp_path):
    path = tmp_path / "arrays.h5"
    chunks = (16, 7, 3) if compression else None
    with h5py.File(path, "w") as file:
        values = np.random.default_rng(0).normal(size=SHAPE)
        file.create_dataset("forces", data=values, compression=compression, chunks=chunks)
        identity = file["forces"].id
        place = identity.get_chunk_info(2).byte_offset if chunks else identity.get_offset()
    stored = StoredArray.of(open_arrays(path), "forces")
    assert len(stored[:5]) == 5
    content = bytearray(path.read_bytes())
    if compression:
        content[place : place + 200] = bytes(200)
    else:
        content = content[: place + 9000]
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"arrays\.h5"):
        stored[:]


def test_a_chunk_that_would_fill_the_memory_is_an_error(tmp_path):
    path = tmp_path / "arrays.h5"
    with h5py.File(path, "w") as file:
        made = file.create_dataset("forces", SHAPE, chunks=(90, 7, 3), compression="gzip")
        made.id.write_direct_chunk((0, 0, 0), zlib.compress(bytes(1 << 26)))
    with pytest.raises(DataError, match="does not hold the"):
        StoredArray.of(open_arrays(path), "forces")[:]


def test_threads_read_at_the_same_time(tmp_path):
    values = np.random.default_rng(0).normal(size=(4000, 7, 3))
    with h5py.File(tmp_path / "arrays.h5", "w") as file:
        for name, options in WAYS.items():
            more = {"maxshape": (None, 7, 3)} if "maxshape" in options else {}
            file.create_dataset(name, data=values, **options | more)
    file = open_arrays(tmp_path / "arrays.h5")
    arrays = [StoredArray.of(file, name) for name in WAYS]

    def look(place: int) -> bool:
        start = place * 37 % 3900
        found = arrays[place % len(arrays)][start : start + 100]
        return np.array_equal(found, values[start : start + 100])

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(look, range(600)))
