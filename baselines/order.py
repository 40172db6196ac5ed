"""In which order frames are trained on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Order:
    """Which frames each step trains on: every pass in an order of its own, a rest left out.

    A pure function of seed and step, so that a training can be taken up anywhere.
    """

    seed: int
    frames: int
    batch_size: int

    @property
    def per_epoch(self) -> int:
        """Steps of a pass over the frames."""
        return self.frames // self.batch_size

    def total(self, steps: int) -> int:
        """As many steps as whole passes fit into so many; these, if not even one does."""
        passes = steps * self.batch_size // self.frames
        return passes * self.per_epoch if passes else min(steps, self.per_epoch)

    def epoch(self, number: int) -> NDArray[np.int64]:
        """Frames of each step of a pass, (steps, batch_size)."""
        order = np.random.default_rng([self.seed, number]).permutation(self.frames)
        return order[: self.per_epoch * self.batch_size].reshape(-1, self.batch_size)
