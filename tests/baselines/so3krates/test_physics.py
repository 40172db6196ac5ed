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


def test_rotation_inversion_translation_and_permutation(model, molecules, frames):
    rng = np.random.default_rng(1)
    rotation, _ = np.linalg.qr(rng.normal(size=(3, 3)))  # its determinant may be -1: both
    order = rng.permutation(9)
    before = model.predict(molecules)
    for turn in (rotation, -rotation):
        turned = frames(molecules.numbers, molecules.positions @ turn + [3.0, -2.0, 1.0])
        after = model.predict(turned)
        np.testing.assert_allclose(after.energies, before.energies, rtol=1e-12)
        np.testing.assert_allclose(after.forces, before.forces @ turn, atol=1e-10)
    mixed = model.predict(frames(molecules.numbers[order], molecules.positions[:, order]))
    np.testing.assert_allclose(mixed.energies, before.energies, rtol=1e-12)
    np.testing.assert_allclose(mixed.forces, before.forces[:, order], atol=1e-10)
    np.testing.assert_allclose(before.forces.sum(axis=1), 0.0, atol=1e-10)
    assert before.stress is None


def test_spherical_harmonics_are_orthonormal_and_turn_within_their_degree():
    import jax

    from baselines.so3krates import harmonics

    rng = np.random.default_rng(2)
    # Exact for polynomials up to degree 8: Gauss-Legendre in z, equal angles around it
    nodes, weights = np.polynomial.legendre.leggauss(8)
    angles = 2 * np.pi * np.arange(16) / 16
    z = np.repeat(nodes, 16)
    r, phi = np.sqrt(1 - z**2), np.tile(angles, 8)
    points = np.stack([r * np.cos(phi), r * np.sin(phi), z], axis=1)
    weight = np.repeat(weights, 16) * 2 * np.pi / 16
    with jax.enable_x64(True):
        values = np.asarray(harmonics.spherical_harmonics(points, (1, 2, 3, 4)))
        np.testing.assert_allclose(values.T @ (weight[:, None] * values), np.eye(24), atol=1e-12)
        rotation, _ = np.linalg.qr(rng.normal(size=(3, 3)))
        turned = np.asarray(harmonics.spherical_harmonics(points @ rotation, (1, 2, 3, 4)))
    wigner, *_ = np.linalg.lstsq(values, turned, rcond=None)
    np.testing.assert_allclose(values @ wigner, turned, atol=1e-10)
    np.testing.assert_allclose(wigner.T @ wigner, np.eye(24), atol=1e-10)
    for part in harmonics.slices((1, 2, 3, 4)):
        outside = np.ones(24, dtype=bool)
        outside[part] = False
        assert np.abs(wigner[part][:, outside]).max() < 1e-10


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({}, marks=pytest.mark.slow),
        {
            "residual_mlp_1": True,
            "residual_mlp_2": True,
            "layer_normalization": True,
            "sphc_normalization": 5.0,
            "zbl": True,
            "cutoff_fn": "phys",
        },
    ],
)
def test_forces_and_stress_are_the_slopes_of_the_energy(options, random_model, crystal, frames):
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


def test_a_cell_and_its_repetition(model, crystal, frames):
    one = model.predict(crystal)
    cell, positions = crystal.cell[0], crystal.positions[0]
    doubled = frames(
        np.tile(crystal.numbers, 2),
        np.concatenate([positions, positions + cell[0]])[None],
        cell * [[2], [1], [1]],
    )
    two = model.predict(doubled)
    assert two.energies[0] == pytest.approx(2 * one.energies[0], rel=1e-12)
    np.testing.assert_allclose(two.forces[0], np.tile(one.forces[0], (2, 1)), atol=1e-10)
    np.testing.assert_allclose(two.stress, one.stress, atol=1e-10)


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


@pytest.mark.parametrize("kind", ["cosine", "phys", "polynomial", "exponential"])
def test_cutoff_functions_fall_from_one_to_zero(kind):
    import jax

    from baselines.so3krates.radial import cutoff

    with jax.enable_x64(True):
        at = np.array([1e-9, 1.0, 2.5, 4.0, 5.0, 6.0])
        values = np.asarray(cutoff(at, 5.0, kind))
        slopes = np.asarray(jax.vmap(jax.grad(lambda d: cutoff(d, 5.0, kind)))(at))
    assert values[0] == pytest.approx(1.0)
    assert (np.diff(values[:5]) < 0).all()
    assert not values[4:].any()
    assert np.isfinite(slopes).all()
    assert not slopes[4:].any()


@pytest.mark.slow
def test_real_slabs_and_crystals_are_handled(random_model):
    """Of mini-iii (a slab) and mini-iv: forces sum to zero, whatever the padding."""
    model = random_model(r_cut=3.0)
    for name in ("mini-iii", "mini-iv"):
        found = model.predict(load(name).split("complete/test")[:1])
        np.testing.assert_allclose(found.forces.sum(axis=1), 0.0, atol=1e-9)
        assert np.abs(found.stress).max() > 0
