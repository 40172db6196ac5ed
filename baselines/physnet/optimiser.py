"""AMSGrad and a moving average, of all parameters as one vector."""

from __future__ import annotations

from typing import Any, NamedTuple

import tensorflow as tf

from baselines.physnet.config import PhysNetConfig

Tensor = Any

BETA_1, BETA_2, EPSILON = 0.9, 0.99, 1e-3
"""The original implementation's."""


class State(NamedTuple):
    """The state that a step changes: vectors of all parameters, in the type of the settings.

    Parameters
    ----------
    weights, average
        The parameters, and their moving average.
    mean, square, largest
        Moving averages of the gradient and its square, and the largest of the latter so far.
    """

    weights: Tensor
    average: Tensor
    mean: Tensor
    square: Tensor
    largest: Tensor


def learning_rate(config: PhysNetConfig, step: Tensor) -> Tensor:
    """Return the learning rate at `step`."""
    return config.lr * config.lr_decay ** (step / config.lr_decay_steps)


def updated(config: PhysNetConfig, state: State, slope: Tensor, step: Tensor) -> State:
    """Compute the state after a step.

    Parameters
    ----------
    config
        The settings.
    state
        The state before.
    slope
        The gradient.
    step
        How many steps were made before, a floating-point scalar.
    """
    if config.clip_grad is not None:
        slope = tf.clip_by_norm(slope, config.clip_grad)
    mean = BETA_1 * state.mean + (1 - BETA_1) * slope
    square = BETA_2 * state.square + (1 - BETA_2) * slope**2
    largest = tf.maximum(state.largest, square)
    begun = tf.sqrt(1 - BETA_2 ** (step + 1)) / (1 - BETA_1 ** (step + 1))
    rate = tf.cast(learning_rate(config, step) * begun, slope.dtype)
    weights = state.weights - rate * mean / (tf.sqrt(largest) + EPSILON)
    # While the average is young, later weights count more.
    decay = tf.cast(
        tf.minimum(tf.constant(config.ema_decay, step.dtype), (1 + step) / (10 + step)), slope.dtype
    )
    average = weights + decay * (state.average - weights)
    return State(weights, average, mean, square, largest)
