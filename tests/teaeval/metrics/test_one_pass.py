"""One pass over the forces: what it finds does not depend on how the frames were cut."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from teaeval.engines import Threads
from teaeval.metrics.definitions import errors
from teaeval.metrics.one_pass import frame_errors_of
from teaeval.predictions.places import Places


@pytest.fixture
def test_set(mini_i):
    return mini_i.split("folded/test")


def test_errors_are_in_the_order_of_the_test_set(noisy, test_set):
    """The prediction is the other way round, and lacks its last ten frames."""
    count = len(test_set)
    assert list(noisy.frame_ids) == list(test_set.ids)
    turned = dataclasses.replace(
        noisy,
        energies=noisy.energies[::-1],
        forces=noisy.forces[::-1],
        frame_ids=noisy.frame_ids[::-1],
    )
    rows = np.arange(count)[::-1].copy()
    rows[:10] = -1
    found = frame_errors_of(turned, test_set, Places.of(rows, count), {}, Threads())
    assert found.scored.sum() == count - 10
    assert not found.scored[-10:].any()
    gap = np.abs(noisy.energies - test_set.energies)[:-10]
    np.testing.assert_allclose(found.table["E"].mae[:-10], gap, rtol=1e-12)
    expected = errors(noisy.forces[:-10], test_set.forces[:-10])
    assert found.table["F"].errors().mae == pytest.approx(expected.mae, rel=1e-12)


def test_blocks_keep_the_errors_of_all_frames(noisy, test_set):
    places = Places.of(np.arange(len(test_set)), len(test_set))
    single = frame_errors_of(noisy, test_set, places, {}, Threads())
    merged = frame_errors_of(noisy, test_set, places, {}, Threads(), block=8)
    assert merged.block == 8
    assert len(merged.table["F"].mae) == -(-len(test_set) // 8)
    for name, rows in single.table.items():
        whole, blocks = vars(rows.errors()), vars(merged.table[name].errors())
        assert blocks == pytest.approx(whole, rel=1e-12)


def test_details_are_collected_where_they_are_wanted(noisy, test_set):
    places = Places.of(np.arange(len(test_set)), len(test_set))
    assert frame_errors_of(noisy, test_set, places, {}, Threads()).forces is None
    detailed = frame_errors_of(noisy, test_set, places, {}, Threads(), details=True)
    np.testing.assert_allclose(detailed.forces.mae, detailed.table["F"].mae, rtol=1e-12)
