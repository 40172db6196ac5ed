"""The trained network, compiled once for lists of similar lengths."""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from baselines.so3krates import neighbours, reference
from baselines.so3krates import session as backend
from baselines.so3krates.config import SO3kratesConfig
from baselines.so3krates.kept_pairs import KeptPairs
from baselines.so3krates.pairs import Listed, joined
from baselines.so3krates.potential import Outcome, evaluate
from teadata import Frames


class _Definition:
    """The definition of a network, whose hash is computed once: JAX asks for it at each call."""

    def __init__(self, network: Any) -> None:
        self.network, self.hash = network, hash(network)

    def __hash__(self) -> int:
        return self.hash

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, _Definition) and self.network == other.network)


@partial(jax.jit, static_argnums=0)
def _evaluate(definition: _Definition, weights: Any, numbers: Any, listed: Listed) -> Outcome:
    frames = len(listed.first)
    graph = joined(listed, len(numbers))
    return evaluate(definition.network, weights, jnp.tile(numbers, frames), graph, frames)


class Potential:
    """Energies (eV), forces (eV/Å) and virials (eV) with some weights on a device.

    Parameters
    ----------
    config, device
        Settings of the network, and where it calculates.
    weights
        By the original's names.

    Attributes
    ----------
    kept
        The pairs of the last single frame: the next one is probably a step of a simulation.
    """

    def __init__(self, config: SO3kratesConfig, device: str, weights: dict[str, Any]) -> None:
        self.config, self.device = config, device
        with backend.session(config, device):
            definition, state = reference.to_network(weights, config, "weights")
            self.definition, self.weights = _Definition(definition), jax.device_put(state)
        self.kept = KeptPairs(config, device)

    @property
    def compilations(self) -> int:
        """How many shapes of frames and lists were compiled for, by all networks together."""
        return int(_evaluate._cache_size())  # noqa: SLF001 -- JAX gives no other way to count

    def evaluate(self, numbers: Any, listed: Listed) -> Outcome:
        """Evaluate frames whose pairs are listed; NumPy arrays in float64."""
        with backend.session(self.config, self.device):
            outcome = _evaluate(
                self.definition, self.weights, np.asarray(numbers, np.int32), listed
            )
            return Outcome(*(np.asarray(part, np.float64) for part in outcome))

    def predict(self, frames: Frames) -> Outcome:
        """Evaluate frames, without the energies of the elements."""
        pairs = [neighbours.find(frames, n, self.config.r_cut) for n in range(len(frames))]
        length = neighbours.rounded(max(map(len, pairs)))
        # Empty frames up to a power of two: another number of frames is seldom another shape.
        places = neighbours.places(len(frames))
        listed = neighbours.listed(pairs, length, self.config.dtype, places)
        outcome = self.evaluate(frames.numbers, listed)
        return Outcome(*(part[: len(frames)] for part in outcome))

    def follow(self, frame: Frames) -> Outcome:
        """Evaluate a single frame, with the pairs of the one before if they still hold."""
        return self.evaluate(frame.numbers, self.kept.of(frame))
