"""Labelled frames on the device, with their pairs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from baselines.so3krates import neighbours
from baselines.so3krates.config import SO3kratesConfig
from baselines.so3krates.pairs import Listed
from baselines.toolkit.composition import least_norm_energies, symbols
from teadata import Frames
from teadata.errors import DataError
from teadata.typing import Floats
from teadata.units import EV

Array = Any


class Labelled(NamedTuple):
    """Pairs of N frames, their energies (N,) in eV without offset, and forces (N, A, 3) in eV/Å."""

    listed: Listed
    energies: Array
    forces: Array

    def batch(self, chosen: Array, length: int) -> Labelled:
        """Take some of the frames, and the first `length` places of their lists."""
        return Labelled(
            Listed(*(part[chosen, :length] for part in self.listed)),
            self.energies[chosen],
            self.forces[chosen],
        )


@dataclass(frozen=True)
class Resident:
    """Frames of one system on the device.

    Parameters
    ----------
    frames
        The frames, all of whose lists are as long as the longest bucket.
    lengths
        (N,) the length, of :attr:`buckets`, that does for each frame.
    buckets
        Lengths, rising.
    """

    frames: Labelled
    lengths: NDArray[np.int64]
    buckets: tuple[int, ...]

    @classmethod
    def of(cls, config: SO3kratesConfig, frames: Frames, offset: float, buckets: int) -> Resident:
        """Put frames on the device.

        Parameters
        ----------
        config
            The settings.
        frames
            In kcal/mol and Å.
        offset
            What is taken off the energies, in kcal/mol.
        buckets
            How many lengths there may be; they divide the frames evenly.
        """
        pairs = [neighbours.find(frames, n, config.r_cut) for n in range(len(frames))]
        counts = np.array([len(each) for each in pairs])
        ends = np.quantile(counts, np.arange(1, buckets + 1) / buckets, method="higher")
        # Multiples of 16, for the sake of vector units; at least one, which may be padding alone.
        lengths = np.unique(np.maximum(16, -(-ends.astype(np.int64) // 16) * 16))
        labelled = Labelled(
            neighbours.listed(pairs, int(lengths[-1]), config.dtype),
            ((frames.energies - offset) / EV).astype(config.dtype),
            (frames.forces / EV).astype(config.dtype),
        )
        return cls(
            jax.device_put(jax.tree.map(jnp.asarray, labelled)),
            lengths[np.searchsorted(lengths, counts)],
            tuple(lengths.tolist()),
        )

    def __len__(self) -> int:
        return len(self.lengths)

    def length(self, chosen: NDArray[np.int64]) -> int:
        """Find the length that is enough for all of some frames."""
        return int(self.lengths[chosen].max())


def element_energies(config: SO3kratesConfig, train: Frames) -> tuple[list[int], Floats]:
    """Find the elements of the training frames, and their energies in kcal/mol, in float64.

    Raises
    ------
    DataError
        If the energy of an element is to be given and is not.
    """
    elements, counts = np.unique(train.numbers, return_counts=True)
    if config.shift_by == "mean":
        mean = train.energies.mean()
        return elements.tolist(), np.full(len(elements), mean / counts.sum())
    if config.shift_by == "lse":
        return elements.tolist(), least_norm_energies(train, elements.tolist())
    shifts = config.shifts or {}
    missing = [z for z in elements.tolist() if z not in shifts]
    if missing:
        raise DataError(
            f"shifts: no energy of {symbols(missing)}, of which the training frames have atoms"
        )
    return elements.tolist(), np.array([shifts[z] for z in elements.tolist()])
