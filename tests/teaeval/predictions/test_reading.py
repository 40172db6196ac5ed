"""Prediction files are read in every format, and everything that is wrong is said at once."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import teadata
import teaeval
from teadata import units
from teadata.errors import DataError
from teaeval import Prediction, PredictionError
from teaeval.predictions.writing import WRITERS

SUFFIXES = sorted({*WRITERS} - {".hdf5", ".extxyz"})


def content(path: Path) -> dict[str, Any]:
    with np.load(path) as archive:
        return dict(archive)


def codes(caught: pytest.ExceptionInfo[PredictionError]) -> list[str]:
    return [finding.code for finding in caught.value.findings]


def test_scores_are_the_same_from_every_format(tmp_path):
    """Of a slab, from every format; tests/teaeval/scores/test_large_files.py has all test sets."""
    test = teadata.load("mini-iii").split("complete/test")[:]
    rng = np.random.default_rng(0)
    made = Prediction(
        "mini-iii",
        "complete",
        test.energies + rng.normal(0, 1, len(test)),
        test.forces + rng.normal(0, 1, test.forces.shape),
        frame_ids=test.ids,
        positions=test.positions,
        numbers=test.numbers,
    )
    expected = teaeval.score(made, replicates=20).rows
    for suffix in SUFFIXES:
        path = tmp_path / f"prediction{suffix}"
        teaeval.write_prediction(path, made)
        assert teaeval.score(teaeval.read_prediction(path), replicates=20).rows == expected


def test_ase_s_trajectories(noisy, mini_i, tmp_path):
    import ase.io

    test = mini_i.split("folded/test")[:20]
    predicted = dataclasses.replace(test, energies=noisy.energies[:20], forces=noisy.forces[:20])
    ase.io.write(tmp_path / "p.traj", predicted.to_ase())
    found = teaeval.read_prediction(tmp_path / "p.traj", dataset="mini-i", subset="folded")
    np.testing.assert_allclose(found.energies, predicted.energies, rtol=1e-14)
    np.testing.assert_allclose(found.forces, predicted.forces, rtol=1e-12)
    np.testing.assert_allclose(found.positions, test.positions, rtol=1e-15)
    assert found.source["energy_unit"] == "eV"  # as ASE has it, said by the format


def test_files_of_mace_eval_configs(noisy, mini_i, tmp_path):
    """Reference and prediction in one file: which is which is not guessed."""
    import ase.io

    images = mini_i.split("folded/test")[:5].to_ase()
    for i, image in enumerate(images):
        image.info["MACE_energy"] = noisy.energies[i] / units.EV
        image.arrays["MACE_forces"] = noisy.forces[i] / units.EV
    path = tmp_path / "mace.xyz"
    ase.io.write(path, images)
    said = {"dataset": "mini-i", "subset": "folded", "energy_unit": "eV", "length_unit": "Å"}
    with pytest.raises(PredictionError, match=r"energy and MACE_energy.*energy_key"):
        teaeval.read_prediction(path, **said)
    keys = {"energy_key": "MACE_energy", "forces_key": "MACE_forces"}
    found = teaeval.read_prediction(path, **said, **keys)
    np.testing.assert_allclose(found.energies, noisy.energies[:5], rtol=1e-7)  # 8 decimals
    np.testing.assert_allclose(found.forces, noisy.forces[:5], atol=1e-6)
    with pytest.raises(PredictionError, match="missing-energy"):
        teaeval.read_prediction(path, **said, energy_key="nonsense")


def test_the_checksum_of_a_folder_is_that_of_its_files(noisy, tmp_path):
    teaeval.write_prediction(tmp_path / "a.zarr", noisy)
    shutil.copytree(tmp_path / "a.zarr", tmp_path / "b.zarr")
    first, second = (teaeval.read_prediction(tmp_path / f"{n}.zarr") for n in "ab")
    assert first.digest() == second.digest()
    chunk = next((tmp_path / "b.zarr" / "energy" / "c").iterdir())
    chunk.rename(chunk.with_name("9"))
    with pytest.raises(DataError, match="chunks of energy are missing"):
        teaeval.read_prediction(tmp_path / "b.zarr")


def test_units_are_converted(noisy, prediction_file):
    arrays = content(prediction_file)
    arrays |= {
        "energy": noisy.energies / 23.060547830619026,
        "forces": noisy.forces / 23.060547830619026 * 0.529177210903,
        "energy_unit": "eV",
        "length_unit": "Bohr",
    }
    np.savez(prediction_file, **arrays)
    again = teaeval.read_prediction(prediction_file)
    np.testing.assert_allclose(again.energies, noisy.energies, rtol=1e-12)
    np.testing.assert_allclose(again.forces, noisy.forces, rtol=1e-12)
    assert again.source["energy_unit"] == "eV"


def test_sgdmls_names_are_read(noisy, mini_i, tmp_path):
    path = tmp_path / "sgdml.npz"
    np.savez(
        path,
        E=noisy.energies[:, None],
        F=noisy.forces,
        R=mini_i.split("folded/test").positions,
        z=noisy.numbers,
        e_unit="kcal/mol",
        r_unit="Ang",
    )
    again = teaeval.read_prediction(path, dataset="mini-i", subset="folded")
    np.testing.assert_array_equal(again.energies, noisy.energies)
    assert again.frame_ids is None
    assert teaeval.score(again).row("F").mae == teaeval.score(noisy).row("F").mae


def test_everything_undeclared_is_named_at_once(noisy, tmp_path):
    path = tmp_path / "bare.npz"
    np.savez(path, energy=noisy.energies, forces=noisy.forces)
    with pytest.raises(PredictionError) as caught:
        teaeval.read_prediction(path)
    assert codes(caught) == [
        "undeclared-dataset",
        "undeclared-subset",
        "undeclared-energy_unit",
        "undeclared-length_unit",
        "unidentified-frames",
    ]
    assert "pass energy_unit" in str(caught.value)
    assert "teaeval.score(FILE, reference=LABELS)" in str(caught.value)
    assert "--" not in str(caught.value)
    assert "pass --energy-unit" in caught.value.told()
    assert "5 errors; not scored" in str(caught.value)


def test_options_may_not_contradict_the_file(prediction_file):
    with pytest.raises(PredictionError) as caught:
        teaeval.read_prediction(prediction_file, subset="unfolded", energy_unit="eV")
    assert codes(caught) == ["contradicting-subset", "contradicting-energy_unit"]
    teaeval.read_prediction(prediction_file, subset="folded")


@pytest.mark.parametrize(
    ("change", "code", "message"),
    [
        ({"subset": "foldde"}, "unknown-subset", "one of: complete, folded, unfolded"),
        ({"dataset": "mini-1"}, "unknown-dataset", "did you mean 'mini-i'"),
        ({"energy_unit": "ev/atom"}, "unknown-energy_unit", "one of: kcal/mol"),
        ({"energy": np.array(["a", "b"])}, "type-of-energy", "real numbers"),
        ({"frame_id": np.array([0.5, 1.0])}, "type-of-frame_id", "integers"),
        ({"E": np.zeros(3)}, "ambiguous-field", "energy and E"),
    ],
)
def test_wrong_fields(prediction_file, change, code, message):
    np.savez(prediction_file, **content(prediction_file) | change)
    with pytest.raises(PredictionError, match=message) as caught:
        teaeval.read_prediction(prediction_file)
    assert codes(caught) == [code]


def test_every_unknown_name_is_reported_at_once(prediction_file):
    wrong = {"subset": "fold", "energy_unit": "cal", "length_unit": "mile"}
    np.savez(prediction_file, **content(prediction_file) | wrong)
    with pytest.raises(PredictionError) as caught:
        teaeval.read_prediction(prediction_file)
    assert codes(caught) == ["unknown-subset", "unknown-energy_unit", "unknown-length_unit"]


@pytest.mark.parametrize("name", ["energy", "forces"])
def test_missing_arrays(prediction_file, name):
    arrays = content(prediction_file)
    del arrays[name]
    np.savez(prediction_file, **arrays)
    with pytest.raises(PredictionError, match=f"missing-{name}"):
        teaeval.read_prediction(prediction_file)


def test_pickles_are_never_loaded(prediction_file, tmp_path):
    marker = tmp_path / "executed"

    class Bomb:
        def __reduce__(self):
            return (Path.touch, (marker,))

    bomb = np.empty(1, dtype=object)
    bomb[0] = Bomb()
    np.savez(prediction_file, **content(prediction_file) | {"energy": bomb})
    with pytest.raises(DataError, match="pickled Python objects, which are never loaded"):
        teaeval.read_prediction(prediction_file)
    assert not marker.exists()


def test_names_of_rmd17_and_folders_of_deepmd(noisy, mini_i, tmp_path):
    test = mini_i.split("folded/test")
    np.savez(
        tmp_path / "rmd17.npz",
        nuclear_charges=test.numbers,
        coords=test.positions,
        energies=noisy.energies / units.EV,
        forces=noisy.forces / units.EV,
    )
    folder = tmp_path / "system"
    (folder / "set.000").mkdir(parents=True)
    kinds = sorted(set(test.symbols))
    (folder / "type.raw").write_text(" ".join(str(kinds.index(s)) for s in test.symbols))
    (folder / "type_map.raw").write_text(" ".join(kinds))
    (folder / "nopbc").touch()
    arrays = {"coord": test.positions, "force": noisy.forces / units.EV}
    for name, array in arrays.items():
        np.save(folder / "set.000" / f"{name}.npy", array.reshape(len(test), -1))
    np.save(folder / "set.000" / "energy.npy", noisy.energies / units.EV)
    said = {"dataset": "mini-i", "subset": "folded"}
    for path, more in ((tmp_path / "rmd17.npz", {"energy_unit": "eV", "length_unit": "Å"}),
                       (folder, {})):  # fmt: skip
        found = teaeval.read_prediction(path, **said, **more)
        np.testing.assert_allclose(found.energies, noisy.energies, rtol=1e-12)
        np.testing.assert_allclose(np.asarray(found.forces), noisy.forces, atol=1e-9)
        rows, findings = teaeval.check(found)
        assert (rows == np.arange(len(test))).all()
        assert not [item for item in findings if item.severity == "error"]
