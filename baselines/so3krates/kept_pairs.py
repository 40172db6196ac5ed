"""A neighbour list with a skin, kept from one structure to the next while the atoms move little."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from numpy.typing import NDArray

from baselines.so3krates import neighbours
from baselines.so3krates import session as backend
from baselines.so3krates.config import SO3kratesConfig
from baselines.so3krates.neighbours import Pairs
from baselines.so3krates.pairs import Listed
from teadata import Frames

SKIN = 0.5
"""Å beyond the cutoff up to which pairs are listed."""

SPARE, LEAST_SPARE = 0.1, 64
"""Places of a new list beyond its pairs: this share of them, and at least that many."""


@dataclass(frozen=True)
class _List:
    """The pairs of a frame, padded, and a copy of the frame they were found in."""

    frame: Frames
    pairs: Pairs
    shifts: NDArray[Any]
    padded: Listed

    def holds(self, frame: Frames, skin: float) -> bool:
        """Check that no atom has moved by more than half the skin, and nothing else changed."""
        known = self.frame
        for before, now in (
            (known.numbers, frame.numbers), (known.pbc, frame.pbc), (known.cell, frame.cell)
        ):  # fmt: skip
            if (before is None) != (now is None):
                return False
            if before is not None and now is not None and not np.array_equal(before, now):
                return False
        moved = ((frame.positions[0] - known.positions[0]) ** 2).sum(axis=1).max(initial=0.0)
        return bool(moved <= (skin / 2) ** 2)

    def at(self, frame: Frames) -> Listed:
        """Compute the vectors of the pairs with the atoms where they are now."""
        vectors = np.zeros_like(self.padded.vectors)
        positions = frame.positions[0]
        vectors[0, : len(self.pairs)] = (
            positions[self.pairs.second] - positions[self.pairs.first] + self.shifts
        )
        return self.padded._replace(vectors=vectors)


class KeptPairs:
    """The pairs of one structure after another, as in a simulation.

    Pairs within the cutoff and a skin are listed, and listed again when an atom has moved by
    half the skin, or the cell has changed.  Beyond the cutoff a pair contributes exactly
    nothing.  Lists are padded to lengths that are kept, so that as a rule nothing is compiled
    after the first step.

    Parameters
    ----------
    config, device
        Settings of the network, and where it calculates.
    skin
        In Å; with 0 the pairs are listed every time.

    Attributes
    ----------
    lists
        How many times pairs were listed.
    """

    def __init__(self, config: SO3kratesConfig, device: str, skin: float = SKIN) -> None:
        self.config, self.device, self.skin = config, device, skin
        self.lists = 0
        self._list: _List | None = None
        self._length = 0

    def of(self, frame: Frames) -> Listed:
        """Return the pairs of a single frame, with those that are listed if they still hold."""
        if self._list is None or not self._list.holds(frame, self.skin):
            self._list = self._listed(frame)
        return self._list.at(frame)

    def _listed(self, frame: Frames) -> _List:
        """List the pairs of a frame, with their ends on the device, where they do not change."""
        pairs = neighbours.find(frame, 0, self.config.r_cut + self.skin)
        self.lists += 1
        if len(pairs) > self._length:
            spare = max(LEAST_SPARE, int(SPARE * len(pairs)))
            self._length = neighbours.rounded(len(pairs) + spare)
        padded = neighbours.listed([pairs], self._length, self.config.dtype)
        with backend.session(self.config, self.device):
            first, second = jax.device_put((padded.first, padded.second))
        cell = np.zeros((3, 3)) if frame.cell is None else frame.cell[0]
        # Frames share memory with the caller's arrays, whose atoms may be moved in place.
        kept = copy.deepcopy(frame)
        return _List(kept, pairs, pairs.images @ cell, Listed(padded.vectors, first, second))
