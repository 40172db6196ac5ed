"""Frames as tensors, with their pairs of atoms."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from baselines.physnet.config import PhysNetConfig
from baselines.physnet.potential import Graph
from baselines.toolkit import neighbours
from teadata import Frames
from teadata.errors import DataError
from teadata.units import EV

Tensor = Any


def check_not_periodic(frames: Frames) -> None:
    """Refuse periodic systems.

    Raises
    ------
    DataError
        If they are periodic along any axis.
    """
    if np.any(frames.pbc):
        axes = "".join(axis for axis, periodic in zip("xyz", frames.pbc, strict=True) if periodic)
        raise DataError(
            f"frames of {frames.formula} are periodic along {axes}; PhysNet's electrostatics and "
            "dispersion are those of an isolated system, expected pbc False: choose another model"
        )


class FixedPart(NamedTuple):
    """What graphs of so many frames of the same atoms have in common, see :class:`Graph`."""

    numbers: Tensor
    molecule: Tensor
    total: Tensor
    one: Tensor
    other: Tensor


def fixed_part(config: PhysNetConfig, frames: Frames) -> FixedPart:
    """Make what graphs have whatever the positions of the atoms."""
    count, atoms = len(frames), frames.n_atoms
    start = (atoms * np.arange(count, dtype=np.int32))[:, None]
    one, other = ((end.astype(np.int32) + start).ravel() for end in np.triu_indices(atoms, 1))
    return FixedPart(
        tf.constant(np.tile(frames.numbers, count), tf.int32),
        tf.constant(np.repeat(np.arange(count, dtype=np.int32), atoms)),
        tf.constant(np.full(count, config.total_charge), config.dtype),
        tf.constant(one),
        tf.constant(other),
    )


def graph_of(config: PhysNetConfig, frames: Frames, fixed: FixedPart | None = None) -> Graph:
    """Join frames to one graph, as its molecules.

    Parameters
    ----------
    config, frames
        The settings, and the frames.
    fixed
        What :func:`fixed_part` made of as many frames of the same atoms.
    """
    fixed = fixed_part(config, frames) if fixed is None else fixed
    near = neighbours.isolated_pairs(frames, config.r_cut)
    start = frames.n_atoms * near.frame
    return Graph(
        fixed.numbers,
        tf.constant(frames.positions.reshape(-1, 3), config.dtype),
        fixed.molecule,
        fixed.total,
        tf.constant((near.first + start).astype(np.int32)),
        tf.constant((near.second + start).astype(np.int32)),
        fixed.one,
        fixed.other,
    )


class Labelled(NamedTuple):
    """Frames of one system with labels; lists of pairs are as long as the longest.

    Parameters
    ----------
    numbers
        (A,) atomic numbers.
    positions, energies, forces
        (N, A, 3) in Å, (N,) in eV without offset, and (N, A, 3) in eV/Å.
    first, second
        (N, P) pairs within the network's cutoff, padded with those of atom 0 with itself.
    """

    numbers: Tensor
    positions: Tensor
    energies: Tensor
    forces: Tensor
    first: Tensor
    second: Tensor


def labelled(config: PhysNetConfig, frames: Frames, offset: float) -> Labelled:
    """Convert frames with labels to tensors.

    Parameters
    ----------
    config
        The settings.
    frames
        In kcal/mol and Å.
    offset
        What is taken off the energies, in kcal/mol.
    """
    near = neighbours.isolated_pairs(frames, config.r_cut)
    counts = np.bincount(near.frame, minlength=len(frames))
    # At least one, which may be padding alone
    ends = np.zeros((2, len(frames), max(1, counts.max())), np.int32)
    place = np.arange(len(near.frame)) - np.repeat(np.cumsum(counts) - counts, counts)
    ends[:, near.frame, place] = near.first, near.second
    return Labelled(
        tf.constant(frames.numbers, tf.int32),
        tf.constant(frames.positions, config.dtype),
        tf.constant((frames.energies - offset) / EV, config.dtype),
        tf.constant(frames.forces / EV, config.dtype),
        tf.constant(ends[0]),
        tf.constant(ends[1]),
    )


def batch(
    config: PhysNetConfig, frames: Labelled, chosen: Tensor, one: Tensor, other: Tensor
) -> Graph:
    """Join some frames (B,) to one graph, as its molecules.

    Parameters
    ----------
    config, frames, chosen
        The settings, and which frames of which.
    one, other
        All pairs of atoms of one frame, each once.
    """
    count, atoms = tf.shape(chosen)[0], tf.shape(frames.numbers)[0]
    start = (atoms * tf.range(count))[:, None]

    def listed(ends: Tensor) -> Tensor:
        return tf.reshape(ends + start, [-1])

    return Graph(
        tf.tile(frames.numbers, [count]),
        tf.reshape(tf.gather(frames.positions, chosen), [-1, 3]),
        tf.reshape(tf.tile(tf.range(count)[:, None], [1, atoms]), [-1]),
        tf.fill([count], tf.constant(config.total_charge, config.dtype)),
        listed(tf.gather(frames.first, chosen)),
        listed(tf.gather(frames.second, chosen)),
        listed(one[None]),
        listed(other[None]),
    )
