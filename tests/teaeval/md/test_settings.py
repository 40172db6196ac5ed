"""Settings of a simulation: what fits together, and units."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from ase import units as ase_units
from ase.calculators.calculator import Calculator
from ase.calculators.emt import EMT
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

import teadata
from teadata.errors import UsageError
from teaeval import md
from teaeval.md.settings import ASE_TIME_FS


class Free(Calculator):
    """No forces."""

    implemented_properties = ("energy", "forces")

    def calculate(self, *args):
        super().calculate(*args)
        self.results = {"energy": 0.0, "forces": np.zeros((len(self.atoms), 3))}


def test_wrong_settings():
    with pytest.raises(ValidationError, match=r"not a multiple of .* give --checkpoint 200"):
        md.Settings(checkpoint=170)
    with pytest.raises(ValidationError, match="longer than the run"):
        md.Settings(steps=10)
    with pytest.raises(ValidationError, match="not below broken"):
        md.Settings(formed=1.6)


def test_a_friction_in_another_unit_is_noticed(copper, tmp_path):
    fast = md.Settings(friction=5.0, interval=10, steps=10)
    with pytest.raises(UsageError, match=r"within 0.2 fs, less than the time step of .*1/ps$"):
        md.simulate(copper, EMT(), fast, tmp_path / "run")
    with pytest.raises(UsageError, match="--friction: 5 1/fs stops atoms"):
        md.make_plan(teadata.load("mini-i"), "folded", fast, calculator="m:make")
    assert "sample slowly. If it is in 1/ps" in md.Settings(friction=1.0).overdamped
    assert md.Settings(friction=1.0, friction_unit="1/ps").overdamped is None
    assert md.Settings(friction=5.0, thermostat="bussi").overdamped is None


@pytest.mark.parametrize(("friction", "share"), [(0.5, 1.0), (1.9, 1.0), (4.0, 1.4)])
def test_the_temperature_of_free_atoms_at_a_large_friction(friction, share):
    """Up to a friction of one by the time step it is the thermostat's, at twice that it is not."""
    from teaeval.md.direct import Direct
    from teaeval.md.integrators import Integrator, start_moving

    atoms = Atoms("Ar500", np.zeros((500, 3)))
    settings = md.Settings(friction=friction)
    start_moving(atoms, settings)
    atoms.calc = Direct(Free())
    integrator, kelvins, forces = Integrator(atoms, settings, 1500), [], None
    for _ in range(60):
        forces = integrator.step(forces)
        kelvins.append(atoms.get_temperature())
    assert np.mean(kelvins[10:]) == pytest.approx(300 * share, rel=0.03)


@given(st.floats(1e-6, 10), st.sampled_from(["1/fs", "1/ps", "1/ase"]))
def test_units_of_friction(friction, unit):
    found = md.Settings(friction=friction, friction_unit=unit).friction_per_fs
    expected = {"1/fs": 1.0, "1/ps": 1e-3, "1/ase": ase_units.fs}[unit]
    assert found == pytest.approx(friction * expected, rel=1e-9)
    assert pytest.approx(1 / ase_units.fs, rel=1e-9) == ASE_TIME_FS
