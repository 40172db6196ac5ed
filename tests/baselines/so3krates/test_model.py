"""Files, pickles, and the calculator."""

from __future__ import annotations

import pickle
import subprocess
import sys

import numpy as np
import pytest

from baselines.so3krates import SO3krates
from teadata import TeaError
from teadata.errors import DataError
from teadata.units import EV


def test_a_saved_model_predicts_the_same(trained, settings, mini_i, tmp_path):
    model, _, workdir = trained
    frames = mini_i.split("folded/test")[:3]
    expected = model.predict(frames)
    model.save(tmp_path / "copy.npz")
    assert (tmp_path / "copy.npz").read_bytes() == (workdir / "model.npz").read_bytes()
    loaded = SO3krates.load(tmp_path / "copy.npz", settings(features=16))  # the file's counts
    for other in (loaded, pickle.loads(pickle.dumps(model))):
        again = other.predict(frames)
        np.testing.assert_array_equal(again.energies, expected.energies)
        np.testing.assert_array_equal(again.forces, expected.forces)


def test_a_model_file_has_the_originals_names(trained):
    _, _, workdir = trained
    with np.load(workdir / "model.npz", allow_pickle=False) as file:
        assert "param/layers_0/FeatureBlock_0/filter_fn/VmapMLP_0/layers_0/kernel" in file.files


def test_a_file_that_is_no_model(trained, settings, tmp_path):
    _, _, workdir = trained
    path = tmp_path / "model.npz"
    whole = (workdir / "model.npz").read_bytes()
    for content in (b"", b"no model", whole[: len(whole) // 2]):
        path.write_bytes(content)
        with pytest.raises(DataError, match="expected an SO3krates model of this package"):
            SO3krates.load(path, settings())
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


def test_an_untrained_model_says_so(settings, small, tmp_path):
    with pytest.raises(TeaError, match="not trained"):
        SO3krates(settings()).predict(small)
    with pytest.raises(TeaError, match="nothing to save"):
        SO3krates(settings()).save(tmp_path / "model.npz")
    assert list(tmp_path.iterdir()) == []


def test_unknown_elements_and_coincident_atoms_are_refused(trained, small, frames):
    numbers, positions = small.numbers.copy(), small.positions[:1].copy()
    positions[0, 1] = positions[0, 0]
    with pytest.raises(DataError, match=r"frame 0: atoms 0 and 1 are at the same place"):
        trained[0].predict(frames(numbers, positions))
    numbers[0] = 16
    with pytest.raises(DataError, match=r"trained on H, C, N, O and knows nothing of S"):
        trained[0].predict(frames(numbers, small.positions))


def test_progress_is_reported(trained, mini_i):
    seen = []
    trained[0].predict(mini_i.split("folded/test")[:6], lambda *step: seen.append(step))
    assert seen == [("predict", 4, 6), ("predict", 6, 6)]


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


def test_calculator_is_the_prediction_in_ases_units(crystal):
    model, atoms = crystal
    predicted = model.predict(twice(atoms))
    atoms = atoms.copy()
    atoms.calc = pickle.loads(pickle.dumps(model.calculator()))
    assert atoms.get_potential_energy() == pytest.approx(predicted.energies[0] / EV, rel=1e-12)
    np.testing.assert_allclose(atoms.get_forces(), predicted.forces[0] / EV, atol=1e-12)
    stress = atoms.get_stress(voigt=False)
    np.testing.assert_allclose(stress, predicted.stress[0] / EV, atol=1e-12)


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


def test_importing_the_model_loads_no_backend_and_a_missing_one_is_named():
    script = """
import sys
from baselines.so3krates import SO3krates, SO3kratesConfig, from_reference
assert not {"jax", "flax", "optax", "orbax", "vesin"} & set(sys.modules), "a backend was loaded"
sys.modules["optax"] = None
import teadata
try:
    from_reference({}, {})
except teadata.TeaError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    assert "needs the package 'optax'" in done.stdout
    assert "tea-benchmark[so3krates]" in done.stdout


def test_the_command_takes_allow_tf32_for_this_model_only(run, tmp_path):
    done = run("baselines", "train", "mace", "mini-i", "--allow-tf32", "-o", tmp_path / "run")
    assert done.returncode == 1
    assert "--allow-tf32 of mace: unknown key 'allow_tf32'" in done.stderr
    assert not (tmp_path / "run").exists()


def test_a_cuda_device_that_is_not_there_is_an_error():
    import jax

    from baselines.toolkit.devices import check_device
    from teadata.errors import UsageError

    if any(device.platform == "gpu" for device in jax.devices()):
        pytest.skip("there is one")
    with pytest.raises(UsageError, match=r"JAX .* finds no CUDA device here"):
        check_device("cuda", "jax")


@pytest.mark.gpu
def test_on_a_gpu_as_on_the_cpu(random_model, mini_i):
    """In float32 without tf32, to the rounding of float32."""
    import jax

    if not any(device.platform == "gpu" for device in jax.devices()):
        pytest.skip("no CUDA device")
    model = random_model(layers=3, features=128, degrees=[1, 2, 3, 4], n_rbf=32, r_cut=5.0)
    frames = mini_i.split("folded/test")[:4]
    expected = model.predict(frames)
    single = SO3krates(model.config.model_copy(update={"dtype": "float32"}), device="cuda")
    single.use(model.trained())
    scale = np.abs(expected.forces).max()
    np.testing.assert_allclose(single.predict(frames).forces, expected.forces, atol=1e-5 * scale)
