"""Values of atoms at pairs, sums over pairs at atoms, and the pairs of a batch of frames."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

Array = Any


class Graph(NamedTuple):
    """The pairs of a batch of B frames of A atoms, P of each frame.

    Parameters
    ----------
    vectors
        (B·P, 3) from the first atom of each pair to the second, in Å; zero where padded.
    first, second
        (B·P,) atoms, counted through the batch; where padded B·A, an atom that is not there.
    """

    vectors: Array
    first: Array
    second: Array


class Listed(NamedTuple):
    """The pairs of N frames; atoms are counted within each, -1 where padded.

    Parameters
    ----------
    vectors
        (N, P, 3) in Å.
    first, second
        (N, P) atoms.
    """

    vectors: Array
    first: Array
    second: Array


def joined(listed: Listed, atoms: int) -> Graph:
    """Number the pairs of frames of `atoms` atoms through, as one batch."""
    frames = len(listed.first)
    start = jnp.arange(frames, dtype=jnp.int32)[:, None] * atoms

    def counted(ends: Array) -> Array:
        return jnp.where(ends < 0, frames * atoms, ends + start).reshape(-1)

    return Graph(listed.vectors.reshape(-1, 3), counted(listed.first), counted(listed.second))


def at_pairs(values: Array, ends: Array) -> Array:
    """Gather values of atoms (n, …) at one end of the pairs, (P, …); zero at padding."""
    return jnp.asarray(values).at[ends].get(mode="fill", fill_value=0)


def at_atoms(values: Array, ends: Array, atoms: int) -> Array:
    """Sum values of pairs (P, …) at one of their ends, (atoms, …), without padding."""
    return jax.ops.segment_sum(values, ends, num_segments=atoms, mode="drop")
