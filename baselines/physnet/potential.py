"""Energies, forces and charges: the network, electrostatics and dispersion together."""

from __future__ import annotations

from typing import Any, NamedTuple

import tensorflow as tf

from baselines.physnet import d3
from baselines.physnet.config import PhysNetConfig
from baselines.physnet.network import Outputs, Weights, evaluate
from baselines.physnet.parameters import D3_NAMES

Tensor = Any

COULOMB = 2 * 7.199822675975274
"""Energy of two unit charges at 1 Å, in eV."""


class Graph(NamedTuple):
    """Atoms of B molecules, n in all, one molecule after the other.

    Parameters
    ----------
    numbers
        (n,) atomic numbers.
    positions
        (n, 3) in Å.
    molecule
        (n,) which molecule an atom is of.
    total
        (B,) charges of the molecules in e.
    first, second
        (P,) pairs within the network's cutoff, in both directions.  A pair of an atom with
        itself is padding, which adds nothing.
    one, other
        (L,) all pairs of atoms of a molecule, each once.
    """

    numbers: Tensor
    positions: Tensor
    molecule: Tensor
    total: Tensor
    first: Tensor
    second: Tensor
    one: Tensor
    other: Tensor


class Outcome(NamedTuple):
    """Outputs of a model for B molecules of n atoms.

    Parameters
    ----------
    energies
        (B,) in eV.
    forces
        (n, 3) in eV/Å.
    charges, uncorrected
        (n,) in e, after and before their correction to the total charge.
    electrostatic, dispersion
        (B,) parts of the energies, in eV.
    outputs
        What the network said.
    """

    energies: Tensor
    forces: Tensor
    charges: Tensor
    uncorrected: Tensor
    electrostatic: Tensor
    dispersion: Tensor
    outputs: Outputs


def distances(positions: Tensor, first: Tensor, second: Tensor) -> Tensor:
    """Compute distances of pairs, (P,), with slope zero where two atoms are at the same place."""
    squares = tf.reduce_sum((tf.gather(positions, second) - tf.gather(positions, first)) ** 2, 1)
    apart = squares > 0.0
    return tf.where(
        apart, tf.sqrt(tf.where(apart, squares, tf.ones_like(squares))), tf.zeros_like(squares)
    )


def coulomb(r: Tensor, r_cut: float, lr_cut: float | None) -> Tensor:
    """χ in 1/Å, by which electrostatics replaces 1/r, of distances (L,) in Å.

    Shielded at short range, where charge clouds overlap, and exactly 1/r from half the cutoff of
    the network on.
    """
    on = r_cut / 2
    x = tf.minimum(r / on, 1.0)
    switch = x**3 * (10.0 + x * (6.0 * x - 15.0))
    # switch / r, which is a polynomial as long as switch is one
    plain = tf.where(r < on, x**2 * (10.0 + x * (6.0 * x - 15.0)) / on, 1.0 / tf.maximum(r, on))
    rho = tf.sqrt(r**2 + 1.0)
    if lr_cut is None:
        return (1.0 - switch) / rho + plain
    plain += switch * (r / lr_cut**2 - 2.0 / lr_cut)
    shielded = (1.0 - switch) * (1.0 / rho + rho / lr_cut**2 - 2.0 / lr_cut)
    return tf.where(r < lr_cut, shielded + plain, tf.zeros_like(r))


def damping(config: PhysNetConfig, w: Weights) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return s6, s8, a1 and a2 (bohr) of dispersion: fixed, or as learned."""
    dtype = w["Eshift"].dtype
    if config.d3 is not None:
        s6, s8, a1, a2 = (tf.constant(value, dtype) for value in config.d3)
    else:
        s6, s8, a1, a2 = (tf.nn.softplus(w[name]) for name in D3_NAMES)
    return s6, s8, a1, a2


def energies(config: PhysNetConfig, w: Weights, known: d3.Tables, graph: Graph) -> Outcome:
    """Compute an outcome without forces, which are None."""
    molecules = tf.shape(graph.total)[0]

    def by_molecule(values: Tensor, places: Tensor) -> Tensor:
        return tf.math.unsorted_segment_sum(values, places, molecules)

    short = distances(graph.positions, graph.first, graph.second)
    short = tf.where(graph.first == graph.second, tf.cast(config.r_cut, short.dtype), short)
    said = evaluate(config, w, graph.numbers, short, (graph.first, graph.second))
    atoms = by_molecule(tf.ones_like(said.charges), graph.molecule)
    missing = (graph.total - by_molecule(said.charges, graph.molecule)) / atoms
    charges = said.charges + tf.gather(missing, graph.molecule)
    total = by_molecule(said.energies, graph.molecule)
    electrostatic = dispersion = tf.zeros_like(total)
    if config.electrostatics or config.dispersion:
        long = distances(graph.positions, graph.one, graph.other)
        of_pair = tf.gather(graph.molecule, graph.one)
    if config.electrostatics:
        products = tf.gather(charges, graph.one) * tf.gather(charges, graph.other)
        pairs = COULOMB * products * coulomb(long, config.r_cut, config.lr_cut)
        electrostatic = by_molecule(pairs, of_pair)
    if config.dispersion:
        pairs = d3.pair_energies(
            known, damping(config, w), graph.numbers, long, graph.one, graph.other, config.lr_cut
        )
        dispersion = by_molecule(pairs, of_pair)
    return Outcome(
        total + electrostatic + dispersion,
        None,
        charges,
        said.charges,
        electrostatic,
        dispersion,
        said,
    )


def with_forces(config: PhysNetConfig, w: Weights, known: d3.Tables, graph: Graph) -> Outcome:
    """Compute energies, charges, and forces, the negative slope of the energies."""
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(graph.positions)
        outcome = energies(config, w, known, graph)
        summed = tf.reduce_sum(outcome.energies)
    slope = tf.convert_to_tensor(tape.gradient(summed, graph.positions))
    return outcome._replace(forces=-slope)
