"""Forces of other frames, other atoms or other axes are recognised."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import teadata
from teadata import Frames
from teaeval import Prediction
from teaeval.checks import fixes
from teaeval.checks.sample import Sample
from teaeval.scores.examine import check_against


def test_swapped_atoms_are_named_with_the_error_before_and_after(diagnosed, swapped, noisy, mini_i):
    found = diagnosed(noisy, mini_i, forces=swapped(noisy.forces, 3, 20))
    assert list(found) == ["permuted-atoms"]
    evidence = found["permuted-atoms"].evidence
    assert evidence["atoms"] == 2
    assert evidence["mae_after"] == pytest.approx(np.sqrt(2 / np.pi) * 2.0, rel=0.01)
    assert evidence["mae_before"] > evidence["mae_after"] * 1.3
    assert "2 of 42 atoms" in found["permuted-atoms"].found


def test_atoms_swapped_in_half_of_the_frames_are_no_permutation(diagnosed, swapped, noisy, mini_i):
    forces = noisy.forces.copy()
    forces[::2] = swapped(noisy.forces[::2], 3, 20)
    assert diagnosed(noisy, mini_i, forces=forces) == {}


def test_forces_of_other_frames_state_their_share(diagnosed, noisy, mini_i):
    order = np.arange(len(noisy.energies))
    order[:600] = np.roll(order[:600], 1)
    found = diagnosed(noisy, mini_i, energies=noisy.energies[order], forces=noisy.forces[order])
    assert list(found) == ["shuffled-frames"]
    evidence = found["shuffled-frames"].evidence
    assert evidence["share"] == pytest.approx(600 / 2500, abs=0.005)
    assert evidence["energy_r2_other"] > 0.9 > 0.1 > evidence["energy_r2_own"]


def test_shuffled_forces_beside_energies_in_order(diagnosed, noisy, mini_i):
    found = diagnosed(noisy, mini_i, forces=noisy.forces[::-1])
    evidence = found["shuffled-frames"].evidence
    assert evidence["energy_r2_own"] > 0.9 > 0.1 > evidence["energy_r2_other"]


def test_swapped_axes_are_found_and_the_matrix_mends_them(diagnosed, noisy, mini_i):
    found = diagnosed(noisy, mini_i, forces=noisy.forces[:, :, [1, 2, 0]])
    assert list(found) == ["rotated-forces"]
    rows = str(found["rotated-forces"].evidence["matrix"]).split("; ")
    matrix = np.array([row.split() for row in rows], dtype=float)
    np.testing.assert_allclose(matrix @ noisy.forces[0, 0][[1, 2, 0]], noisy.forces[0, 0])


@pytest.mark.parametrize("factor", [1.0, -0.0434])
def test_components_axis_by_axis_are_found_whatever_their_unit(diagnosed, noisy, mini_i, factor):
    by_axis = factor * noisy.forces.transpose(0, 2, 1).reshape(noisy.forces.shape)
    found = diagnosed(noisy, mini_i, forces=by_axis)
    assert "reshaped-forces" in found
    assert ("sign-of-forces" in found) == (factor < 0)
    assert found["reshaped-forces"].evidence["r2_after"] > 0.9


@settings(deadline=None, max_examples=25)
@given(st.permutations(range(42)), st.floats(0.01, 0.4), st.sampled_from([1.0, -0.0434]))
def test_any_permutation_is_found_and_mended(order, noise, scale):
    from teaeval.checks.order import permuted_atoms

    test = teadata.load("mini-i").split("folded/train/200")
    rng = np.random.default_rng(0)
    forces = test.forces + noise * test.forces.std() * rng.normal(size=test.forces.shape)
    given_forces = scale * forces[:, order]
    sample = Sample(test.energies, given_forces, test.energies, test.forces)
    finding, mended = permuted_atoms(sample, test)
    if list(order) == sorted(order):
        assert finding is None
        return
    assert finding is not None
    np.testing.assert_array_equal(mended.forces, scale * forces)
    prediction = Prediction("mini-i", "folded", test.energies, given_forces)
    fixed, note = fixes.fix_atoms(prediction, finding.evidence["belongs"])
    np.testing.assert_array_equal(fixed.forces, scale * forces)
    assert note == f"fixed: forces of {finding.evidence['atoms']} of 42 atoms reordered"


@pytest.mark.parametrize("noise", [0.1, 1.0, 1.5])
def test_frames_that_follow_each_other_closely_are_not_taken_for_shuffled(mini_i, noise):
    """A trajectory written every few femtoseconds: neighbours have nearly the same forces."""
    test = mini_i.split("folded/test")[:100]
    between = np.linspace(0, 99, 2000)
    low, share = np.minimum(between.astype(int), 98), between % 1
    forces = test.forces[low] + share[:, None, None] * (test.forces[low + 1] - test.forces[low])
    energies = np.interp(between, np.arange(100), test.energies)
    smooth = Frames(test.numbers, test.positions[low], energies, forces)
    rng = np.random.default_rng(0)
    prediction = Prediction(
        "mini-i",
        "folded",
        energies + rng.normal(size=2000),
        forces + noise * forces.std() * rng.normal(size=forces.shape),
        frame_ids=smooth.ids,
    )
    assert check_against(prediction, smooth, mini_i)[1] == []
    moved = dataclasses.replace(prediction, forces=np.roll(prediction.forces, 500, axis=0))
    codes = [item.code for item in check_against(moved, smooth, mini_i)[1]]
    assert codes == (["shuffled-frames"] if noise <= 1.0 else [])
