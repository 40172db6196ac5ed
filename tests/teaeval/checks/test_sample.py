"""The frames that are looked at, and the regression over them."""

from __future__ import annotations

import numpy as np

from teaeval import Prediction
from teaeval.checks.sample import FEWEST, evenly, regress
from teaeval.scores.examine import check_against


def test_too_few_frames_tell_nothing_and_it_is_said(noisy, mini_i):
    test = mini_i.split("folded/test")[: FEWEST - 1]
    few = Prediction("mini-i", "folded", -test.energies, -test.forces, frame_ids=test.ids)
    (finding,) = check_against(few, test, mini_i)[1]
    assert (finding.code, finding.severity) == ("few-frames", "warning")
    itself = Prediction("mini-i", "folded", test.energies, test.forces, frame_ids=test.ids)
    codes = {item.code for item in check_against(itself, test, mini_i)[1]}
    assert codes == {"few-frames", "reference-itself"}


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
