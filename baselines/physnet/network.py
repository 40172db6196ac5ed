"""The network: from atomic numbers and distances to energies and charges of the atoms."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any, NamedTuple

import tensorflow as tf

from baselines.physnet.config import PhysNetConfig

Tensor = Any
Weights = dict[str, Tensor]


def activation(x: Tensor) -> Tensor:
    """Softplus, shifted to be 0 at 0."""
    return tf.nn.softplus(x) - math.log(2.0)


def dense(w: Weights, name: str, x: Tensor) -> Tensor:
    """A linear map of (n, F) to (n, F)."""
    return x @ w[f"{name}/W"] + w[f"{name}/b"]


def residuals(w: Weights, name: str, x: Tensor, blocks: int) -> Tensor:
    """Residual blocks one after the other, each activated before it is mapped."""
    for k in range(blocks):
        inner = activation(dense(w, f"{name}/residual_layer{k}/dense", activation(x)))
        x = x + dense(w, f"{name}/residual_layer{k}/residual", inner)
    return x


def envelope(distances: Tensor, r_cut: float) -> Tensor:
    """Fall from 1 at distance zero to 0 at the cutoff, twice continuously differentiable."""
    x = tf.minimum(distances / r_cut, 1.0)
    return 1.0 + x**3 * (-10.0 + x * (15.0 - 6.0 * x))


def radial(w: Weights, distances: Tensor, r_cut: float) -> Tensor:
    """Radial functions of pairs, (P, K), from distances (P,) in Å."""
    centres = tf.nn.softplus(w["rbf_layer/centers"])
    widths = tf.nn.softplus(w["rbf_layer/widths"])
    gaussians = tf.exp(-widths * (tf.exp(-distances)[:, None] - centres) ** 2)
    return envelope(distances, r_cut)[:, None] * gaussians


def interaction(
    config: PhysNetConfig,
    w: Weights,
    block: str,
    x: Tensor,
    rbf: Tensor,
    ends: tuple[Tensor, Tensor],
) -> Tensor:
    """An interaction block: messages from the neighbours, then refinement, (n, F) to (n, F)."""
    layer = f"{block}/interaction_layer"
    first, second = ends
    active = activation(x)
    own = activation(dense(w, f"{layer}/dense_i", active))
    sent = activation(dense(w, f"{layer}/dense_j", active))
    received = (rbf @ w[f"{layer}/k2f/W"]) * tf.gather(sent, second)
    message = own + tf.math.unsorted_segment_sum(received, first, tf.shape(x)[0])
    message = residuals(w, layer, message, config.residual_interaction)
    x = w[f"{layer}/u"] * x + dense(w, f"{layer}/dense", activation(message))
    return residuals(w, block, x, config.residual_atomic)


class Outputs(NamedTuple):
    """Outputs of the network for n atoms.

    Parameters
    ----------
    energies, charges
        (n,) in eV and e; the charges are not corrected to the total one.
    penalty
        How much contributions do not fall from module to module, between 0 and modules - 1.
    features, contributions
        Outputs of every module: embedding and modules + 1 times (n, F), modules times (n, 2).
    """

    energies: Tensor
    charges: Tensor
    penalty: Tensor
    features: list[Tensor]
    contributions: list[Tensor]


def evaluate(
    config: PhysNetConfig,
    w: Weights,
    numbers: Tensor,
    distances: Tensor,
    ends: tuple[Tensor, Tensor],
) -> Outputs:
    """Compute energies and charges of atoms.

    Parameters
    ----------
    config
        The settings.
    w
        Parameters by name.
    numbers
        (n,) atomic numbers.
    distances
        (P,) of pairs, in Å; what is at the cutoff or beyond adds nothing.
    ends
        (P,) and (P,) atoms that receive, and that send.
    """
    rbf = radial(w, distances, config.r_cut)
    features = [tf.gather(w["embeddings"], numbers)]
    contributions = []
    for m in range(config.modules):
        features.append(interaction(config, w, f"interaction_block{m}", features[-1], rbf, ends))
        refined = residuals(w, f"output_block{m}", features[-1], config.residual_output)
        contributions.append(activation(refined) @ w[f"output_block{m}/dense_layer/W"])
    energies, charges = tf.unstack(tf.add_n(contributions), axis=1)
    squares = [each**2 for each in contributions]
    penalty = tf.zeros((), energies.dtype)
    for before, after in pairwise(squares):
        penalty += tf.reduce_mean(after / (after + before + 1e-7))

    def of_element(name: str) -> Tensor:
        return tf.gather(w[name], numbers)

    return Outputs(
        of_element("Escale") * energies + of_element("Eshift"),
        of_element("Qscale") * charges + of_element("Qshift"),
        penalty,
        features,
        contributions,
    )
