"""Steps are those of ASE's integrators."""

from __future__ import annotations

import numpy as np
import pytest
from ase import units
from ase.calculators.emt import EMT
from ase.md.langevin import Langevin

from teaeval import md
from teaeval.md.freedom import degrees_of_freedom
from teaeval.md.integrators import Integrator, start_moving


@pytest.mark.parametrize("friction", [1e-3, 0.2])
def test_langevin_is_ases(copper, friction):
    """The same random numbers give the same trajectory, to rounding."""
    settings = md.Settings(temperature=400, friction=friction, timestep=2.0, seed=3)
    start_moving(copper, settings)
    theirs, ours = copper.copy(), copper.copy()
    theirs.calc, ours.calc = EMT(), EMT()
    expected = Langevin(
        theirs, 2.0 * units.fs, temperature_K=400, friction=friction / units.fs, fixcm=False,
        rng=np.random.default_rng([3, 1]),
    )  # fmt: skip
    found = Integrator(ours, settings, degrees_of_freedom(settings, len(ours), False))
    forces = None
    for _ in range(20):
        expected.step()
        forces = found.step(forces)
    np.testing.assert_allclose(ours.positions, theirs.positions, rtol=0, atol=1e-10)
    np.testing.assert_allclose(ours.get_momenta(), theirs.get_momenta(), rtol=0, atol=1e-10)
    np.testing.assert_allclose(forces, theirs.get_forces(), rtol=0, atol=1e-9)
