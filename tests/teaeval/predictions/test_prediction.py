"""Predictions made in memory, of lists and of other libraries' arrays."""

from __future__ import annotations

import dataclasses
import warnings

import numpy as np
import pandas as pd
import pytest

import teaeval
from teaeval import Prediction
from teaeval.predictions.findings import PredictionError


def test_lists_and_series_are_scored_as_arrays_are(fair: Prediction):
    given = {
        "energies": pd.Series(fair.energies),
        "forces": fair.forces.tolist(),
        "frame_ids": fair.frame_ids.tolist(),
        "numbers": tuple(fair.numbers.tolist()),
    }
    score, as_arrays = (teaeval.score(each) for each in (dataclasses.replace(fair, **given), fair))
    assert score.rows == as_arrays.rows


@pytest.mark.parametrize("precision", ["f4", "f2", ">f4"])
def test_networks_precision_is_scored_as_doubles_are_without_a_word(tmp_path, fair, precision):
    lowered = {"forces": fair.forces.astype(precision)}
    if precision != "f2":  # which has nothing above 65504
        lowered["energies"] = fair.energies.astype(precision)
    np.savez(
        tmp_path / "p.npz",
        energy=lowered.get("energies", fair.energies),
        forces=lowered["forces"],
        frame_id=fair.frame_ids,
        dataset="mini-i",
        subset="folded",
        energy_unit="kcal/mol",
        length_unit="Å",
    )
    with warnings.catch_warnings(), np.errstate(all="raise", under="ignore"):
        warnings.simplefilter("error")
        made = dataclasses.replace(fair, **lowered)
        doubles = {name: array.astype(np.float64) for name, array in lowered.items()}
        as_doubles = dataclasses.replace(fair, **doubles)
        scores = [
            teaeval.score(each, replicates=0, with_details=True)
            for each in (made, as_doubles, tmp_path / "p.npz")
        ]
    assert scores[0].rows == scores[1].rows == scores[2].rows


def test_tensors_that_need_a_gradient_are_taken(fair: Prediction):
    torch = pytest.importorskip("torch")
    forces = torch.tensor(fair.forces, requires_grad=True)
    found = dataclasses.replace(fair, forces=forces, frame_ids=torch.tensor(fair.frame_ids))
    np.testing.assert_array_equal(found.forces, fair.forces)
    assert teaeval.score(found, replicates=0).rows == teaeval.score(fair, replicates=0).rows


def test_what_is_masked_is_no_number(fair: Prediction):
    masked = np.ma.masked_less(fair.energies, np.sort(fair.energies)[1])
    found = dataclasses.replace(fair, energies=masked)
    assert np.flatnonzero(np.isnan(found.energies)).tolist() == [fair.energies.argmin()]
    with pytest.raises(PredictionError, match="not-finite-energy"):
        teaeval.score(found)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"energies": None}, r"type-of-energy\] expected real numbers"),
        ({"energies": [1.0, [2.0, 3.0]]}, r"type-of-energies\].*found a list that NumPy makes no"),
        ({"energies": np.array(["-1.5"])}, r"type-of-energy\].*values of type <U4"),
        ({"forces": np.zeros((1, 9, 3), complex)}, r"type-of-forces\].*complex128"),
        ({"frame_ids": [1.5]}, r"type-of-frame_id\] expected integers; found.*float64"),
        ({"numbers": ["C", "H"]}, r"type-of-numbers\] expected integers"),
    ],
)
def test_what_is_no_array_of_numbers_is_refused(fair: Prediction, changed, said):
    with pytest.raises(PredictionError, match=said):
        dataclasses.replace(fair, **changed)
