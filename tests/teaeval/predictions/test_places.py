"""Which frame is predicted where, of frames in order and of any others."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from teaeval.predictions.places import Places


@given(st.integers(1, 12), st.data())
def test_places_as_one_would_count_them(count, data):
    rows = np.array(data.draw(st.lists(st.integers(-1, count - 1), max_size=15)), np.int64)
    places = Places.of(rows, count)
    known = rows.tolist()
    sources = [max((i for i, row in enumerate(known) if row == n), default=-1)
               for n in range(count)]  # fmt: skip
    np.testing.assert_array_equal(places.rows, rows)
    np.testing.assert_array_equal(places[np.arange(len(rows))], rows)
    np.testing.assert_array_equal(places.sources(slice(None)), sources)
    assert places.reached == len({*known} - {-1})
    assert places.missing.tolist() == [n for n in range(count) if n not in known]
    assert places.extra.tolist() == [i for i, row in enumerate(known) if row < 0]
    assert places.twice.tolist() == [n for n in range(count) if known.count(n) > 1]
    assert places.unused.tolist() == [i for i in range(len(rows)) if i not in sources]
    alone = [i for i, row in enumerate(known) if row >= 0 and known.count(row) == 1]
    assert (range(len(rows)) if places.alone is None else places.alone.tolist()) == (
        range(len(rows)) if len(alone) == len(rows) else alone
    )


def test_frames_in_order_take_no_memory():
    places = Places.of(range(1 << 40), 1 << 40)
    assert places.in_order
    assert places.reached == 1 << 40
    assert len(places.missing) == len(places.extra) == len(places.twice) == 0
    np.testing.assert_array_equal(places.sources(np.array([3, 1 << 39])), [3, 1 << 39])
    np.testing.assert_array_equal(places[5:8], [5, 6, 7])
