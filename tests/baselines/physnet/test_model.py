"""Files, pickles, commands, and the calculator."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys

import numpy as np
import pytest

from baselines.physnet import PhysNet
from teadata import TeaError
from teadata.errors import DataError
from teadata.units import EV


def test_a_saved_model_predicts_the_same(trained, settings, mini_i, tmp_path):
    model, _, workdir = trained
    frames = mini_i.split("complete/test")[:3]
    expected = model.predict(frames)
    model.save(tmp_path / "copy.npz")
    assert (tmp_path / "copy.npz").read_bytes() == (workdir / "model.npz").read_bytes()
    loaded = PhysNet.load(tmp_path / "copy.npz", settings(features=16))  # the file's counts
    assert loaded.config.features == 8
    again = pickle.loads(pickle.dumps(loaded)).predict(frames)
    np.testing.assert_array_equal(again.energies, expected.energies)
    np.testing.assert_array_equal(again.forces, expected.forces)


def test_a_model_file_has_the_originals_names(trained):
    _, _, workdir = trained
    with np.load(workdir / "model.npz", allow_pickle=False) as file:
        assert "param/interaction_block0/interaction_layer/k2f/W" in file.files


def test_a_file_that_is_no_model(trained, settings, tmp_path):
    _, _, workdir = trained
    path = tmp_path / "model.npz"
    whole = (workdir / "model.npz").read_bytes()
    for content in (b"", b"no model", whole[: len(whole) // 2]):
        path.write_bytes(content)
        with pytest.raises(DataError, match="expected a PhysNet model of this package"):
            PhysNet.load(path, settings())
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


def test_an_untrained_model_says_so(settings, small, tmp_path):
    with pytest.raises(TeaError, match="not trained"):
        PhysNet(settings()).predict(small)
    with pytest.raises(TeaError, match="nothing to save"):
        PhysNet(settings()).save(tmp_path / "model.npz")
    assert list(tmp_path.iterdir()) == []


def test_unknown_elements_and_coincident_atoms_are_refused(trained, small, frames):
    numbers, positions = small.numbers.copy(), small.positions[:1].copy()
    positions[0, 1] = positions[0, 0]
    with pytest.raises(DataError, match=r"frame 0: atoms 0 and 1 are at the same place"):
        trained[0].predict(frames(numbers, positions))
    numbers[0] = 16
    with pytest.raises(DataError, match=r"trained on H, C, N, O and knows nothing of S"):
        trained[0].predict(frames(numbers, small.positions))


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
    again = pickle.loads(pickle.dumps(calculator))
    assert again.get_potential_energy(part) == pytest.approx(part.get_potential_energy())


@pytest.mark.slow
def test_importing_the_model_loads_no_backend():
    code = "import sys, baselines, baselines.physnet; print('tensorflow' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.slow
def test_threads_are_those_of_the_run():
    """TensorFlow does not look at OMP_NUM_THREADS itself; and it says nothing of the processor."""
    code = (
        "from baselines.physnet import backend; backend.load(); import tensorflow as tf;"
        "t = tf.config.threading; tf.constant(1);"
        "print(t.get_intra_op_parallelism_threads(), t.get_inter_op_parallelism_threads())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    assert done.stdout.strip() == "1 1"
    assert done.stderr == ""
