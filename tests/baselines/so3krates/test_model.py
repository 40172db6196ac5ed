"""Files, pickles, and the calculator."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from baselines.so3krates import SO3krates
from teadata import Frames
from teadata.errors import DataError
from teadata.units import EV


def test_a_model_file_has_the_originals_names(trained):
    _, _, workdir = trained
    with np.load(workdir / "model.npz", allow_pickle=False) as file:
        assert "param/layers_0/FeatureBlock_0/filter_fn/VmapMLP_0/layers_0/kernel" in file.files


def test_a_file_of_other_arrays_is_refused(trained, settings, tmp_path):
    _, _, workdir = trained
    path = tmp_path / "model.npz"
    for values in (
        {"a": np.ones(2)},
        {"format": "another"},
        {"format": np.array({}, dtype=object)},
    ):
        np.savez(path, **values)
        with pytest.raises(DataError, match="expected an SO3krates model of this package"):
            SO3krates.load(path, settings())
    with np.load(workdir / "model.npz") as file:
        values = {name: file[name] for name in file.files}
    del values["param/observables_0/MLP_0/layers_1/bias"]
    np.savez(path, **values)
    with pytest.raises(DataError, match=r"missing observables_0/MLP_0/layers_1/bias"):
        SO3krates.load(path, settings())


@pytest.fixture(scope="module")
def crystal(random_model):
    """A model with a short cutoff, and a crystal of twenty-seven atoms."""
    from ase.build import bulk

    atoms = bulk("NaCl", "rocksalt", a=4.2) * (3, 2, 2)
    atoms.rattle(0.05, seed=1)
    return random_model(r_cut=3.0, dtype="float64"), atoms


def twice(atoms):
    """The atoms as two frames, whose pairs are listed for them alone."""
    from baselines.toolkit.calculator import frame_of

    return frame_of(atoms)[[0, 0]]


def test_the_list_is_kept_within_the_skin_and_nothing_is_compiled(crystal):
    """While atoms move, leave the cell and come back, and the cell changes."""
    import jax

    model, atoms = crystal
    atoms = atoms.copy()
    atoms.calc = model.calculator()
    atoms.get_forces()
    network = model.built()
    rng, lists, compiled = np.random.default_rng(0), network.kept.lists, network.compilations
    for _ in range(40):
        atoms.positions += rng.normal(scale=0.03, size=atoms.positions.shape)
        atoms.get_forces()
    assert 0 < network.kept.lists - lists < 20
    assert network.compilations == compiled
    kept = atoms.get_forces(), atoms.get_potential_energy(), atoms.get_stress()
    lists = network.kept.lists
    other = atoms.copy()
    other.wrap()
    other.calc = pickle.loads(pickle.dumps(model)).calculator()  # with a list of its own
    np.testing.assert_allclose(other.get_forces(), kept[0], atol=1e-10)
    assert other.get_potential_energy() == pytest.approx(kept[1], rel=1e-12)
    np.testing.assert_allclose(other.get_stress(), kept[2], atol=1e-12)
    atoms.set_cell(atoms.cell * 1.01, scale_atoms=True)
    np.testing.assert_allclose(
        atoms.get_forces(), model.predict(twice(atoms)).forces[0] / EV, atol=1e-10
    )
    assert network.kept.lists == lists + 1
    assert jax.config.jax_enable_x64 is False


def test_atoms_that_are_moved_in_place_have_a_new_list(crystal):
    """A loop of one's own moves one array: frames made of it share its memory."""
    model, atoms = crystal
    numbers, positions = atoms.numbers, atoms.positions.copy()

    def forces(which):
        frames = Frames(numbers, positions[None], [0.0], np.zeros((1, len(numbers), 3)),
                        cell=atoms.cell.array[None], pbc=atoms.pbc)  # fmt: skip
        return which.predict(frames).forces[0]

    forces(model)
    for _ in range(3):
        positions[0] += [0.9, 0.0, 0.0]
        fresh = pickle.loads(pickle.dumps(model))
        np.testing.assert_allclose(forces(model), forces(fresh), atol=1e-9)


@pytest.mark.slow
def test_energy_is_conserved_by_a_trained_quick_model(mini_i, tmp_path):
    """1000 steps of 0.5 fs from 300 K: the drift of the total energy is far below kT per atom."""
    from ase import units
    from ase.md.velocitydistribution import MaxwellBoltzmannDistribution, Stationary
    from ase.md.verlet import VelocityVerlet

    from baselines import load_model

    model = load_model("so3krates")
    model.config = model.config.model_copy(update={"steps": 3000, "lr_decay_steps": 300})
    model.fit(mini_i.split("folded/train/200"), mini_i.split("folded/valid/60"), tmp_path)
    atoms = mini_i.split("folded/test")[:1].to_ase()[0]
    atoms.calc = model.calculator()
    MaxwellBoltzmannDistribution(atoms, temperature_K=300, rng=np.random.default_rng(0))
    Stationary(atoms)
    md = VelocityVerlet(atoms, 0.5 * units.fs)
    energies = []
    for _ in range(100):
        md.run(10)
        energies.append(atoms.get_total_energy())
    slope = np.polyfit(np.arange(100), energies, 1)[0] * 100 / len(atoms)  # eV per atom
    assert abs(slope) < 0.01 * units.kB * 300
    assert np.std(energies) / len(atoms) < 0.05 * units.kB * 300
