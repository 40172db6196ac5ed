"""The order in which frames are trained on."""

from __future__ import annotations

import numpy as np

from baselines.toolkit.stepwise import BatchOrder


def test_every_pass_takes_every_frame_once():
    order = BatchOrder(seed=3, frames=10, batch_size=3)
    first, second = order.epoch(0), order.epoch(1)
    assert first.shape == (3, 3)  # the rest is left out
    assert len(np.unique(first)) == 9
    assert (first != second).any()
    np.testing.assert_array_equal(order.epoch(1), second)
    assert order.total(10) == 9  # whole passes: 10 · 3 / 10 = 3 of 3 steps
    assert order.total(2) == 2
