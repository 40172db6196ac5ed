"""Wrong units and signs are told from bad models."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import teaeval
from teadata.units import BOHR, EV


@pytest.mark.parametrize("noise", [0.0, 0.01, 0.1, 0.5, 1.0, 5.0])
@pytest.mark.parametrize("slope", [0.6, 0.9, 1.1, 1.6])
def test_bad_models_raise_no_false_alarm(messages, noisy, mini_i, noise, slope):
    test = mini_i.split("folded/test")
    rng = np.random.default_rng(0)
    mean = test.energies.mean()
    found = messages(
        noisy,
        mini_i,
        energies=mean
        + slope * (test.energies - mean)
        + noise * test.energies.std() * rng.normal(size=len(test)),
        forces=slope * test.forces + noise * test.forces.std() * rng.normal(size=test.forces.shape),
    )
    assert found == {}


@pytest.mark.parametrize(
    ("unit", "factor"), [("eV", EV), ("kJ/mol", 1 / 4.184), ("Hartree", 627.5094740631)]
)
def test_energies_in_another_unit_than_declared(messages, noisy, mini_i, unit, factor):
    found = messages(noisy, mini_i, energies=noisy.energies / factor)
    assert list(found) == ["unit-of-energy"]
    assert f"as values in {unit} would have" in found["unit-of-energy"]
    assert "r² = 0.9" in found["unit-of-energy"]


@pytest.mark.parametrize(
    ("unit", "factor"), [("eV/Å", EV), ("Hartree/Bohr", 627.5094740631 / 0.529177210903)]
)
def test_forces_in_another_unit_than_declared(messages, noisy, mini_i, unit, factor):
    found = messages(noisy, mini_i, forces=noisy.forces / factor)
    assert list(found) == ["unit-of-forces"]
    assert f"as values in {unit} would have" in found["unit-of-forces"]


def test_a_double_conversion_is_seen_too(messages, noisy, mini_i):
    """A file declared in eV whose values were in kcal/mol all along."""
    source = {"energy_unit": "eV", "length_unit": "Å"}
    found = messages(
        noisy, mini_i, energies=noisy.energies * EV, forces=noisy.forces * EV, source=source
    )
    assert set(found) == {"unit-of-energy", "unit-of-forces"}
    assert "expected energy in eV, as declared" in found["unit-of-energy"]
    assert "as values in kcal/mol would have" in found["unit-of-energy"]


def test_gradients_instead_of_forces(messages, noisy, mini_i):
    found = messages(noisy, mini_i, forces=-noisy.forces)
    assert list(found) == ["sign-of-forces"]


def test_a_shrunken_model_and_a_wrong_length_unit_are_told_apart_by_the_energies(
    diagnosed, noisy, mini_i
):
    mean = noisy.energies.mean()
    forces = noisy.forces * BOHR
    assert "unit-of-forces" in diagnosed(noisy, mini_i, forces=forces)
    energies = mean + BOHR * (noisy.energies - mean)
    found = diagnosed(noisy, mini_i, energies=energies, forces=forces)
    assert list(found) == ["scale-of-forces"]
    assert found["scale-of-forces"].severity == "warning"
    assert "or a model that is off by this factor" in found["scale-of-forces"].found


def test_a_length_unit_behind_a_model_that_is_off_itself_is_a_warning(diagnosed, noisy, mini_i):
    energies = noisy.energies.mean() + 0.9 * (noisy.energies - noisy.energies.mean())
    found = diagnosed(noisy, mini_i, energies=energies, forces=0.9 * BOHR * noisy.forces)
    assert list(found) == ["scale-of-forces"]
    assert "as values in kcal/mol/Bohr would have" in found["scale-of-forces"].found
    assert diagnosed(noisy, mini_i, energies=energies, forces=0.9 * noisy.forces) == {}


def test_total_energies_of_a_bad_model_betray_their_unit(diagnosed, noisy, mini_i):
    rng = np.random.default_rng(0)
    test = mini_i.split("folded/test")
    energies = test.energies + 1.5 * test.energies.std() * rng.normal(size=len(test))
    found = diagnosed(noisy, mini_i, energies=energies / EV)
    assert list(found) == ["unit-of-energy"]
    assert found["unit-of-energy"].evidence["r2"] < 0.5
    assert found["unit-of-energy"].evidence["mean_ratio"] == pytest.approx(1 / EV, rel=1e-3)


@pytest.mark.parametrize("learned", [0.6, 1.0])
@pytest.mark.parametrize("noise", [0.5, 1.0, 1.5])
@pytest.mark.parametrize("total", [True, False], ids=["total", "relative"])
@pytest.mark.parametrize(
    ("factor", "unit"), [(1 / EV, "eV"), (EV, "kcal/mol taken for eV")], ids=["eV", "kcal"]
)
def test_a_crude_model_in_another_unit_is_told_so(
    diagnosed, noisy, mini_i, factor, unit, total, noise, learned
):
    """As an error where its mean energy proves it, as a warning where its own error may be it."""
    test = mini_i.split("folded/test")
    rng = np.random.default_rng(1)
    mean = test.energies.mean()
    spread = learned * noise * test.energies.std() * rng.normal(size=len(test))
    energies = mean * total + learned * (test.energies - mean) + spread
    forces = test.forces + noise * test.forces.std() * rng.normal(size=test.forces.shape)
    found = diagnosed(noisy, mini_i, energies=factor * energies, forces=factor * learned * forces)
    for name, named in (("energy", unit), ("forces", f"{unit}/Å")):
        kinds = {f"unit-of-{name}"} if total else {f"unit-of-{name}", f"scale-of-{name}"}
        (code,) = kinds & found.keys()
        assert found[code].evidence["unit"] == named


def test_what_was_converted_twice_can_be_fixed(noisy, mini_i):
    changed = dataclasses.replace(noisy, energies=noisy.energies * EV, forces=noisy.forces * EV)
    rows = {row.quantity: row.mae for row in teaeval.score(changed, fixes=["units"]).rows}
    assert rows["F"] == pytest.approx(
        {row.quantity: row.mae for row in teaeval.score(noisy).rows}["F"], rel=1e-9
    )


def test_several_faults_are_found_at_once(diagnosed, swapped, noisy, mini_i):
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
