"""Energies of frames, and forces and virials by differentiation."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import nnx

from baselines.so3krates.pairs import Graph, at_atoms

Array = Any


class Outcome(NamedTuple):
    """Energies (B,) in eV, forces (B, A, 3) in eV/Å and virials (B, 3, 3) in eV of B frames.

    The virial is the derivative of the energy by strain, the stress times the volume.
    """

    energies: Array
    forces: Array
    virials: Array


def evaluate(definition: Any, weights: Any, numbers: Array, graph: Graph, frames: int) -> Outcome:
    """Compute energies, forces and virials of a batch.

    Parameters
    ----------
    definition, weights
        The network, split.
    numbers
        (B·A,) atomic numbers.
    graph
        The pairs of the batch.
    frames
        B.
    """
    network = nnx.merge(definition, weights)

    def total(vectors: Array) -> tuple[Array, Array]:
        atoms = network(numbers, graph._replace(vectors=vectors))
        energies = atoms.reshape(frames, -1).sum(axis=1)
        return energies.sum(), energies

    # A pair vector points from its first atom: moved along the slope, that atom lowers the energy.
    (_, energies), slopes = jax.value_and_grad(total, has_aux=True)(graph.vectors)
    count = len(numbers)
    forces = at_atoms(slopes, graph.first, count) - at_atoms(slopes, graph.second, count)
    # Products and sums, no matrix product: exact also where those are rounded.
    outer = (graph.vectors[:, :, None] * slopes[:, None, :]).reshape(frames, -1, 3, 3).sum(axis=1)
    virials = 0.5 * (outer + jnp.swapaxes(outer, 1, 2))
    return Outcome(energies, forces.reshape(frames, -1, 3), virials)
