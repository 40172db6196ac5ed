"""The frames that are looked at, and the regression over them."""

from __future__ import annotations

import numpy as np
import pytest

from teadata import units
from teaeval import Prediction
from teaeval.checks.sample import FEWEST, evenly, regress
from teaeval.scores.examine import check_against


def test_too_few_frames_tell_nothing_and_it_is_said(noisy, mini_i):
    test = mini_i.split("folded/test")[: FEWEST - 1]
    few = Prediction("mini-i", "folded", -test.energies, -test.forces, frame_ids=test.ids)
    found = {item.code: item for item in check_against(few, test, mini_i)[1]}
    assert set(found) == {"sign-of-forces", "few-frames"}  # of energies nothing is said
    assert found["sign-of-forces"].severity == "error"
    assert found["few-frames"].severity == "warning"
    assert "but for unit and sign of the 3654 force components" in found["few-frames"].found
    itself = Prediction("mini-i", "folded", test.energies, test.forces, frame_ids=test.ids)
    codes = {item.code for item in check_against(itself, test, mini_i)[1]}
    assert codes == {"few-frames", "reference-itself"}


@pytest.mark.parametrize("count", [10, 1])
def test_forces_of_few_frames_have_enough_components_for_their_unit(mini_i, count):
    test = mini_i.split("folded/test")[:count]
    forces = test.forces / units.EV
    prediction = Prediction("mini-i", "folded", test.energies, forces, frame_ids=test.ids)
    found = {item.code: item for item in check_against(prediction, test, mini_i)[1]}
    assert found.keys() & {"unit-of-forces", "scale-of-forces"}
    if count > 1:  # one energy has no slope
        assert found["unit-of-forces"].severity == "error"
        assert found["unit-of-forces"].evidence["unit"] == "eV/Å"


def test_a_crude_model_of_few_frames_is_warned_of_only(mini_i):
    test = mini_i.split("folded/test")[:10]
    mean = test.energies.mean()
    energies = mean + 0.04 * (test.energies - mean)
    crude = Prediction("mini-i", "folded", energies, 0.04 * test.forces, frame_ids=test.ids)
    assert {item.severity for item in check_against(crude, test, mini_i)[1]} == {"warning"}


@pytest.mark.parametrize("factor", [1 / units.EV, 23.06, -1.0, 4.184])
def test_some_frames_with_forces_of_another_unit_or_sign_are_found(
    diagnosed, noisy, mini_i, factor
):
    forces = noisy.forces.copy()
    start = 2 * len(forces) // 3
    forces[start:] *= factor
    found = diagnosed(noisy, mini_i, forces=forces)
    assert set(found) == {"uneven-forces"}
    evidence = found["uneven-forces"].evidence
    assert evidence["slope"] == pytest.approx(factor, rel=0.05)
    assert evidence["slope_of_others"] == pytest.approx(1.0, rel=0.05)
    assert evidence["share"] == pytest.approx(1 / 3, abs=0.02)
    assert f"the first in row {start}" in found["uneven-forces"].found


def test_values_at_the_limits_of_floating_point_stop_nothing(diagnosed, noisy, mini_i):
    shares = np.random.default_rng(0).uniform(0.1, 1.0, noisy.forces[::3].shape)
    for value in (1e308, 1e-308):
        energies, forces = noisy.energies.copy(), noisy.forces.copy()
        energies[::2], forces[::3] = value, value * shares
        with np.errstate(all="raise", under="ignore"):
            found = diagnosed(noisy, mini_i, energies=energies, forces=forces)
        assert all(finding.severity == "warning" for finding in found.values())


def test_only_some_evenly_spaced_frames_are_looked_at():
    np.testing.assert_array_equal(evenly(3, 5), [0, 1, 2])
    rows = evenly(20001, 5000)
    assert len(np.unique(rows)) == 5000
    assert (rows[0], rows[-1]) == (0, 20000)


def test_a_constant_has_no_slope():
    fit = regress(np.full(50, -40696.1234567), np.linspace(0, 1, 50))
    assert (fit.slope, fit.r2) == (0, 0)
