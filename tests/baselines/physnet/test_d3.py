"""Dispersion beside the dftd3 package."""

from __future__ import annotations

import numpy as np
import pytest

DAMPINGS = {
    "Hartree-Fock": (1.0, 0.9171, 0.3385, 2.8830),
    "the original's": (0.5, 0.213, 0.0, 6.0519),
}


def ours(numbers, positions, damping, lr_cut=None):
    """Energy in Hartree and its gradient in Hartree per bohr."""
    from baselines.physnet import d3, inference, potential
    from baselines.physnet import session as backend

    with backend.session("cpu") as tf:
        known = inference.tables(np.unique(numbers), "float64")
        places = tf.constant(positions)
        one, other = (tf.constant(end, tf.int32) for end in np.triu_indices(len(numbers), 1))
        with tf.GradientTape() as tape:
            tape.watch(places)
            energy = tf.reduce_sum(
                d3.pair_energies(
                    known,
                    tuple(tf.constant(x, tf.float64) for x in damping),
                    tf.constant(numbers, tf.int32),
                    potential.distances(places, one, other),
                    one,
                    other,
                    lr_cut,
                )
            )
        slope = tf.convert_to_tensor(tape.gradient(energy, places))
        return energy.numpy() / d3.HARTREE, slope.numpy() / d3.HARTREE * d3.BOHR


def theirs(numbers, positions, damping):
    from baselines.physnet import d3

    interface = pytest.importorskip("dftd3.interface")
    s6, s8, a1, a2 = damping
    model = interface.DispersionModel(np.asarray(numbers), positions / d3.BOHR)
    param = interface.RationalDampingParam(s6=s6, s8=s8, s9=0.0, a1=a1, a2=a2)
    found = model.get_dispersion(param, grad=True)
    return found["energy"], found["gradient"]


@pytest.mark.parametrize("damping", DAMPINGS.values(), ids=DAMPINGS)
def test_energies_and_gradients(damping, molecules, mini_i):
    frames = [*molecules, mini_i.split("complete/test")[:1], mini_i.split("folded/test")[:1]]
    for frame in frames:
        arguments = (frame.numbers, frame.positions[0], damping)
        (energy, gradient), (expected, slope) = ours(*arguments), theirs(*arguments)
        assert energy == pytest.approx(expected, rel=2e-8)
        np.testing.assert_allclose(gradient, slope, atol=2e-6 * abs(slope).max())


def test_every_element_up_to_radon():
    """Each with oxygen, at many coordination numbers."""
    rng = np.random.default_rng(0)
    for start in range(1, 87, 10):
        numbers = np.array([*range(start, min(start + 10, 87)), 8, 8, 8, 1, 1])
        places = np.indices((3, 3, 2)).reshape(3, -1).T[: len(numbers)] * 2.2
        positions = places + rng.normal(scale=0.3, size=(len(numbers), 3))
        arguments = (numbers, positions, DAMPINGS["Hartree-Fock"])
        (energy, gradient), (expected, slope) = ours(*arguments), theirs(*arguments)
        assert energy == pytest.approx(expected, rel=2e-7)
        np.testing.assert_allclose(gradient, slope, atol=2e-5 * abs(slope).max())


def test_the_tables_are_whole():
    from baselines.physnet import d3

    known = d3.tables(range(1, 95))
    assert known.c6.shape == (254, 254)
    assert set(known.numbers.tolist()) == set(range(1, 95))
    assert (known.c6 > 0).all()
    np.testing.assert_array_equal(known.c6, known.c6.T)
    assert set(d3.tables([6, 1]).numbers.tolist()) == {1, 6}


def test_a_cutoff_takes_energy_and_force_to_zero():
    """Two atoms, in steps through the last bohr before the cutoff, and beyond it."""
    from baselines.physnet import d3

    numbers, cutoff = np.array([18, 18]), 6.0

    def at(r):
        found = ours(numbers, np.array([[0.0, 0, 0], [r, 0, 0]]), DAMPINGS["Hartree-Fock"], cutoff)
        return found[0], found[1][1, 0]

    for r in (5.0, 5.4711, 5.7, 5.99):
        slope = (at(r + 1e-4)[0] - at(r - 1e-4)[0]) / 2e-4 * d3.BOHR
        assert at(r)[1] == pytest.approx(slope, rel=1e-4, abs=1e-12)
    near, edge = at(5.9), at(6.0 - 1e-6)
    assert near[0] < 0 < near[1]
    assert abs(edge[0]) < 1e-4 * abs(near[0])
    assert abs(edge[1]) < 1e-3 * abs(near[1])
    assert at(6.1) == (0.0, 0.0)
    whole = ours(numbers, np.array([[0.0, 0, 0], [3.8, 0, 0]]), DAMPINGS["Hartree-Fock"])[0]
    wide = ours(numbers, np.array([[0.0, 0, 0], [3.8, 0, 0]]), DAMPINGS["Hartree-Fock"], 1e4)[0]
    assert wide == pytest.approx(whole, rel=1e-6)
