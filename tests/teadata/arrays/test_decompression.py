from __future__ import annotations

import h5py
import pytest

from teadata.arrays import open_arrays
from teadata.errors import DataError


def test_arrays_that_were_never_written(tmp_path):
    """A few kB that stand for terabytes of fill values."""
    with h5py.File(tmp_path / "f.h5", "w") as file:
        file.create_dataset("forces", (10**9, 100, 3), float, chunks=(1000, 100, 3))
    with pytest.raises(DataError, match="claim to hold 2400000000000, over 100 times"):
        open_arrays(tmp_path / "f.h5")


def test_a_zarr_array_that_was_never_written(tmp_path):
    import zarr

    group = zarr.create_group(tmp_path / "f.zarr")
    group.create_array("forces", shape=(10**9, 100, 3), dtype=float, chunks=(1000, 100, 3))
    with pytest.raises(DataError, match="claim to hold 2400000000000, over 100 times"):
        open_arrays(tmp_path / "f.zarr")
