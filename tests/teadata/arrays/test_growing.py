"""Rows that are put together as they come."""

from __future__ import annotations

import numpy as np
import pytest

from teadata.arrays.growing import GrowingArray


@pytest.mark.parametrize("shape", [(), (3, 3), (5, 3)])
def test_all_rows_in_order(shape):
    rows = np.random.default_rng(0).normal(size=(1000, *shape))
    array = GrowingArray(rows[:1])
    for start in range(1, 1000, 37):
        array.append(rows[start : start + 37])
    assert len(array) == 1000
    np.testing.assert_array_equal(array.whole(), rows)


def test_tensors_that_lie_the_other_way_round():
    rows = np.arange(18.0).reshape(2, 3, 3)
    array = GrowingArray(rows.transpose(0, 2, 1))
    array.append(rows.transpose(0, 2, 1))
    np.testing.assert_array_equal(array.whole(), np.tile(rows.transpose(0, 2, 1), (2, 1, 1)))


def test_integers_and_numbers_with_decimals():
    array = GrowingArray(np.array([1, 2]))
    array.append(np.array([0.5]))
    assert array.whole().tolist() == [1.0, 2.0, 0.5]
