"""One step of the optimiser, and the moving average of the weights."""

from __future__ import annotations

import numpy as np
import pytest

from baselines.physnet import PhysNetConfig
from baselines.physnet import session as backend


def test_the_optimiser_is_amsgrad():
    """Written out; the largest square so far counts, and a long gradient is cut."""
    from baselines.physnet.optimiser import State, updated

    backend.load()
    import tensorflow as tf

    config = PhysNetConfig(size=1, clip_grad=3.0, lr=0.01, lr_decay=0.5, lr_decay_steps=10)
    rng = np.random.default_rng(0)
    weights, mean, square, largest = rng.normal(size=6), np.zeros(6), np.zeros(6), np.zeros(6)
    average = weights.copy()
    state = State(*(tf.constant(part) for part in (weights, average, mean, square, largest)))
    for step in range(6):
        slope = rng.normal(size=6) * (10.0 if step == 1 else 1.0)
        state = updated(config, state, tf.constant(slope), tf.constant(step, tf.float64))
        slope = slope * min(1.0, 3.0 / np.linalg.norm(slope))
        mean = 0.9 * mean + 0.1 * slope
        square = 0.99 * square + 0.01 * slope**2
        largest = np.maximum(largest, square)
        rate = 0.01 * 0.5 ** (step / 10) * np.sqrt(1 - 0.99 ** (step + 1)) / (1 - 0.9 ** (step + 1))
        weights = weights - rate * mean / (np.sqrt(largest) + 1e-3)
        decay = min(0.999, (1 + step) / (10 + step))
        average = decay * average + (1 - decay) * weights
        np.testing.assert_allclose(state.weights, weights, rtol=1e-12)
        np.testing.assert_allclose(state.average, average, rtol=1e-12)


@pytest.mark.slow
def test_the_optimiser_is_that_of_keras():
    """As Keras has it, and the moving average as Keras' with a decay that grows."""
    from baselines.physnet.optimiser import State, updated

    backend.load()
    import tensorflow as tf

    config = PhysNetConfig(size=1, clip_grad=3.0, lr=0.01)
    theirs = tf.keras.optimizers.Adam(
        0.01, beta_1=0.9, beta_2=0.99, epsilon=1e-3, amsgrad=True, global_clipnorm=3.0
    )
    rng = np.random.default_rng(0)
    start = rng.normal(size=6).astype("float32")
    variable, average = tf.Variable(start), start
    state = State(tf.constant(start), tf.constant(start), *(tf.zeros(6) for _ in range(3)))
    for step in range(6):
        slope = tf.constant(rng.normal(size=6) * (10.0 if step == 1 else 1.0), tf.float32)
        theirs.apply_gradients([(slope, variable)])
        state = updated(config, state, slope, tf.constant(step, tf.float64))
        decay = min(0.999, (1 + step) / (10 + step))
        average = decay * average + (1 - decay) * variable.numpy()
        np.testing.assert_allclose(state.weights, variable, rtol=1e-5)
        np.testing.assert_allclose(state.average, average, rtol=1e-5)
