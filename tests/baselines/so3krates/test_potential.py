"""What a force field must obey, with random weights in float64."""

from __future__ import annotations

import numpy as np
import pytest

from teadata import load

WEIGHTS = {"layers": 2, "r_cut": 3.0}


@pytest.fixture(scope="module")
def model(random_model):
    return random_model(**WEIGHTS)


@pytest.fixture(scope="module")
def crystal(frames):
    """A triclinic cell of four atoms, of which one vector is shorter than the cutoff."""
    cell = np.array([[2.6, 0.0, 0.0], [0.7, 4.1, 0.0], [-0.5, 0.6, 4.4]])
    places = np.array([[0, 0, 0], [0.5, 0.5, 0.1], [0.2, 0.7, 0.6], [0.6, 0.1, 0.5]])
    positions = (places + 0.03 * np.random.default_rng(3).normal(size=(4, 3))) @ cell
    return frames([6, 1, 8, 1], positions[None], cell)


@pytest.fixture(scope="module")
def molecules(cases, frames):
    case = cases["d1234_nores"]
    rng = np.random.default_rng(4)
    return frames(case["in/z"][0], case["in/R"][0] + 0.05 * rng.normal(size=(2, 9, 3)))


def test_forces_and_stress_are_slopes_with_every_option(random_model, crystal, frames):
    options = {
        "residual_mlp_1": True, "residual_mlp_2": True, "layer_normalization": True,
        "sphc_normalization": 5.0, "zbl": True, "cutoff_fn": "phys",
    }  # fmt: skip
    model = random_model(**WEIGHTS | options)
    rng, step = np.random.default_rng(0), 1e-4
    found = model.predict(crystal)
    moves = rng.normal(size=(2, 4, 3))
    moves = np.concatenate([moves, -moves])
    moved = frames(crystal.numbers, crystal.positions + step * moves, crystal.cell[0])
    energies = model.predict(moved).energies
    slopes = (energies[:2] - energies[2:]) / (2 * step)
    expected = -np.einsum("dai,ai->d", moves[:2], found.forces[0])
    np.testing.assert_allclose(slopes, expected, rtol=1e-5, atol=1e-6)
    strain = rng.normal(size=(3, 3))
    energies = []
    for sign in (1, -1):
        deform = np.eye(3) + sign * step * strain
        cell = crystal.cell[0] @ deform
        energies.append(model.predict(frames(crystal.numbers, crystal.positions @ deform, cell)))
    slope = (energies[0].energies[0] - energies[1].energies[0]) / (2 * step)
    volume = crystal.volumes[0]
    assert slope == pytest.approx(volume * (found.stress[0] * strain).sum(), rel=1e-5)
    np.testing.assert_allclose(found.stress, found.stress.transpose(0, 2, 1), atol=1e-12)


def test_far_fragments_have_the_energy_of_both(model, molecules, frames):
    both = np.concatenate([molecules.positions[0], molecules.positions[1] + [50, 0, 0]])
    together = model.predict(frames(np.tile(molecules.numbers, 2), both[None]))
    alone = model.predict(molecules)
    assert together.energies[0] == pytest.approx(alone.energies.sum(), rel=1e-12)
    np.testing.assert_allclose(together.forces[0], alone.forces.reshape(-1, 3), atol=1e-10)


def test_an_atom_by_itself_has_an_energy_and_no_forces(model, frames):
    found = model.predict(frames([6], [[[0, 0, 0]]]))
    assert np.isfinite(found.energies).all()
    assert not found.forces.any()


@pytest.mark.parametrize(
    ("kind", "order"), [("cosine", 2), pytest.param("phys", 3, marks=pytest.mark.slow)]
)
def test_the_energy_fades_out_at_the_cutoff(kind, order, random_model, frames):
    """Like a power of what is left to the cutoff: two with half a cosine, three with PhysNet's."""
    model = random_model(cutoff_fn=kind, r_cut=3.0)
    left = np.array([1e-2, 1e-3, -1e-3, -1.0])
    positions = np.zeros((4, 2, 3))
    positions[:, 1, 0] = 3.0 - left
    found = model.predict(frames([8, 1], positions))
    near, nearer, beyond, far = found.energies
    assert beyond == far
    assert (near - far) / (nearer - far) == pytest.approx(10**order, rel=0.1)
    assert not found.forces[2:].any()
    assert abs(found.forces[1]).max() < 0.2 * abs(found.forces[0]).max()


@pytest.mark.slow
def test_real_slabs_and_crystals_are_handled(random_model):
    """Of mini-iii (a slab) and mini-iv: forces sum to zero, whatever the padding."""
    model = random_model(r_cut=3.0)
    for name in ("mini-iii", "mini-iv"):
        found = model.predict(load(name).split("complete/test")[:1])
        np.testing.assert_allclose(found.forces.sum(axis=1), 0.0, atol=1e-9)
        assert np.abs(found.stress).max() > 0
