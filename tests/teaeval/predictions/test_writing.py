"""Predictions are written in every format, to the last bit, or not at all."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import teaeval
from teadata.errors import DataError, UsageError
from teaeval import Prediction, PredictionError
from teaeval.predictions.writing import WRITERS

SUFFIXES = sorted({*WRITERS} - {".hdf5", ".extxyz"})


def bits(value: np.ndarray | None) -> tuple | None:
    return None if value is None else (value.dtype, value.shape, value.tobytes())


def differing(found: Prediction, expected: Prediction) -> list[str]:
    """Names of what is not the same in two predictions, to the last bit."""
    pair = found, expected
    arrays = ("energies", "forces", "frame_ids", "positions", "numbers")
    words = ("dataset", "subset", "model", "train", "record")
    values = {name: [bits(getattr(one, name)) for one in pair] for name in arrays}
    values |= {name: [getattr(one, name) for one in pair] for name in words}
    return [name for name, (one, other) in values.items() if one != other]


@pytest.fixture
def whole(noisy, mini_i):
    """All that a file can hold, of some frames: of more than a chunk has."""
    test = mini_i.split("folded/test")[:600]
    return dataclasses.replace(
        noisy, energies=noisy.energies[:600], forces=noisy.forces[:600], frame_ids=test.ids,
        positions=test.positions, record="f" * 64,
    )  # fmt: skip


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_format_gives_back_every_bit(whole, tmp_path, suffix):
    path = tmp_path / f"prediction{suffix}"
    teaeval.write_prediction(path, whole)
    assert differing(teaeval.read_prediction(path), whole) == []


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_templates_are_filled_in(run, mini_i, tmp_path, suffix):
    path = tmp_path / f"mine{suffix}"
    done = run("teaeval", "template", "mini-i", "--subset", "folded", "-o", path)
    assert done.returncode == 0, done.stderr
    if "xyz" in suffix:  # which holds no NaN: energies and forces are left out
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


def test_what_is_written_is_read(noisy, prediction_file):
    again = teaeval.read_prediction(prediction_file)
    for name in ("energies", "forces", "frame_ids", "numbers"):
        np.testing.assert_array_equal(getattr(again, name), getattr(noisy, name))
    assert (again.dataset, again.subset) == ("mini-i", "folded")
    assert (again.model, again.train) == ("noise", "folded/train/200")
    assert again.source["path"] == str(prediction_file)
    assert len(again.digest()) == 64
