"""What every model's predictions are: finite, gradients of one energy, and symmetric."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from ase.calculators.calculator import PropertyNotImplementedError

from baselines.registry import MODELS
from teadata import Frames
from teadata.errors import DataError

PERIODIC = [name for name in MODELS if name not in ("sgdml", "physnet")]
"""Models that predict any periodic frame of their elements, and its stress."""

ANY_ORDER = [name for name in MODELS if name != "sgdml"]
"""Models to which the order of the atoms does not matter; sGDML takes one only."""


def unlabelled(like: Frames, positions, cell=None, numbers=None) -> Frames:
    """Frames of positions (N, A, 3); what the labels are does not matter."""
    shape = np.shape(positions)
    if cell is not None:
        cell = np.broadcast_to(cell, (shape[0], 3, 3))
    return Frames(
        numbers=like.numbers if numbers is None else numbers,
        positions=positions,
        energies=np.full(shape[0], np.nan),
        forces=np.full(shape, np.nan),
        cell=cell,
        pbc=like.pbc,
    )


def assert_forces_are_the_slope(model, frame: Frames) -> None:
    step = 1e-4
    moves = np.random.default_rng(0).normal(size=(3, *frame.positions.shape[1:]))
    positions = frame.positions + step * np.concatenate([moves, -moves])
    energies = model.predict(unlabelled(frame, positions, frame.cell)).energies
    slopes = (energies[:3] - energies[3:]) / (2 * step)
    forces = model.predict(frame).forces[0]
    expected = -np.einsum("dai,ai->d", moves, forces)
    np.testing.assert_allclose(slopes, expected, atol=1e-4 * np.linalg.norm(forces))


def test_predictions_are_finite_and_of_the_frames_shapes(trained, data):
    """With labels that are not finite: they are not looked at."""
    frames = data.test
    predicted = trained.model.predict(unlabelled(frames, frames.positions, frames.cell))
    assert predicted.energies.shape == (len(frames),)
    assert predicted.forces.shape == frames.positions.shape
    assert np.isfinite(predicted.energies).all()
    assert np.isfinite(predicted.forces).all()
    assert predicted.energies.dtype == predicted.forces.dtype == np.float64
    assert (predicted.stress is None) == (frames.cell is None)


def test_forces_are_minus_the_gradient_of_the_energy(exact, data):
    assert_forces_are_the_slope(exact, data.test[:1])


@pytest.mark.parametrize("name", PERIODIC, indirect=True)
def test_forces_and_stress_of_a_crystal_are_gradients(exact, crystal):
    assert_forces_are_the_slope(exact, crystal)
    step = 1e-5
    cell, positions = crystal.cell[0], crystal.positions[0]
    strains = np.random.default_rng(1).normal(size=(3, 3, 3))
    deforms = np.eye(3) + step * np.concatenate([strains, -strains])
    energies = exact.predict(unlabelled(crystal, positions @ deforms, cell @ deforms)).energies
    slopes = (energies[:3] - energies[3:]) / (2 * step * crystal.volumes[0])
    stress = exact.predict(crystal).stress
    assert stress.shape == (1, 3, 3)
    np.testing.assert_allclose(stress, stress.transpose(0, 2, 1), atol=1e-9)
    expected = np.einsum("dij,ij->d", strains, stress[0])
    np.testing.assert_allclose(slopes, expected, atol=1e-4 * np.linalg.norm(stress))


def test_rotation_inversion_and_translation(exact, data):
    frames = data.test[:2]
    rotation, _ = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))
    rotation *= np.linalg.det(rotation)
    before = exact.predict(frames)
    for turn, lattice in ((rotation, rotation), (-np.eye(3), np.eye(3))):
        cell = None if frames.cell is None else frames.cell @ lattice
        moved = unlabelled(frames, frames.positions @ turn + [3.0, -2.0, 1.0], cell)
        after = exact.predict(moved)
        np.testing.assert_allclose(after.energies, before.energies, rtol=1e-10)
        np.testing.assert_allclose(after.forces, before.forces @ turn, atol=1e-6)
        if before.stress is not None:
            np.testing.assert_allclose(after.stress, turn.T @ before.stress @ turn, atol=1e-7)


@pytest.mark.parametrize("name", ANY_ORDER, indirect=True)
def test_the_order_of_the_atoms_does_not_matter(exact, data):
    frames = data.test[:2]
    order = np.random.default_rng(2).permutation(frames.n_atoms)
    before = exact.predict(frames)
    mixed = unlabelled(frames, frames.positions[:, order], frames.cell, frames.numbers[order])
    after = exact.predict(mixed)
    np.testing.assert_allclose(after.energies, before.energies, rtol=1e-10)
    np.testing.assert_allclose(after.forces, before.forces[:, order], atol=1e-6)


@pytest.mark.parametrize("name", PERIODIC, indirect=True)
def test_a_cell_and_its_repetition_are_the_same_crystal(exact, crystal):
    cell, positions = crystal.cell[0], crystal.positions[0]
    twice = unlabelled(
        crystal,
        np.concatenate([positions, positions + cell[0]])[None],
        cell * [[2], [1], [1]],
        np.tile(crystal.numbers, 2),
    )
    one, two = exact.predict(crystal), exact.predict(twice)
    assert two.energies[0] == pytest.approx(2 * one.energies[0], rel=1e-10)
    np.testing.assert_allclose(two.forces[0], np.tile(one.forces[0], (2, 1)), atol=1e-6)
    np.testing.assert_allclose(two.stress, one.stress, atol=1e-7)


def test_frames_do_not_see_each_other_and_progress_is_told(exact, data):
    seen = []
    together = exact.predict(data.test, lambda *step: seen.append(step))
    assert seen[-1] == ("predict", 6, 6)
    assert [done for _, done, _ in seen] == sorted({done for _, done, _ in seen})
    for row in (0, 5):
        alone = exact.predict(data.test[row])
        np.testing.assert_allclose(alone.energies[0], together.energies[row], rtol=1e-12)
        np.testing.assert_allclose(alone.forces[0], together.forces[row], atol=1e-8)
        if together.stress is not None:
            np.testing.assert_allclose(alone.stress[0], together.stress[row], atol=1e-8)


def test_what_no_model_has_an_energy_of_is_refused(trained, data):
    """In the same words by all models, and by their calculators."""
    frames = data.test[:2]
    positions = frames.positions.copy()
    positions[1, 1] = positions[1, 0]
    with pytest.raises(DataError, match=f"frame {frames.ids[1]}: atoms 0 and 1 are at the same"):
        trained.model.predict(dataclasses.replace(frames, positions=positions))
    (atoms,) = frames[:1].to_ase()
    atoms.calc = trained.model.calculator()
    for cell, message in (([0, 0, 0], "without a cell"), ([9, 9, 0], "the cell vector c is")):
        atoms.set_cell(cell)
        atoms.pbc = True
        with pytest.raises(DataError, match=f"periodic along a, b, c, and {message}"):
            atoms.get_potential_energy()


@pytest.mark.parametrize("name", PERIODIC, indirect=True)
def test_a_slab_has_energy_and_forces_and_stress_if_its_cell_has_a_volume(name, trained, data):
    (atoms,) = data.test[:1].to_ase()
    atoms.calc = trained.model.calculator()
    for height, pbc in ((0, (1, 1, 0)), (40, (1, 1, 0)), (0, (0, 0, 0)), (40, (0, 0, 0))):
        atoms.set_cell([30, 30, height])
        atoms.pbc = pbc
        if name == "pace" and any(pbc):
            with pytest.raises(DataError, match=r"python-ace takes .* axis=\[2\]"):
                atoms.get_potential_energy()
            continue
        assert np.isfinite(atoms.get_potential_energy())
        assert np.isfinite(atoms.get_forces()).all()
        if height:
            assert np.isfinite(atoms.get_stress()).all()
            assert atoms.get_stress().any()
            continue
        with pytest.raises(PropertyNotImplementedError, match="three cell vectors"):
            atoms.get_stress()
        assert np.isfinite(atoms.get_potential_energy())


@pytest.mark.parametrize("name", ["sgdml", "physnet"], indirect=True)
def test_a_model_without_stress_says_so(trained, data):
    (atoms,) = data.test[:1].to_ase()
    atoms.calc = trained.model.calculator()
    atoms.set_cell([40, 40, 40])
    with pytest.raises(PropertyNotImplementedError, match="predicts no stress: leave it out"):
        atoms.get_stress()
