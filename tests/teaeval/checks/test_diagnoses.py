"""Each diagnosis by itself, several at once, and mending on request."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import teadata
import teaeval
from teadata import Frames
from teadata.errors import UsageError
from teadata.units import BOHR, EV
from teaeval import Finding, Prediction, check
from teaeval.checks import fixes
from teaeval.checks.sample import FEWEST, Sample, evenly, regress
from teaeval.predictions import findings
from teaeval.scores.examine import check_against


def diagnosed(prediction: Prediction, dataset: Any, **changes: Any) -> dict[str, Finding]:
    changed = dataclasses.replace(prediction, **changes)
    before = [np.array(changed.energies), np.array(changed.forces)]
    found = {finding.code: finding for finding in check(changed, dataset)[1]}
    np.testing.assert_array_equal(before[0], changed.energies)
    np.testing.assert_array_equal(before[1], changed.forces)
    return found


def swapped(forces: np.ndarray, one: int, other: int) -> np.ndarray:
    result = forces.copy()
    result[:, [one, other]] = forces[:, [other, one]]
    return result


def test_swapped_atoms_are_named_with_the_error_before_and_after(noisy, mini_i):
    found = diagnosed(noisy, mini_i, forces=swapped(noisy.forces, 3, 20))
    assert list(found) == ["permuted-atoms"]
    evidence = found["permuted-atoms"].evidence
    assert evidence["atoms"] == 2
    assert evidence["mae_after"] == pytest.approx(np.sqrt(2 / np.pi) * 2.0, rel=0.01)
    assert evidence["mae_before"] > evidence["mae_after"] * 1.3
    assert "2 of 42 atoms" in found["permuted-atoms"].found


def test_atoms_swapped_in_half_of_the_frames_are_no_permutation(noisy, mini_i):
    forces = noisy.forces.copy()
    forces[::2] = swapped(noisy.forces[::2], 3, 20)
    assert diagnosed(noisy, mini_i, forces=forces) == {}


def test_forces_of_other_frames_state_their_share(noisy, mini_i):
    order = np.arange(len(noisy.energies))
    order[:600] = np.roll(order[:600], 1)
    found = diagnosed(noisy, mini_i, energies=noisy.energies[order], forces=noisy.forces[order])
    assert list(found) == ["shuffled-frames"]
    evidence = found["shuffled-frames"].evidence
    assert evidence["share"] == pytest.approx(600 / 2500, abs=0.005)
    assert evidence["energy_r2_other"] > 0.9 > 0.1 > evidence["energy_r2_own"]


def test_shuffled_forces_beside_energies_in_order(noisy, mini_i):
    found = diagnosed(noisy, mini_i, forces=noisy.forces[::-1])
    evidence = found["shuffled-frames"].evidence
    assert evidence["energy_r2_own"] > 0.9 > 0.1 > evidence["energy_r2_other"]


def test_swapped_axes_are_found_and_the_matrix_mends_them(noisy, mini_i):
    found = diagnosed(noisy, mini_i, forces=noisy.forces[:, :, [1, 2, 0]])
    assert list(found) == ["rotated-forces"]
    rows = str(found["rotated-forces"].evidence["matrix"]).split("; ")
    matrix = np.array([row.split() for row in rows], dtype=float)
    np.testing.assert_allclose(matrix @ noisy.forces[0, 0][[1, 2, 0]], noisy.forces[0, 0])


def test_an_offset_is_a_warning_that_the_score_keeps(noisy, mini_i):
    shifted = dataclasses.replace(noisy, energies=noisy.energies + 123.0)
    found = diagnosed(shifted, mini_i)
    assert list(found) == ["energy-offset"]
    evidence = found["energy-offset"].evidence
    assert evidence["offset"] == pytest.approx(123, abs=0.1)
    assert evidence["mae_without"] == pytest.approx(np.sqrt(2 / np.pi), rel=0.05)
    score = teaeval.score(shifted, mini_i, replicates=0)
    assert score.row("E").mae == pytest.approx(123, abs=0.1)
    assert score.warnings == [str(found["energy-offset"])]


@pytest.mark.parametrize("unit", [("kcal/mol", 1.0, 2.0**-8), ("eV", EV, 2.0**-13)])
def test_float32_energies_state_their_step(noisy, mini_i, unit):
    name, factor, step = unit
    energies = (noisy.energies / factor).astype(np.float32).astype(np.float64) * factor
    found = diagnosed(noisy, mini_i, energies=energies)
    assert list(found) == ["quantised-energy"]
    evidence = found["quantised-energy"].evidence
    assert (evidence["unit"], evidence["step_in_unit"]) == (name, step)
    assert evidence["step"] == pytest.approx(step * factor)
    assert "as float32 has at" in found["quantised-energy"].found


def test_a_constant_added_in_double_precision_hides_no_float32(noisy, mini_i):
    small = (noisy.energies - 40000.123).astype(np.float32).astype(np.float64)
    found = diagnosed(noisy, mini_i, energies=small + 40000.123)
    assert found["quantised-energy"].evidence["step"] == 2.0**-7  # float32's above 65536


def test_steps_that_do_not_matter_are_not_mentioned(noisy, mini_i):
    assert diagnosed(noisy, mini_i, energies=noisy.energies.round(4)) == {}
    assert "3 decimals" not in str(diagnosed(noisy, mini_i, energies=noisy.energies.round(3)))
    assert "1 decimals" in str(diagnosed(noisy, mini_i, energies=noisy.energies.round(1)))


def test_a_shrunken_model_and_a_wrong_length_unit_are_told_apart_by_the_energies(noisy, mini_i):
    mean = noisy.energies.mean()
    forces = noisy.forces * BOHR
    assert "unit-of-forces" in diagnosed(noisy, mini_i, forces=forces)
    energies = mean + BOHR * (noisy.energies - mean)
    found = diagnosed(noisy, mini_i, energies=energies, forces=forces)
    assert list(found) == ["scale-of-forces"]
    assert found["scale-of-forces"].severity == "warning"
    assert "or a model that is off by this factor" in found["scale-of-forces"].found


def test_a_length_unit_behind_a_model_that_is_off_itself_is_a_warning(noisy, mini_i):
    energies = noisy.energies.mean() + 0.9 * (noisy.energies - noisy.energies.mean())
    found = diagnosed(noisy, mini_i, energies=energies, forces=0.9 * BOHR * noisy.forces)
    assert list(found) == ["scale-of-forces"]
    assert "as values in kcal/mol/Bohr would have" in found["scale-of-forces"].found
    assert diagnosed(noisy, mini_i, energies=energies, forces=0.9 * noisy.forces) == {}


def test_total_energies_of_a_bad_model_betray_their_unit(noisy, mini_i):
    rng = np.random.default_rng(0)
    test = mini_i.split("folded/test")
    energies = test.energies + 1.5 * test.energies.std() * rng.normal(size=len(test))
    found = diagnosed(noisy, mini_i, energies=energies / EV)
    assert list(found) == ["unit-of-energy"]
    assert found["unit-of-energy"].evidence["r2"] < 0.5
    assert found["unit-of-energy"].evidence["mean_ratio"] == pytest.approx(1 / EV, rel=1e-3)


def test_several_faults_are_found_at_once(noisy, mini_i):
    order = np.arange(len(noisy.energies))
    order[100:200] = np.roll(order[100:200], 1)
    energies = ((noisy.energies + 5e5) / EV).astype(np.float32).astype(np.float64)
    found = diagnosed(
        noisy,
        mini_i,
        energies=energies[order],
        forces=-swapped(noisy.forces, 3, 20)[order] / EV,
    )
    assert list(found) == [
        "shuffled-frames",
        "permuted-atoms",
        "sign-of-forces",
        "unit-of-energy",
        "unit-of-forces",
        "energy-offset",
        "quantised-energy",
    ]


@pytest.mark.parametrize("ids", [True, False])
def test_positions_in_bohr(noisy, mini_i, ids):
    test = mini_i.split("folded/test")
    found = diagnosed(
        noisy,
        mini_i,
        positions=test.positions / BOHR,
        frame_ids=noisy.frame_ids if ids else None,
    )
    assert list(found) == ["unit-of-positions"]
    assert found["unit-of-positions"].evidence["unit"] == "Bohr"


@pytest.mark.parametrize("ids", [True, False])
def test_positions_with_the_atoms_in_another_order(noisy, mini_i, ids):
    test = mini_i.split("folded/test")
    found = diagnosed(
        noisy,
        mini_i,
        positions=swapped(test.positions, 0, 5),
        frame_ids=noisy.frame_ids if ids else None,
    )
    assert list(found) == ["permuted-positions"]
    assert found["permuted-positions"].evidence["atoms"] == 2


def test_too_few_frames_tell_nothing(noisy, mini_i):
    test = mini_i.split("folded/test")[: FEWEST - 1]
    few = Prediction("mini-i", "folded", -test.energies, -test.forces, frame_ids=test.ids)
    assert check_against(few, test, mini_i)[1] == []


def test_values_at_the_limits_of_floating_point_stop_nothing(noisy, mini_i):
    for value in (1e308, 1e-308):
        energies, forces = noisy.energies.copy(), noisy.forces.copy()
        energies[::2], forces[::3] = value, value
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


def test_fixes_mend_what_was_found_and_say_so(noisy, mini_i):
    wrong = dataclasses.replace(
        noisy, energies=noisy.energies / EV, forces=-swapped(noisy.forces, 3, 20) / EV
    )
    found = check(wrong, mini_i)[1]
    fixed, notes = fixes.apply(wrong, found, ["units", "sign", "atoms"])
    assert check(fixed, mini_i)[1] == []
    np.testing.assert_allclose(fixed.energies, noisy.energies, rtol=1e-12)
    np.testing.assert_allclose(fixed.forces, noisy.forces, rtol=1e-12)
    assert notes == [
        "fixed: forces of 2 of 42 atoms reordered",
        "fixed: sign of the forces flipped",
        "fixed: energy taken as eV, declared kcal/mol",
        "fixed: forces taken as eV/Å, declared kcal/mol/Å",
    ]


def test_only_what_is_wanted_is_mended(noisy, mini_i):
    wrong = dataclasses.replace(noisy, energies=noisy.energies / EV, forces=-noisy.forces)
    found = check(wrong, mini_i)[1]
    fixed, notes = fixes.apply(wrong, found, ["sign"])
    assert [item.code for item in check(fixed, mini_i)[1]] == ["unit-of-energy"]
    assert len(notes) == 1
    assert fixes.apply(wrong, found, [])[0] is wrong


def test_units_that_cannot_be_told_apart_are_not_fixed(noisy, mini_i):
    """meV/Å and kJ/mol/nm differ by 4 %."""
    wrong = dataclasses.replace(noisy, forces=noisy.forces / (EV / 1000))
    found = check(wrong, mini_i)[1]
    assert "meV/Å or kJ/mol/nm" in found[0].found
    with pytest.raises(UsageError, match="may be meV/Å, kJ/mol/nm"):
        fixes.apply(wrong, found, ["units"])
    with pytest.raises(UsageError, match="unknown fix 'unit'"):
        fixes.apply(wrong, found, ["unit"])
    with pytest.raises(UsageError, match="permutation of 42 atoms"):
        fixes.fix_atoms(wrong, [0] * 42)


def test_findings_as_rows_and_as_json(noisy, mini_i):
    found = check(dataclasses.replace(noisy, forces=swapped(noisy.forces, 0, 1)), mini_i)[1]
    assert findings.rows(found)[0][:2] == ("error", "permuted-atoms")
    assert len(findings.rows(found)[0]) == len(findings.COLUMNS)
    (document,) = json.loads(json.dumps(findings.as_json(found)))
    assert document["code"] == "permuted-atoms"
    assert document["evidence"]["belongs"][:3] == [1, 0, 2]
    assert found[0] == dataclasses.replace(found[0])
    assert len({found[0], dataclasses.replace(found[0])}) == 1


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
