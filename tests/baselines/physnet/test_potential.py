"""What holds of any energy, and of this one: slopes, symmetries, charges, limits."""

from __future__ import annotations

import numpy as np
import pytest

LEARNED = {"s6": 0.5413, "s8": 0.4065, "a1": -0.9096, "a2": 2.8253}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"lr_cut": 6.0},
        {"d3": None, "electrostatics": False},
        pytest.param({"dispersion": False, "r_cut": 2.0}, marks=pytest.mark.slow),
    ],
    ids=["whole", "long-range cutoff", "learned D3 alone", "charges alone"],
)
def test_forces_are_the_slope_of_the_energy(changes, evaluated, molecules, frames):
    step, frame = 1e-4, molecules[1]
    extra = {name: np.array(value) for name, value in LEARNED.items()}
    forces = evaluated(frame, extra, **changes).forces
    # Every component moved to either side, as frames of one call
    moves = step * np.eye(frame.n_atoms * 3).reshape(-1, frame.n_atoms, 3)
    moved = np.concatenate([frame.positions + moves, frame.positions - moves])
    energies = evaluated(frames(frame.numbers, moved), extra, **changes).energies
    slope = (energies[: len(moves)] - energies[len(moves) :]) / (2 * step)
    np.testing.assert_allclose(forces, -np.reshape(slope, (-1, 3)), atol=2e-6)
    np.testing.assert_allclose(np.sum(forces, axis=0), 0.0, atol=1e-11)


@pytest.mark.parametrize("charge", [0.0, -2.0])
def test_charges_add_up_to_the_total(charge, evaluated, molecules, frames):
    shaken = molecules[0].positions + np.random.default_rng(0).normal(scale=0.1, size=(3, 9, 3))
    found = evaluated(frames(molecules[0].numbers, shaken), total_charge=charge)
    sums = np.sum(np.reshape(found.charges, (3, -1)), axis=1)
    np.testing.assert_allclose(sums, charge, atol=1e-12)
    assert (abs(np.sum(np.reshape(found.uncorrected, (3, -1)), axis=1) - charge) > 1e-3).all()


def test_two_charged_fragments_far_apart(evaluated, molecules, frames):
    """Their energy is Coulomb's: of their atoms' charges, and in the end of their total ones."""
    left, right = (molecule.positions[0] for molecule in molecules)
    numbers = np.concatenate([molecule.numbers for molecule in molecules])
    apart = np.array([30.0, 60.0, 3000.0, 6000.0])
    positions = [np.concatenate([left, right + np.array([d, 0, 0])]) for d in apart]
    found = evaluated(frames(numbers, positions), total_charge=3.0, dispersion=False)
    charges = np.reshape(found.charges, (4, -1))
    np.testing.assert_allclose(charges, charges[:1] * np.ones((4, 1)), atol=1e-12)
    first, second = charges[0, : len(left)], charges[0, len(left) :]
    assert abs(first.sum() * second.sum()) > 0.1
    between = [
        14.399645351950548
        * (
            first[:, None] * second / np.linalg.norm(left[:, None] - right - [d, 0, 0], axis=2)
        ).sum()
        for d in apart
    ]
    energies = found.energies - between
    np.testing.assert_allclose(energies, energies[0], rtol=0, atol=1e-10)
    forces = np.reshape(found.forces, (4, -1, 3))[:, len(left) :].sum(axis=1)
    limit = 14.399645351950548 * first.sum() * second.sum() / apart[2:] ** 2
    np.testing.assert_allclose(forces[2:, 0], limit, rtol=0.02)


def test_parts_add_up_without_charges_and_dispersion(evaluated, molecules, frames):
    off = {"electrostatics": False, "dispersion": False}
    parts = [evaluated(molecule, **off) for molecule in molecules]
    positions = np.concatenate([molecules[0].positions[0], molecules[1].positions[0] + 100.0])
    numbers = np.concatenate([molecule.numbers for molecule in molecules])
    whole = evaluated(frames(numbers, [positions]), **off)
    assert whole.energies[0] == pytest.approx(sum(p.energies[0] for p in parts), rel=1e-12)
    np.testing.assert_allclose(whole.forces, np.concatenate([p.forces for p in parts]), atol=1e-12)


def test_nothing_jumps_at_the_cutoff(evaluated, frames):
    """Energy, force and slope of the force: two atoms at the cutoff of 5 Å, and at half of it."""

    def at(r):
        positions = np.zeros((len(r), 2, 3))
        positions[:, 1, 0] = r
        found = evaluated(frames([8, 6], positions))
        return found.energies, np.reshape(found.forces, (-1, 2, 3))[:, 1, 0]

    step = 1e-3
    for edge in (2.5, 5.0):
        energies, forces = at(edge + step * np.array([-1.5, -0.5, 0.5, 1.5]))
        scale = max(abs(forces).max(), 1e-6)
        assert abs(np.diff(energies)).max() < 10 * scale * step
        slopes = np.diff(forces) / step
        assert np.ptp(slopes) < 0.01 * abs(slopes).max() + 1e-3 * scale


def test_atoms_at_the_same_place_or_alone_have_finite_slopes(golden):
    """Of energies and, through them, of a loss of forces."""
    from baselines.physnet import inference, potential
    from baselines.physnet import reference as names
    from baselines.physnet import session as backend

    params = {k[6:]: v for k, v in golden.items() if k.startswith("param/")}
    params |= {name: np.array(value) for name, value in LEARNED.items()}
    cfg = {k[4:]: v for k, v in golden.items() if k.startswith("cfg/")}
    config = names.settings(params, cfg)
    assert config.d3 is None
    for positions in ([[0.0, 0, 0]] * 2, [[0.0, 0, 0], [1e-7, 0, 0]], [[0.0, 0, 0], [60.0, 0, 0]]):
        with backend.session("cpu") as tf:
            weights = {name: tf.constant(value) for name, value in params.items()}
            ends = [[0, 1], [1, 0]] if positions[1][0] < 5 else [[], []]
            graph = potential.Graph(
                tf.constant([8, 1]), tf.constant(positions, tf.float64), tf.constant([0, 0]),
                tf.constant([0.0], tf.float64), *(tf.constant(x, tf.int32) for x in ends),
                tf.constant([0]), tf.constant([1]),
            )  # fmt: skip
            known = inference.tables([1, 8], "float64")
            with tf.GradientTape() as tape:
                tape.watch(weights)
                found = potential.with_forces(config, weights, known, graph)
                loss = tf.reduce_sum(found.energies) + tf.reduce_sum(abs(found.forces))
            slopes = tape.gradient(loss, weights, unconnected_gradients="zero")
            assert np.isfinite(found.forces).all()
            for name, slope in slopes.items():
                assert np.isfinite(tf.convert_to_tensor(slope)).all(), name


def test_an_atom_alone_has_the_total_charge(evaluated, frames):
    found = evaluated(frames([8], np.zeros((2, 1, 3))), total_charge=-1.0)
    np.testing.assert_allclose(found.charges, -1.0)
    np.testing.assert_array_equal(found.forces, 0.0)
