"""Energies per atom and standardised ones are named as such, and not taken for a unit."""

from __future__ import annotations

import dataclasses
import functools
from itertools import product

import numpy as np
import pytest

import teadata
from teadata.errors import UsageError
from teadata.units import ENERGY_UNITS, EV
from teaeval import Prediction, check
from teaeval.checks import fixes

TEST_SETS = {
    "mini-i": "folded",
    "mini-ii": "unknown",
    "mini-iii": "complete",
    "mini-iv": "complete",
    "mini-hydrogen": "complete",
}


@functools.cache
def labelled(dataset):
    """The test frames of a dataset."""
    return teadata.load(dataset).split(f"{TEST_SETS[dataset]}/test")


def predicted(dataset, accuracy=0.05, slope=1.0, **source):
    """A prediction in kcal/mol with noise, as a share of the reference's deviation."""
    test = labelled(dataset)
    rng = np.random.default_rng(0)
    mean = test.energies.mean()
    noise = accuracy * test.energies.std() * rng.normal(size=len(test))
    noisy = test.forces + accuracy * test.forces.std() * rng.normal(size=test.forces.shape)
    return Prediction(
        dataset=dataset,
        subset=TEST_SETS[dataset],
        energies=mean + slope * (test.energies - mean) + noise,
        forces=slope * noisy,
        frame_ids=test.ids,
        source={"energy_unit": "kcal/mol", "length_unit": "Å"} | source,
    )


def found_in(prediction):
    return {item.code: item for item in check(prediction)[1]}


def mended(prediction, *wanted):
    """What is found after a fix."""
    fixed, notes = fixes.apply(prediction, check(prediction)[1], wanted)
    return fixed, notes, found_in(fixed)


OTHER_UNITS = [unit for unit in ENERGY_UNITS if unit != "kcal/mol"]


@pytest.mark.parametrize(
    ("dataset", "unit"), [*product(TEST_SETS, ["kcal/mol"]), *product(["mini-iv"], OTHER_UNITS)]
)
def test_energies_per_atom_in_the_declared_unit(dataset, unit):
    right = predicted(dataset, energy_unit=unit)
    atoms = right.forces.shape[1]
    wrong = dataclasses.replace(right, energies=right.energies / atoms)
    found = found_in(wrong)
    assert list(found) == ["energy-per-atom"]
    assert f"1/{atoms} = " in found["energy-per-atom"].found
    fixed, notes, left = mended(wrong, "per-atom")
    assert notes == [f"fixed: energy taken as per atom, multiplied by {atoms}"]
    np.testing.assert_allclose(fixed.energies, right.energies, rtol=1e-14)
    assert left == {}


@pytest.mark.parametrize("accuracy", [0.001, 0.02, 0.2, 0.5])
@pytest.mark.parametrize("slope", [0.8, 1.0, 1.1])
def test_of_models_of_any_accuracy(accuracy, slope):
    right = predicted("mini-i", accuracy, slope)
    assert list(found_in(dataclasses.replace(right, energies=right.energies / 42))) == [
        "energy-per-atom"
    ]


def test_of_a_model_that_has_learned_nothing_but_the_mean():
    right = predicted("mini-i")
    constant = np.full(len(right.energies), right.energies.mean())
    assert "energy-per-atom" in found_in(dataclasses.replace(right, energies=constant / 42))
    assert list(found_in(dataclasses.replace(right, energies=constant))) == ["energies-apart"]


@pytest.mark.parametrize("dataset", TEST_SETS)
def test_energies_per_atom_in_another_unit_than_declared(dataset):
    right = predicted(dataset)
    atoms = right.forces.shape[1]
    wrong = dataclasses.replace(
        right, energies=right.energies / atoms / EV, forces=right.forces / EV
    )
    assert list(found_in(wrong)) == ["energy-per-atom", "unit-of-energy", "unit-of-forces"]
    fixed, _, left = mended(wrong, "units", "per-atom")
    np.testing.assert_allclose(fixed.energies, right.energies, rtol=1e-12)
    assert left == {}


@pytest.mark.parametrize("dataset", TEST_SETS)
@pytest.mark.parametrize("factor", [1.0, 1 / EV])
def test_energies_per_atom_less_those_of_isolated_atoms(dataset, factor):
    right = predicted(dataset)
    atoms = right.forces.shape[1]
    constant = 0.9 * right.energies.mean()
    wrong = dataclasses.replace(
        right, energies=factor * (right.energies - constant) / atoms, forces=factor * right.forces
    )
    found = found_in(wrong)
    assert "energy-per-atom" in found
    # The constant is that of the total energies.
    assert found["energy-offset"].evidence["offset"] == pytest.approx(-constant, rel=1e-3)


def test_forces_that_were_not_predicted_do_not_hide_them():
    right = predicted("mini-hydrogen")
    wrong = dataclasses.replace(
        right, energies=right.energies / 32, forces=np.zeros_like(right.forces)
    )
    assert "energy-per-atom" in found_in(wrong)


def test_what_may_be_a_unit_as_well_is_not_mended():
    """1/42 and one meV in kcal/mol differ by 3 %, which a model may be off."""
    right = predicted("mini-i", energy_unit="meV")
    wrong = dataclasses.replace(right, energies=(right.energies + 4e4) / 42)
    found = found_in(wrong)["energy-per-atom"]
    assert "or total energies in kcal/mol" in found.found
    assert "--fix" not in found.remedy
    with pytest.raises(UsageError, match="may be per atom, or total ones in kcal/mol"):
        fixes.apply(wrong, [found], ["per-atom"])


@pytest.mark.parametrize("dataset", TEST_SETS)
@pytest.mark.parametrize("forces_too", [True, False])
def test_standardised_energies_are_no_unit(dataset, forces_too):
    right = predicted(dataset)
    energies = right.energies - right.energies.mean()
    deviation = energies.std()
    forces = right.forces / deviation if forces_too else right.forces
    found = found_in(dataclasses.replace(right, energies=energies / deviation, forces=forces))
    assert list(found) == ["standardised-energy"]
    assert "--fix" not in found["standardised-energy"].remedy
