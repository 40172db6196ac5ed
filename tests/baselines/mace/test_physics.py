"""Forces, stress and symmetries of small MACE models."""

from __future__ import annotations

import numpy as np
import pytest

from baselines.mace import MACE
from teadata import Frames

torch = pytest.importorskip("torch")
pytest.importorskip("mace")


def like(frames: Frames, positions: np.ndarray, **changed: object) -> Frames:
    """Unlabelled frames of a system at other positions, or in other cells."""
    values = {"numbers": frames.numbers, "cell": frames.cell, "pbc": frames.pbc} | changed
    if values["cell"] is not None:
        values["cell"] = np.broadcast_to(values["cell"], (len(positions), 3, 3))
    shape = positions.shape
    return Frames(
        positions=positions,
        energies=np.full(shape[0], np.nan),
        forces=np.full(shape, np.nan),
        **values,
    )


@pytest.mark.parametrize("name", ["mini-i", "mini-iii", "mini-iv", "mini-hydrogen"])
def test_forces_are_minus_the_gradient_of_the_energy(name, trained, crystals, mini_i):
    model, frames = (
        (trained[0], mini_i.split("folded/test")[:1]) if name == "mini-i" else crystals[name]
    )
    frame, step = frames[:1], 1e-4
    directions = np.random.default_rng(0).normal(size=(3, *frame.positions.shape[1:]))
    shifted = np.concatenate([frame.positions + sign * step * directions for sign in (1, -1)])
    energies = model.predict(like(frame, shifted)).energies
    slopes = (energies[:3] - energies[3:]) / (2 * step)
    forces = model.predict(frame).forces[0]
    np.testing.assert_allclose(slopes, -np.einsum("dai,ai->d", directions, forces), rtol=1e-4)


@pytest.mark.parametrize("name", ["mini-iii", "mini-iv", "mini-hydrogen"])
def test_stress_is_the_derivative_of_the_energy_by_strain(name, crystals):
    model, frames = crystals[name]
    frame, step = frames[:1], 1e-5
    volume = frame.volumes[0]
    stress = model.predict(frame).stress[0]
    np.testing.assert_allclose(stress, stress.T, atol=1e-12)
    for i, j in ((0, 0), (1, 2), (2, 2), (0, 1)):
        energies = []
        for sign in (1, -1):
            strain = np.zeros((3, 3))
            strain[i, j] += sign * step / 2
            strain[j, i] += sign * step / 2
            deformation = np.eye(3) + strain
            deformed = like(frame, frame.positions @ deformation, cell=frame.cell @ deformation)
            energies.append(model.predict(deformed).energies[0])
        slope = (energies[0] - energies[1]) / (2 * step) / volume
        assert slope == pytest.approx(stress[i, j], rel=1e-3, abs=1e-6 * np.abs(stress).max())


def test_rotation_translation_and_permutation(trained, mini_i):
    model, _, _ = trained
    frames = mini_i.split("folded/test")[:3]
    rng = np.random.default_rng(1)
    rotation, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    order = rng.permutation(frames.n_atoms)
    energies, forces, *others = model.predict(frames)
    assert others == [None, None]
    turned = model.predict(like(frames, frames.positions @ rotation + [3.0, -2.0, 1.0]))
    np.testing.assert_allclose(turned.energies, energies, atol=1e-6)
    np.testing.assert_allclose(turned.forces, forces @ rotation, atol=1e-6)
    mixed = model.predict(like(frames, frames.positions[:, order], numbers=frames.numbers[order]))
    np.testing.assert_allclose(mixed.energies, energies, atol=1e-6)
    np.testing.assert_allclose(mixed.forces, forces[:, order], atol=1e-6)


def test_a_molecule_may_differ_from_those_it_was_trained_on(trained, mini_i):
    """Two molecules far apart have the energy of both: what is learnt is of elements."""
    model, _, _ = trained
    frames = mini_i.split("folded/test")[:2]
    both = np.concatenate([frames.positions[:1], frames.positions[1:] + 100.0], axis=1)
    together = model.predict(like(frames[:1], both, numbers=np.tile(frames.numbers, 2)))
    alone = model.predict(frames)
    assert together.energies[0] == pytest.approx(alone.energies.sum(), abs=1e-6)
    np.testing.assert_allclose(together.forces[0], alone.forces.reshape(-1, 3), atol=1e-6)


@pytest.mark.parametrize("name", ["mini-iv", "mini-hydrogen"])
def test_a_cell_and_its_repetition(name, crystals):
    model, frames = crystals[name]
    frame = frames[:1]
    one = model.predict(frame)
    images = np.concatenate([frame.positions[0], frame.positions[0] + frame.cell[0, 1]])
    doubled = like(
        frame,
        images[None],
        numbers=np.tile(frame.numbers, 2),
        cell=frame.cell[0] * [[1], [2], [1]],
    )
    two = model.predict(doubled)
    assert two.energies[0] == pytest.approx(2 * one.energies[0], abs=1e-6)
    np.testing.assert_allclose(two.forces[0], np.tile(one.forces[0], (2, 1)), atol=1e-6)
    np.testing.assert_allclose(two.stress, one.stress, atol=1e-9)


def test_a_slab_in_a_cell_of_which_one_vector_is_not_periodic(crystals):
    """There mace-torch makes up a third cell vector; stress is per volume of the given cell."""
    model, frames = crystals["mini-iii"]
    slab = like(frames, frames.positions, pbc=(True, True, False))
    for found, expected in zip(model.predict(slab), model.predict(frames), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-9)


def test_float32_returns_total_energies_that_float64_can_tell_apart(mini_i, settings, tmp_path):
    """All-electron energies are of the order of 1e6 kcal/mol, where float32 has steps of 0.1."""
    shift = -2.6e6
    train, valid = (mini_i.split(f"folded/{role}/8") for role in ("train", "valid"))
    deep = [
        Frames(
            numbers=f.numbers, positions=f.positions, energies=f.energies + shift, forces=f.forces
        )
        for f in (train, valid)
    ]
    single = settings.model_copy(update={"dtype": "float32"})
    found = []
    for name, frames in (("plain", (train, valid)), ("deep", deep)):
        (tmp_path / name).mkdir()
        model = MACE(single)
        model.fit(*frames, tmp_path / name)
        found.append(model.predict(valid).energies)
    np.testing.assert_allclose(found[1] - shift, found[0], atol=2e-3)
    assert np.ptp(found[0]) > 0.1
