"""Virials become stress where the user says so, and are not lost without a word where not."""

from __future__ import annotations

from pathlib import Path

import ase.io
import numpy as np
import pytest

import teadata
from teadata import Frames
from teadata.create import Input, Options, create
from teadata.create.fields import Keys
from teadata.create.splitting import Wanted
from teadata.errors import DataError, IncompleteError, UsageError
from teadata.units import EV

FEW = Wanted(valid=2, test=4)
NAMED = Options("eV", keys=Keys(virials="REF_virials"), wanted=FEW)


@pytest.fixture(scope="module")
def dense() -> Frames:
    return teadata.load("mini-hydrogen").split("complete/train/12")


def virials(frames: Frames) -> np.ndarray:
    """As QUIP and MACE write them, in eV."""
    return -frames.stress * frames.volumes[:, None, None] / EV


def written(path: Path, frames: Frames, values: np.ndarray) -> Input:
    images = frames.to_ase()
    for image, value in zip(images, values, strict=True):
        image.calc.results.pop("stress")
        image.info["REF_virials"] = value
    ase.io.write(path, images)
    return Input(path)


@pytest.mark.parametrize("form", ["nine", "six", "matrix"])
def test_named_virials_become_the_stress(dense, tmp_path, form):
    values = virials(dense)
    if form == "six":
        values = values[:, [0, 1, 2, 1, 0, 0], [0, 1, 2, 2, 2, 1]]
    elif form == "nine":
        values = values.reshape(-1, 9)
    (done,) = create("own", [written(tmp_path / "a.xyz", dense, values)], NAMED)
    np.testing.assert_allclose(teadata.load("own").frames.stress, dense.stress, rtol=1e-6)
    assert not any("virial" in note for note in done.notes)


def test_of_arrays(dense, tmp_path):
    np.savez(
        tmp_path / "a.npz", R=dense.positions, E=dense.energies, F=dense.forces, z=dense.numbers,
        cell=dense.cell, e_unit="kcal/mol", virials=EV * virials(dense), stress=0 * dense.stress,
    )  # fmt: skip
    (done,) = create(
        "own", [Input(tmp_path / "a.npz")], Options(keys=Keys(virials="virials"), wanted=FEW)
    )
    np.testing.assert_allclose(teadata.load("own").frames.stress, dense.stress)
    assert any("not taken: stress" in note for note in done.notes)


def test_they_are_not_lost_without_a_word_and_the_option_is_named(run, dense, tmp_path):
    given = written(tmp_path / "a.xyz", dense, virials(dense)).path
    command = ["create", "own", given, "--energy-unit", "eV", "--valid", "2", "--test", "4"]
    done = run("teadata", *command)
    assert teadata.load("own").frames.stress is None
    assert "make the dataset again with --virial-key REF_virials" in " ".join(done.stdout.split())
    again = run("teadata", *command, "--virial-key", "REF_virials", "--version", "0.2.0")
    assert again.returncode == 0
    np.testing.assert_allclose(teadata.load("own").frames.stress, dense.stress, rtol=1e-6)


def test_in_no_cell_they_mean_nothing(frames, tmp_path):
    images = frames[:20].to_ase()
    for image in images:
        image.info["REF_virials"] = np.eye(3)
    ase.io.write(tmp_path / "a.xyz", images)
    create("own", [Input(tmp_path / "a.xyz")], NAMED)
    assert teadata.load("own").frames.stress is None


def test_what_is_wrong_with_them_is_said(dense, tmp_path):
    values = virials(dense)
    with pytest.raises(UsageError, match="--stress-key and --virial-key: expected one of the two"):
        Keys(stress="stress", virials="virials")
    given = written(tmp_path / "a.xyz", dense, values)
    with pytest.raises(IncompleteError, match=r"has no 'virial', which --virial-key names; found"):
        create("own", [given], Options("eV", keys=Keys(virials="virial")))
    given = written(tmp_path / "b.xyz", dense, values[:, :2])
    with pytest.raises(DataError, match=r"virials has shape \(2, 3\), expected \(3, 3\)"):
        create("own", [given], NAMED)
