"""The labelling engine's conventions: signs and units against finite differences."""

from __future__ import annotations

import importlib
from types import ModuleType

import numpy as np
import pytest
from ase import Atoms
from ase.stress import full_3x3_to_voigt_6_stress

from teadata import units
from teadata.frames import Frames

CELL = np.array([[3.2, 0.0, 0.0], [0.3, 3.0, 0.0], [0.1, -0.2, 3.4]])  # Å


@pytest.fixture(scope="module")
def labels(recipes) -> ModuleType:
    return recipes("labels")


@pytest.fixture(scope="module")
def engine(labels):
    return labels.Engine("GFN1-xTB", electronic_temperature=1000.0, stress=True)


@pytest.fixture(scope="module")
def hydrogen() -> tuple[np.ndarray, np.ndarray]:
    """Four molecules in a skewed cell."""
    rng = np.random.default_rng(5)
    centres = np.array([[0, 0, 0], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]]) @ CELL
    axes = rng.standard_normal((4, 3))
    axes *= 0.38 / np.linalg.norm(axes, axis=1, keepdims=True)
    positions = (centres[:, None] + np.stack([axes, -axes], axis=1)).reshape(-1, 3)
    return np.ones(8, dtype=int), positions + 0.02 * rng.standard_normal((8, 3))


def test_stress_is_the_derivative_by_strain_over_volume(engine, hydrogen):
    """In kcal/mol/Å³, with ASE's sign: negative under compression."""
    numbers, positions = hydrogen
    found = engine.label(numbers, positions, CELL).stress
    step = 1e-3
    numerical = np.zeros((3, 3))
    for i, j in [(0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2)]:
        energies = []
        for sign in (1, -1):
            strain = np.eye(3)
            strain[i, j] += sign * step / 2
            strain[j, i] += sign * step / 2
            energies.append(engine.label(numbers, positions @ strain, CELL @ strain).energy)
        slope = (energies[0] - energies[1]) / (2 * step) / np.linalg.det(CELL)
        numerical[i, j] = numerical[j, i] = slope
    np.testing.assert_allclose(found, numerical, atol=2e-4 * np.abs(found).max())
    assert np.trace(found) < 0


def test_stress_survives_in_ase_s_convention(labels, engine, hydrogen):
    numbers, positions = hydrogen
    label = engine.label(numbers, positions, CELL)
    frames = Frames(
        numbers=numbers,
        positions=positions[None],
        energies=np.array([label.energy]),
        forces=label.forces[None],
        cell=CELL[None],
        pbc=(True, True, True),
        stress=label.stress[None],
    )
    from tblite.ase import TBLite

    atoms = Atoms(numbers, positions, cell=CELL, pbc=True)
    atoms.calc = TBLite(
        method="GFN1-xTB", electronic_temperature=1000.0, accuracy=0.01, verbosity=0
    )
    ours = frames.to_ase()[0].get_stress()
    np.testing.assert_allclose(ours, atoms.get_stress(), rtol=1e-6)
    np.testing.assert_allclose(
        ours, full_3x3_to_voigt_6_stress(label.stress) / units.EV, rtol=1e-12
    )


def test_forces_are_minus_the_gradient(engine, hydrogen):
    numbers, positions = hydrogen
    forces = engine.label(numbers, positions, CELL).forces
    for atom, axis in [(0, 0), (3, 2), (6, 1)]:
        energies = []
        for sign in (1, -1):
            moved = positions.copy()
            moved[atom, axis] += sign * 1e-3
            energies.append(engine.label(numbers, moved, CELL).energy)
        slope = (energies[0] - energies[1]) / 2e-3
        assert forces[atom, axis] == pytest.approx(-slope, abs=2e-3)


def test_dynamics_gives_the_label_of_a_fresh_scf(engine, hydrogen):
    """So a frame of a trajectory need not be labelled a second time."""
    numbers, positions = hydrogen
    atoms = Atoms(numbers, positions, cell=CELL, pbc=True)
    atoms.calc = engine.dynamics(engine.accuracy)
    for shift in (0.0, 0.01, -0.02):
        atoms.positions = positions + shift * np.sin(np.arange(24)).reshape(8, 3)
        energy = atoms.get_potential_energy()
        fresh = engine.label(numbers, atoms.positions, CELL)
        warm = atoms.calc.last_label
        assert energy * units.EV == pytest.approx(fresh.energy, rel=1e-12)
        assert warm.energy == pytest.approx(fresh.energy, rel=1e-9)
        np.testing.assert_allclose(warm.forces, fresh.forces, atol=1e-6 * abs(fresh.forces).max())
        np.testing.assert_allclose(warm.stress, fresh.stress, atol=1e-6 * abs(fresh.stress).max())


@pytest.mark.parametrize(("thermostat", "own"), [("bussi", True), ("langevin", False)])
def test_labels_belong_to_the_positions_that_are_stored(
    labels, engine, hydrogen, tmp_path, thermostat, own
):
    """Not to those before rounding, which differ by 1e-3 of the largest force."""
    sampling = importlib.import_module("sampling")
    numbers, positions = hydrogen
    plan = sampling.Trajectory("t", 1, 1000.0, 0.5, 20.0, {}, 2, 4, 3, thermostat)
    path = tmp_path / "t.npz"

    def run() -> dict[str, np.ndarray]:
        return sampling.run(
            plan,
            lambda: Atoms(numbers, positions, cell=CELL, pbc=True),
            lambda: engine.dynamics(engine.accuracy),
            None if own else engine.label,
            path,
        )

    found = run()
    for i in range(3):
        expected = engine.label(numbers, found["R"][i], CELL)
        scale = np.abs(expected.forces).max()
        np.testing.assert_allclose(found["F"][i], expected.forces, atol=1e-6 * scale)
        np.testing.assert_array_equal(found["R"][i], sampling.round_positions(found["R"][i]))
    if own:
        return
    with np.load(path) as data:  # labels that are missing are made up for
        arrays = dict(data)
    arrays["E"][1] = np.nan
    arrays["F"][1] = 0
    np.savez(path, **arrays)
    np.testing.assert_allclose(run()["F"][1], found["F"][1], rtol=1e-12)
