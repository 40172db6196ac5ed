from __future__ import annotations

import h5py
import numpy as np

from teadata import formats


def test_hdf5_is_compact_and_reproducible(small, tmp_path):
    for name in ("a.h5", "b.h5"):
        formats.write(tmp_path / name, small)
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()
    with h5py.File(tmp_path / "a.h5") as file:
        # the labelled positions lie on a grid that single precision holds
        assert file["positions"].dtype == np.float32
        assert file["energies"].dtype == np.float64
