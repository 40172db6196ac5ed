"""Frame ids are exact or refused, whatever type they come in; energies of atoms are passed over."""

from __future__ import annotations

import h5py
import numpy as np
import pytest

import teaeval
from teadata.errors import DataError
from teaeval.predictions.findings import PredictionError


@pytest.fixture
def save(mini_i, tmp_path):
    """Write a prediction of ten frames, with other fields."""

    def saved(**fields: object):
        test = mini_i.split("folded/test")[:10]
        content = {
            "energy": test.energies, "forces": test.forces[:], "frame_id": test.ids,
            "dataset": "mini-i", "subset": "folded", "energy_unit": "kcal/mol", "length_unit": "Å",
        } | fields  # fmt: skip
        np.savez(tmp_path / "f.npz", **content)
        return tmp_path / "f.npz", test

    return saved


@pytest.mark.parametrize("kind", [float, np.uint64, ">i4", str, "S20"])
def test_frame_ids_of_any_type(save, kind):
    _, test = save()
    path, _ = save(frame_id=test.ids.astype(kind))
    np.testing.assert_array_equal(teaeval.read_prediction(path).frame_ids, test.ids)


def test_frame_ids_with_leading_zeros(save):
    _, test = save()
    path, _ = save(frame_id=np.char.zfill(test.ids.astype(str), 9))
    np.testing.assert_array_equal(teaeval.read_prediction(path).frame_ids, test.ids)


@pytest.mark.parametrize(
    "ids",
    [
        np.full(10, 2**64 - 1, np.uint64),
        np.full(10, 1e300),
        np.full(10, np.nan),
        np.arange(10) + 0.5,
        np.full(10, "1_0"),
        np.full(10, 2**53 + 2.0),
    ],
)
def test_frame_ids_that_are_none(save, ids):
    with pytest.raises(PredictionError, match="type-of-frame_id"):
        teaeval.read_prediction(save(frame_id=ids)[0])


def test_energies_of_atoms_are_no_other_energy(save):
    path, test = save(energies=np.zeros((10, 42)))
    np.testing.assert_array_equal(teaeval.read_prediction(path).energies, test.energies)


def test_two_energies(save):
    _, test = save()
    assert len(teaeval.read_prediction(save(E=test.energies)[0]).energies) == 10
    with pytest.raises(PredictionError, match="energy and E"):
        teaeval.read_prediction(save(E=test.energies + 1)[0])


def test_no_frames(save):
    path, _ = save(energy=np.empty(0), forces=np.empty((0, 42, 3)), frame_id=np.empty(0, int))
    with pytest.raises(DataError, match="holds no frames"):
        teaeval.read_prediction(path)


def test_two_spellings_of_a_unit_agree(save):
    path, test = save(length_unit="A\N{COMBINING RING ABOVE}", r_unit="Ang")
    read = teaeval.read_prediction(path, length_unit="angstrom", dataset="mini-i@1.0.0")
    np.testing.assert_array_equal(read.forces, test.forces)


@pytest.mark.parametrize("numbers", ["[1", "[" * 50_000, "[1, [2, 3]]", '{"a": 1}', "null"])
def test_a_list_of_atomic_numbers_that_is_none(save, tmp_path, numbers):
    with np.load(save()[0]) as whole, h5py.File(tmp_path / "f.h5", "w") as file:
        for name, array in whole.items():
            if array.dtype.kind == "U":
                file.attrs[name] = str(array)
            else:
                file[name] = array
        file.attrs["numbers"] = numbers
    with pytest.raises(DataError, match="expected a list of atomic numbers"):
        teaeval.read_prediction(tmp_path / "f.h5")
