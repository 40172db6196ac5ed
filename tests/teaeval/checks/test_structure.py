"""Frames are matched, and missing, doubled, shuffled or not finite values are named."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import teadata
from teadata import formats
from teadata.create import create
from teaeval import Prediction, check


def test_frames_in_any_order_are_matched_by_id(noisy, mini_i):
    order = np.random.default_rng(0).permutation(len(noisy.energies))
    shuffled = dataclasses.replace(
        noisy,
        energies=noisy.energies[order],
        forces=noisy.forces[order],
        frame_ids=noisy.frame_ids[order],
    )
    rows, found = check(shuffled, mini_i)
    assert found == []
    np.testing.assert_array_equal(rows, order)


def test_frames_in_any_order_are_matched_by_positions(noisy, mini_i):
    test = mini_i.split("folded/test")
    order = np.random.default_rng(0).permutation(len(test))
    shuffled = dataclasses.replace(
        noisy,
        energies=noisy.energies[order],
        forces=noisy.forces[order],
        frame_ids=None,
        positions=test.positions[order] + 2e-4,
    )
    rows, found = check(shuffled, mini_i)
    assert found == []
    np.testing.assert_array_equal(rows, order)


def test_missing_frame(messages, noisy, mini_i):
    found = messages(
        noisy,
        mini_i,
        energies=noisy.energies[1:],
        forces=noisy.forces[1:],
        frame_ids=noisy.frame_ids[1:],
    )
    assert list(found) == ["missing-frames"]
    assert f"1 missing: frame_id {noisy.frame_ids[0]}" in found["missing-frames"]
    assert "teaeval score --allow-failed scores the others" in found["missing-frames"]


def test_the_version_that_was_predicted_is_named(noisy, mini_i, tmp_path, monkeypatch):
    monkeypatch.setenv("TEADATA_HOME", str(tmp_path))
    frames = mini_i.split("folded/train/100")
    for version, count in (("0.1.0", 60), ("0.2.0", 100)):
        file = tmp_path / f"{count}.npz"
        formats.write(file, frames[:count])
        create("two", [file], version=version)
    test = teadata.load("two@0.1.0").split("complete/test")
    for positions in (None, test.positions):
        mine = Prediction(
            "two", "complete", test.energies, test.forces + 1.0, test.ids, positions=positions
        )
        _, found = check(mine)
        assert [item.code for item in found if item.severity == "error"] == [
            "extra-frames",
            "missing-frames",
        ]
        for item in found[:2]:
            assert "the test set of two@0.1.0: score it with --dataset two@0.1.0" in item.remedy
    assert check(mine, "two@0.1.0")[1] == [
        item for item in check(mine, "two@0.1.0")[1] if item.severity == "warning"
    ]
    fewer = Prediction("two", "complete", test.energies[:3], test.forces[:3], test.ids[:3])
    assert "0.1.0" not in " ".join(item.remedy for item in check(fewer)[1])


def test_duplicate_frame(messages, noisy, mini_i):
    ids = noisy.frame_ids.copy()
    ids[3] = ids[8]
    found = messages(noisy, mini_i, frame_ids=ids)
    assert list(found) == ["missing-frames", "duplicate-frames"]
    assert f"frame_id {ids[8]}" in found["duplicate-frames"]


def test_training_frames_are_recognised(messages, noisy, mini_i):
    train = mini_i.split("folded/train")
    found = messages(
        noisy, mini_i, energies=train.energies, forces=train.forces, frame_ids=train.ids
    )
    assert "are frames of complete/train" in found["extra-frames"] or (
        "are frames of folded/train" in found["extra-frames"]
    )
    assert "missing-frames" in found


def test_another_test_set_is_recognised_by_its_positions(messages, noisy, mini_i):
    other = mini_i.split("unfolded/test")
    found = messages(
        noisy,
        mini_i,
        energies=other.energies,
        forces=other.forces,
        frame_ids=None,
        positions=other.positions,
    )
    assert "positions match none of its frames" in found["extra-frames"]


def test_ids_that_contradict_the_positions(messages, noisy, mini_i):
    test = mini_i.split("folded/test")
    found = messages(noisy, mini_i, positions=np.roll(test.positions, 1, axis=0))
    assert list(found) == ["shuffled-frames"]
    assert f"{len(test)} of {len(test)} frames" in found["shuffled-frames"]


def test_atoms_in_another_order(messages, noisy, mini_i):
    found = messages(noisy, mini_i, numbers=noisy.numbers[::-1])
    assert list(found) == ["atom-order"]


@pytest.mark.parametrize(
    ("name", "code"), [("energies", "not-finite-energy"), ("forces", "not-finite-forces")]
)
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_no_numbers(messages, noisy, mini_i, name, code, value):
    array = getattr(noisy, name).copy()
    array[12] = value
    found = messages(noisy, mini_i, **{name: array})
    assert list(found) == [code]
    assert "in 1 frames, the first in row 12" in found[code]


@pytest.mark.parametrize(
    ("change", "codes", "message"),
    [
        (lambda p: {"forces": p.forces.transpose(1, 0, 2)}, ["shape-of-forces"], "swapped"),
        (lambda p: {"forces": p.forces.reshape(len(p.energies), -1)}, ["shape-of-forces"], "126"),
        (lambda p: {"forces": p.forces[:, 1:]}, ["shape-of-forces"], "of 41 atoms"),
        (
            lambda p: {"energies": p.energies[:-1]},
            ["shape-of-forces", "shape-of-frame_id"],
            "forces and energy of the same frames",
        ),
        (lambda p: {"energies": p.energies[:, None] + p.energies}, ["shape-of-energy"], ""),
        (lambda p: {"energies": np.array(p.energies[0])}, ["shape-of-energy"], ""),
        (lambda p: {"frame_ids": p.frame_ids[:5]}, ["shape-of-frame_id"], "one integer per frame"),
        (lambda p: {"frame_ids": None}, ["unidentified-frames"], "found neither"),
        (lambda p: {"numbers": p.numbers[:5]}, ["shape-of-numbers"], "one integer per atom"),
    ],
)
def test_shapes(messages, noisy, mini_i, change, codes, message):
    found = messages(noisy, mini_i, **change(noisy))
    assert set(codes) <= set(found)
    assert message in found[codes[0]]
