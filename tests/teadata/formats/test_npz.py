from __future__ import annotations

import numpy as np
import pytest

from teadata import Frames, formats
from teadata.errors import DataError
from teadata.formats import npz


def test_units_are_converted_when_read(small, tmp_path):
    path = tmp_path / "frames.npz"
    content = npz.arrays(small)
    content |= {"e_unit": "eV", "r_unit": "Bohr", "E": np.ones((len(small), 1))}
    np.savez(path, **content)
    frames = formats.read(path)
    assert frames.energies == pytest.approx(23.06054783, rel=1e-9)
    np.testing.assert_allclose(frames.positions, small.positions * 0.529177210903, rtol=1e-14)
    np.testing.assert_allclose(frames.forces, small.forces * 23.06054783 / 0.529177210903, 1e-9)


def test_npz_leaves_out_a_cell_that_is_not_periodic(small, tmp_path):
    boxed = Frames(small.numbers, small.positions, small.energies, small.forces, [np.eye(3)] * 8)
    formats.write(tmp_path / "f.npz", boxed)
    assert formats.read(tmp_path / "f.npz").cell is None


def test_a_lattice_per_frame_does_not_fit_sgdmls_format(tmp_path):
    frames = Frames(
        numbers=[1],
        positions=np.zeros((2, 1, 3)),
        energies=[0, 0],
        forces=np.zeros((2, 1, 3)),
        cell=[np.eye(3), 2 * np.eye(3)],
        pbc=(True, True, True),
    )
    with pytest.raises(DataError, match="holds one lattice"):
        formats.write(tmp_path / "f.npz", frames)
    assert list(tmp_path.iterdir()) == []
