"""Values of atoms at pairs and sums over pairs at atoms: gathers in both directions.

The derivative of a gather is a scatter, which is slow on a CPU and adds in no fixed order on a
GPU.  With the pairs of every atom listed, it is a gather again; so are the derivatives of that.
"""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

Array = Any


class Ends(NamedTuple):
    """Which atom is at one end of each pair.

    Parameters
    ----------
    atoms
        (P,) the atom; n where padded.
    pairs
        (n, K) the pairs of which the atom is at this end; P where padded.
    """

    atoms: Array
    pairs: Array


def _take(values: Array, places: Array) -> Array:
    """Rows of values; zero where the place is beyond them."""
    return values.at[places].get(mode="fill", fill_value=0)


@partial(jax.custom_vjp)
def at_pairs(values: Array, ends: Ends) -> Array:
    """Values of atoms (n, …) at one end of the pairs, (P, …); zero at padding."""
    return _take(values, ends.atoms)


@partial(jax.custom_vjp)
def at_atoms(values: Array, ends: Ends) -> Array:
    """Sums of the values of pairs (P, …) at one of their ends, (n, …)."""
    return _take(values, ends.pairs).sum(axis=1)


at_pairs.defvjp(
    lambda values, ends: (at_pairs(values, ends), ends),
    lambda ends, slopes: (at_atoms(slopes, ends), None),
)
at_atoms.defvjp(
    lambda values, ends: (at_atoms(values, ends), ends),
    lambda ends, slopes: (at_pairs(slopes, ends), None),
)


class Graph(NamedTuple):
    """The pairs of a batch of B frames of A atoms, P of each frame.

    Parameters
    ----------
    vectors
        (B·P, 3) from the first atom of each pair to the second, in Å; zero where padded.
    first, second
        The ends of the pairs; atoms are counted through the batch.
    """

    vectors: Array
    first: Ends
    second: Ends


class Listed(NamedTuple):
    """The pairs of N frames, counted within each; -1 where padded.

    Parameters
    ----------
    vectors
        (N, P, 3) in Å.
    first, second
        (N, P) atoms.
    first_pairs, second_pairs
        (N, A, K) pairs.
    """

    vectors: Array
    first: Array
    second: Array
    first_pairs: Array
    second_pairs: Array


def joined(listed: Listed) -> Graph:
    """The pairs of some frames as those of one batch."""
    frames, pairs = listed.first.shape
    atoms = listed.first_pairs.shape[1]

    def counted(places: Array, each: int) -> Array:
        start = (jnp.arange(frames, dtype=places.dtype) * each).reshape(
            -1, *[1] * (places.ndim - 1)
        )
        found = jnp.where(places < 0, frames * each, places + start)
        return found.reshape(-1, *places.shape[2:])

    return Graph(
        listed.vectors.reshape(-1, 3),
        Ends(counted(listed.first, atoms), counted(listed.first_pairs, pairs)),
        Ends(counted(listed.second, atoms), counted(listed.second_pairs, pairs)),
    )
