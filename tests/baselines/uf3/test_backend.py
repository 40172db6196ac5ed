"""Features and predictions beside those of the uf3 package."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from teadata.typing import no_progress
from teadata.units import EV


@pytest.mark.slow
def test_features_and_predictions_are_those_of_uf3(small_model, case):
    """Of the loosest frame; compiling uf3's own code and running it takes a minute or so."""
    from uf3.forcefield.calculator import UFCalculator
    from uf3.representation.process import BasisFeaturizer

    from baselines.uf3 import backend

    model, _, workdir, _ = small_model("uf3")
    frame = case("uf3").train[:1]
    (atoms,) = frame.to_ase()
    atoms.wrap()  # of atoms outside their cell uf3 0.4.0 loses neighbours
    frame = dataclasses.replace(frame, positions=atoms.positions[None])
    linear = backend.from_file(workdir / model.model_file)
    found = BasisFeaturizer(linear.bspline_config).evaluate_configuration(
        atoms, energy=0.0, forces=np.zeros((3, len(atoms)))
    )
    by_energy, by_force = backend.features(linear, frame, no_progress)
    kept = linear.mask
    np.testing.assert_allclose(
        len(atoms) * by_energy[0][kept], found["energy"][1:][kept], atol=1e-9
    )
    own = by_force[0][: 3 * len(atoms)].reshape(len(atoms), 3, -1)
    peer = np.array(
        [[found[f"{axis}_{atom}"][1:] for axis in ("fx", "fy", "fz")] for atom in range(len(atoms))]
    )
    np.testing.assert_allclose(own[..., kept], peer[..., kept], atol=1e-9)
    calculator = UFCalculator(linear)
    predicted = model.predict(frame)
    assert calculator.get_potential_energy(atoms) * EV == pytest.approx(
        predicted.energies[0], rel=1e-8
    )
    np.testing.assert_allclose(calculator.get_forces(atoms) * EV, predicted.forces[0], atol=1e-2)
