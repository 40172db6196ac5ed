"""One prediction in every format: the same numbers to the last bit, the same score."""

from __future__ import annotations

import dataclasses
import shutil

import numpy as np
import pytest

import teadata
import teaeval
from teadata import catalog, units
from teadata.errors import DataError, UsageError
from teaeval import Prediction, PredictionError
from teaeval.predictions.writing import WRITERS

SUFFIXES = sorted({*WRITERS} - {".hdf5", ".extxyz"})


def same(found: Prediction, expected: Prediction) -> None:
    for name in ("energies", "forces", "frame_ids", "positions", "numbers"):
        a, b = getattr(found, name), getattr(expected, name)
        assert (a is None) == (b is None), name
        if a is not None:
            assert (a.dtype, a.shape, a.tobytes()) == (b.dtype, b.shape, b.tobytes()), name
    for name in ("dataset", "subset", "model", "train", "record"):
        assert getattr(found, name) == getattr(expected, name), name


@pytest.fixture
def whole(noisy, mini_i):
    test = mini_i.split("folded/test")
    return dataclasses.replace(noisy, positions=test.positions, record="f" * 64)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_format_gives_back_every_bit(whole, tmp_path, suffix):
    path = tmp_path / f"prediction{suffix}"
    teaeval.write_prediction(path, whole)
    same(teaeval.read_prediction(path), whole)


def test_scores_are_the_same_from_every_format(run, tmp_path):
    """Every test set of the embedded datasets, from every format."""
    for card in catalog.cards():
        if card.edition != "mini":
            continue
        for subset in card.subsets:
            if subset != next(reversed(card.subsets)):
                continue  # one test set of each dataset; the others differ in nothing else
            test = teadata.load(card.id).split(f"{subset}/test")[:]
            rng = np.random.default_rng(0)
            made = Prediction(
                card.id,
                subset,
                test.energies + rng.normal(0, 1, len(test)),
                test.forces + rng.normal(0, 1, test.forces.shape),
                frame_ids=test.ids,
                positions=test.positions,
                numbers=test.numbers,
            )
            expected = teaeval.score(made, replicates=20).rows
            for suffix in SUFFIXES:
                path = tmp_path / f"{card.id}{suffix}"
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
    with pytest.raises(PredictionError, match=r"energy and MACE_energy.*--energy-key"):
        teaeval.read_prediction(path, **said)
    keys = {"energy_key": "MACE_energy", "forces_key": "MACE_forces"}
    found = teaeval.read_prediction(path, **said, **keys)
    np.testing.assert_allclose(found.energies, noisy.energies[:5], rtol=1e-7)  # 8 decimals
    np.testing.assert_allclose(found.forces, noisy.forces[:5], atol=1e-6)
    with pytest.raises(PredictionError, match="missing-energy"):
        teaeval.read_prediction(path, **said, energy_key="nonsense")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_templates_are_filled_in(run, mini_i, tmp_path, suffix):
    path = tmp_path / f"mine{suffix}"
    done = run("teaeval", "template", "mini-i", "--subset", "folded", "-o", path)
    assert done.returncode == 0, done.stderr
    if suffix == ".xyz":  # which holds no NaN: energies and forces are left out
        with pytest.raises(PredictionError, match=r"missing-energy(.|\n)*missing-forces"):
            teaeval.read_prediction(path)
        return
    blank = teaeval.read_prediction(path)
    assert np.isnan(blank.energies).all()
    test = mini_i.split("folded/test")
    np.testing.assert_array_equal(blank.frame_ids, test.ids)
    np.testing.assert_array_equal(blank.positions, test.positions)
    with pytest.raises(PredictionError, match="not-finite-energy"):
        teaeval.score(blank)
    filled = dataclasses.replace(blank, energies=test.energies, forces=test.forces)
    teaeval.write_prediction(path, filled)
    assert teaeval.score(teaeval.read_prediction(path), replicates=0).row("F").max == 0


def test_what_cannot_be_written(noisy, tmp_path):
    with pytest.raises(UsageError, match=r"unknown file suffix '.txt'"):
        teaeval.write_prediction(tmp_path / "p.txt", noisy)
    with pytest.raises(DataError, match=r"holds atoms, and the prediction has no positions"):
        teaeval.write_prediction(tmp_path / "p.xyz", noisy)
    assert list(tmp_path.iterdir()) == []
    broken = dataclasses.replace(noisy, positions=noisy.forces, energies=noisy.energies * np.nan)
    with pytest.raises(DataError, match="holds no NaN"):
        teaeval.write_prediction(tmp_path / "p.xyz", broken)


def test_the_checksum_of_a_folder_is_that_of_its_files(noisy, tmp_path):
    teaeval.write_prediction(tmp_path / "a.zarr", noisy)
    shutil.copytree(tmp_path / "a.zarr", tmp_path / "b.zarr")
    first, second = (teaeval.read_prediction(tmp_path / f"{n}.zarr") for n in "ab")
    assert first.digest() == second.digest()
    chunk = next((tmp_path / "b.zarr" / "energy" / "c").iterdir())
    chunk.rename(chunk.with_name("9"))
    with pytest.raises(DataError, match="chunks of energy are missing"):
        teaeval.read_prediction(tmp_path / "b.zarr")
