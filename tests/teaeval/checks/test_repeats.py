"""Forces of zero, and those of another frame, are a finding where the reference differs."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import teaeval
from teadata import formats
from teaeval.scores.examine import check_against


@pytest.mark.parametrize("frames", [1, 7, 2499])
@pytest.mark.parametrize("energies_too", [True, False])
def test_frames_that_were_not_written(diagnosed, noisy, mini_i, frames, energies_too):
    forces, energies = noisy.forces.copy(), noisy.energies.copy()
    forces[-frames:] = 0
    if energies_too:
        energies[-frames:] = 0
    found = diagnosed(noisy, mini_i, forces=forces, energies=energies)["zero-forces"]
    assert found.severity == "error"
    assert f"in {frames} of 2500 frames" in found.found
    assert str(noisy.frame_ids[-frames]) in found.found


def test_a_model_without_forces_is_only_told(diagnosed, noisy, mini_i):
    found = diagnosed(noisy, mini_i, forces=np.zeros_like(noisy.forces))
    assert [(code, item.severity) for code, item in found.items()] == [("zero-forces", "warning")]


def test_a_file_that_was_not_written_to_its_end_is_not_scored(noisy, mini_i, tmp_path):
    """Rows that were never written in a chunk that was are zeros when HDF5 reads them."""
    h5py = pytest.importorskip("h5py")
    path = tmp_path / "own.h5"
    with h5py.File(path, "w") as file:
        shape = noisy.forces.shape
        forces = file.create_dataset("forces", shape, chunks=shape)
        forces[:2000] = noisy.forces[:2000]
        file["energy"], file["frame_id"] = noisy.energies, noisy.frame_ids
        file.attrs.update(
            dataset="mini-i", subset="folded", energy_unit="kcal/mol", length_unit="Å"
        )
    with pytest.raises(teaeval.PredictionError, match="zero in 500 of 2500 frames"):
        teaeval.score(path, replicates=0)


@pytest.mark.parametrize("part", [1 << 19, 100])
@pytest.mark.parametrize("held", [1 << 18, 100])
def test_forces_of_the_frame_before(diagnosed, noisy, mini_i, part, held, monkeypatch):
    """In one go, or of many frames a part of their numbers at a time, from a file."""
    monkeypatch.setattr("teaeval.engines.PIECE", 1 << 15)
    monkeypatch.setattr("teaeval.checks.repeats.PART", part)
    monkeypatch.setattr("teaeval.metrics.digests.HELD", held)
    assert "equal-forces" not in diagnosed(noisy, mini_i)
    forces = noisy.forces.copy()
    forces[100] = forces[99]
    found = diagnosed(noisy, mini_i, forces=forces)["equal-forces"]
    assert found.severity == "error"
    assert f"frame_id {noisy.frame_ids[100]} those of {noisy.frame_ids[99]}" in found.found


def test_one_answer_for_many_frames_is_only_told(diagnosed, noisy, mini_i):
    """The nearest training frame and a constant are models, too."""
    few = np.arange(2500) // 5 * 5
    for energies, forces in (
        (noisy.energies[few], noisy.forces[few]),
        (noisy.energies, noisy.forces[few * 0]),
    ):
        found = diagnosed(noisy, mini_i, energies=energies, forces=forces)["equal-forces"]
        assert found.severity == "warning"
        assert "share a calculator" in found.remedy  # the usual reason


def test_where_the_reference_has_them_too_nothing_is_said(noisy, mini_i):
    test = mini_i.split("folded/test")
    positions, forces = test.positions.copy(), test.forces.copy()
    positions[1], forces[1], forces[2] = positions[0], forces[0], 0.0
    same = dataclasses.replace(test, positions=positions, forces=forces)
    predicted = dataclasses.replace(noisy, forces=forces * 1.01)
    assert check_against(predicted, same, mini_i)[1] == []


def test_they_are_found_in_files_that_stay_where_they_are(noisy, mini_i, tmp_path):
    """Frames are read in pieces, and compared across them."""
    pytest.importorskip("h5py")
    path = tmp_path / "own.h5"
    forces = noisy.forces.copy()
    forces[2400] = forces[3]
    frames = mini_i.split("folded/test")
    formats.write(path, dataclasses.replace(frames, energies=noisy.energies, forces=forces))
    stored = teaeval.read_prediction(
        path,
        defaults={
            "dataset": "mini-i",
            "subset": "folded",
            "energy_unit": "kcal/mol",
            "length_unit": "Å",
        },
        in_memory=0,
    )
    found = {item.code for item in teaeval.check(stored)[1]}
    assert found == {"equal-forces"}
