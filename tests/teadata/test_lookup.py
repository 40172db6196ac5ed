"""Rows of ids are those that a dictionary gives, whatever form the ids are in."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from teadata.errors import DataError
from teadata.lookup import Consecutive, Gathered, as_array, find_rows, follow, rows_of

IDS = st.lists(st.integers(-5, 20), unique=True, max_size=20)


@pytest.fixture(autouse=True)
def pieces(monkeypatch):
    monkeypatch.setattr("teadata.lookup.PIECE", 3)


@given(IDS, st.lists(st.integers(-(2**63), 2**63 - 1) | st.integers(-6, 21), max_size=20))
def test_rows_of_ids_in_any_order(known, ids):
    place = {id_: row for row, id_ in enumerate(known)}
    found = find_rows(np.array(known, np.int64), np.array(ids, np.int64))
    assert as_array(found).tolist() == [place.get(id_, -1) for id_ in ids]


@given(st.integers(-9, 9), st.integers(0, 20), st.lists(st.integers(-20, 40), max_size=20))
def test_rows_of_ids_that_follow_each_other(first, count, ids):
    known = range(first, first + count)
    wanted = np.array(ids, np.int64)
    for some in (Consecutive(first, count), np.array(known, np.int64)):
        found = as_array(find_rows(some, wanted)).tolist()
        assert found == [known.index(id_) if id_ in known else -1 for id_ in ids]
        assert find_rows(some, np.array(known, np.int64)) == range(count)


def test_ids_that_are_not_there_are_counted():
    assert rows_of(Consecutive(3, 4), np.array([3, 4, 5, 6])) == range(4)
    with pytest.raises(DataError, match="2 unknown frame ids, the first is 9"):
        rows_of(Consecutive(3, 4), np.array([5, 9, 2]))


def test_consecutive_integers_are_indexed_as_an_array():
    made, expected = Consecutive(7, 5), np.arange(7, 12)
    for index in (slice(None), slice(1, 9, 2), slice(None, None, -1), [4, -1, 0], expected > 9):
        np.testing.assert_array_equal(made[index], expected[index])
    with pytest.raises(IndexError):
        made[[5]]


@given(st.lists(st.lists(st.integers(0, 5), max_size=6) | st.just([1, 2, 3]), max_size=6))
def test_what_is_gathered_is_all_of_it(parts):
    gathered = Gathered()
    for part in parts:
        gathered.add(np.array(part, np.int64))
    whole = [value for part in parts for value in part]
    assert gathered.joined()[:].tolist() == whole
    assert follow(gathered.joined()) == (np.diff(whole) == 1).all()


def test_what_follows_on_is_held_as_two_numbers():
    gathered = Gathered()
    for start in range(0, 900, 100):
        gathered.add(np.arange(start, start + 100))
    assert gathered.joined() == Consecutive(0, 900)
