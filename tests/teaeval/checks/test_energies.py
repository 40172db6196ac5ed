"""An offset and a coarse step of the energies are warnings."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import teaeval
from teadata.units import EV


def test_an_offset_is_a_warning_that_the_score_keeps(diagnosed, noisy, mini_i):
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
def test_float32_energies_state_their_step(diagnosed, noisy, mini_i, unit):
    name, factor, step = unit
    energies = (noisy.energies / factor).astype(np.float32).astype(np.float64) * factor
    found = diagnosed(noisy, mini_i, energies=energies)
    assert list(found) == ["quantised-energy"]
    evidence = found["quantised-energy"].evidence
    assert (evidence["unit"], evidence["step_in_unit"]) == (name, step)
    assert evidence["step"] == pytest.approx(step * factor)
    assert "as float32 has at" in found["quantised-energy"].found


def test_float16_leaves_few_different_energies(diagnosed, noisy, mini_i):
    energies = noisy.energies.astype(np.float16).astype(np.float64)
    assert len(np.unique(energies)) < 5
    found = diagnosed(noisy, mini_i, energies=energies)
    assert found["quantised-energy"].evidence["step"] == 32
    assert "as float16 has at" in found["quantised-energy"].found


def test_a_constant_energy_states_no_step(diagnosed, noisy, mini_i):
    found = diagnosed(noisy, mini_i, energies=np.full_like(noisy.energies, -40000.0))
    assert "quantised-energy" not in found


def test_a_constant_added_in_double_precision_hides_no_float32(diagnosed, noisy, mini_i):
    small = (noisy.energies - 40000.123).astype(np.float32).astype(np.float64)
    found = diagnosed(noisy, mini_i, energies=small + 40000.123)
    assert found["quantised-energy"].evidence["step"] == 2.0**-7  # float32's above 65536


def test_steps_that_do_not_matter_are_not_mentioned(diagnosed, noisy, mini_i):
    assert diagnosed(noisy, mini_i, energies=noisy.energies.round(4)) == {}
    assert "3 decimals" not in str(diagnosed(noisy, mini_i, energies=noisy.energies.round(3)))
    assert "1 decimals" in str(diagnosed(noisy, mini_i, energies=noisy.energies.round(1)))


def test_energies_in_another_order_than_the_forces(diagnosed, noisy, mini_i):
    order = np.random.default_rng(0).permutation(len(noisy.energies))
    found = diagnosed(noisy, mini_i, energies=noisy.energies[order])
    assert list(found) == ["energies-apart"]
    assert "beside forces that explain 0.99" in found["energies-apart"].found
