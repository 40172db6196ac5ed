"""The trained network, traced once for any number of atoms."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from baselines.physnet import d3
from baselines.physnet import session as backend
from baselines.physnet.config import PhysNetConfig
from baselines.physnet.data import FixedPart, fixed_part, graph_of
from baselines.physnet.network import Outputs
from baselines.physnet.potential import Graph, Outcome, with_forces
from teadata import Frames


def signature(dtype: str) -> Graph:
    """Shapes and types of a graph of any size."""
    ends = tf.TensorSpec([None], tf.int32)
    return Graph(
        ends, tf.TensorSpec([None, 3], dtype), ends, tf.TensorSpec([None], dtype),
        ends, ends, ends, ends,
    )  # fmt: skip


def tables(elements: Iterable[int], dtype: str) -> d3.Tables:
    """Load the dispersion tables of some elements as tensors."""
    known = d3.tables(elements)
    return d3.Tables(tf.constant(known.numbers), *(tf.constant(part, dtype) for part in known[1:]))


class Potential:
    """Energies (eV), forces (eV/Å) and charges (e) with some weights on a device.

    Parameters
    ----------
    config, device
        Settings of the network, and where it calculates.
    weights
        Parameters by name.
    elements
        What the frames may be made of.
    """

    def __init__(
        self,
        config: PhysNetConfig,
        device: str,
        weights: dict[str, NDArray[Any]],
        elements: Iterable[int],
    ) -> None:
        self.config, self.device = config, device
        with backend.session(device):
            held = {name: tf.constant(value, config.dtype) for name, value in weights.items()}
            known = tables(elements, config.dtype)

            def evaluate(graph: Graph) -> Outcome:
                outcome = with_forces(config, held, known, graph)
                # Of the network nothing else is asked for.
                return outcome._replace(outputs=Outputs(*outcome.outputs[:3], [], []))

            self.traced = tf.function(
                evaluate, autograph=False, input_signature=[signature(config.dtype)]
            )
            # Without looking at each call whether it has to be traced again
            self.evaluate = self.traced.get_concrete_function()
        self.fixed: tuple[int, bytes, FixedPart] | None = None

    @property
    def traces(self) -> int:
        """How many times the function was traced."""
        return int(self.traced.experimental_get_tracing_count())

    def predict(self, frames: Frames) -> Outcome:
        """Evaluate frames, without the energies of the elements; NumPy arrays in float64."""
        with backend.session(self.device):
            graph = graph_of(self.config, frames, self._fixed_of(frames))
            outcome: Outcome = self.evaluate(graph)
            return outcome._replace(
                energies=np.asarray(outcome.energies, np.float64),
                forces=np.asarray(outcome.forces, np.float64),
                charges=np.asarray(outcome.charges, np.float64),
            )

    def _fixed_of(self, frames: Frames) -> FixedPart:
        """What the graph has in common with the last one, made anew if other atoms came."""
        count, numbers = len(frames), frames.numbers.tobytes()
        if self.fixed is None or self.fixed[:2] != (count, numbers):
            self.fixed = count, numbers, fixed_part(self.config, frames)
        return self.fixed[2]
