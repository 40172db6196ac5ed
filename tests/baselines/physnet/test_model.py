"""Files, pickles, commands, and the calculator."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from baselines.physnet import PhysNet
from teadata.errors import DataError
from teadata.units import EV


def test_a_model_file_has_the_originals_names(trained):
    _, _, workdir = trained
    with np.load(workdir / "model.npz", allow_pickle=False) as file:
        assert "param/interaction_block0/interaction_layer/k2f/W" in file.files


def test_a_file_of_other_arrays_is_refused(trained, settings, tmp_path):
    _, _, workdir = trained
    path = tmp_path / "model.npz"
    for values in ({"a": np.ones(2)}, {"format": "another"}):
        np.savez(path, **values)
        with pytest.raises(DataError, match="expected a PhysNet model of this package"):
            PhysNet.load(path, settings())
    with np.load(workdir / "model.npz") as file:
        values = {name: file[name] for name in file.files}
    del values["param/output_block0/dense_layer/W"]
    np.savez(path, **values)
    with pytest.raises(DataError, match="missing output_block0/dense_layer/W"):
        PhysNet.load(path, settings())


def test_the_calculator_is_traced_once(trained, mini_i):
    """Through frames, a run of dynamics and another molecule; with charges and their dipole."""
    pytest.importorskip("ase")
    from ase import units
    from ase.md.verlet import VelocityVerlet

    model = pickle.loads(pickle.dumps(trained[0]))
    frames = mini_i.split("complete/test")[:2]
    expected = model.predict(frames)
    calculator = model.calculator()
    for n, atoms in enumerate(frames.to_ase()):
        atoms.calc = calculator
        assert atoms.get_potential_energy() == pytest.approx(expected.energies[n] / EV)
        np.testing.assert_allclose(atoms.get_forces(), expected.forces[n] / EV, atol=1e-5)
        np.testing.assert_allclose(atoms.get_charges(), expected.charges[n], atol=1e-6)
        dipole = atoms.get_charges() @ atoms.positions
        np.testing.assert_allclose(atoms.get_dipole_moment(), dipole)
    VelocityVerlet(atoms, 0.5 * units.fs).run(10)
    part = atoms[:10]
    part.calc = calculator
    assert np.isfinite(part.get_potential_energy())
    assert model.built().traces == 1
