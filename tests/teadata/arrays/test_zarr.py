from __future__ import annotations

import numpy as np
import pytest

from teadata import formats
from teadata.arrays import open_arrays
from teadata.errors import DataError


def test_a_lost_chunk_of_a_zarr_store(small, tmp_path):
    formats.write(tmp_path / "f.zarr", small)
    (tmp_path / "f.zarr" / "forces" / "c" / "0" / "0" / "0").unlink()
    with pytest.raises(DataError, match="1 of 1 chunks of forces are missing"):
        list(open_arrays(tmp_path / "f.zarr").pieces(["forces"], 2))


def test_zarr_version_2(tmp_path):
    import zarr

    group = zarr.create_group(tmp_path / "f.zarr", zarr_format=2, attributes={"energy_unit": "eV"})
    group.create_array("energy", data=np.arange(5.0))
    file = open_arrays(tmp_path / "f.zarr")
    np.testing.assert_array_equal(file.whole("energy"), np.arange(5.0))
    assert file.stated(["energy_unit"]) == "eV"
