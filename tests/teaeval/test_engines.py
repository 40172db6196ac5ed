"""Pieces of work, on threads and on a real Dask cluster: results in order, errors plain."""

from __future__ import annotations

import time

import pytest

from teadata.errors import UsageError
from teaeval.engines import DaskCluster, Threads, connected


@pytest.fixture
def later_ones_first():
    """Made in a function, as is the next: workers get them by value, and import nothing."""

    def work(item: int) -> int:
        time.sleep(0.02 * (5 - item % 5))
        return item * item

    return work


@pytest.fixture
def fails_on_three():
    def work(item: int) -> int:
        if item == 3:
            raise ValueError("three")
        return item

    return work


@pytest.fixture(scope="module")
def cluster():
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=":0", host="127.0.0.1"
    ) as running:
        yield running


def test_threads_keep_the_order(later_ones_first):
    for count in (1, 2, 5):
        assert list(Threads(count).map(later_ones_first, range(12))) == [i * i for i in range(12)]


def test_an_error_in_a_thread_is_the_error(fails_on_three):
    with pytest.raises(ValueError, match="three"):
        list(Threads(2).map(fails_on_three, range(6)))


def test_few_results_wait_at_a_time():
    started = []

    def work(item: int) -> int:
        started.append(item)
        return item

    results = Threads(2).map(work, range(50))
    assert next(results) == 0
    time.sleep(0.2)
    assert len(started) <= 4  # those two threads have, and one that waits for its turn
    results.close()


def test_a_cluster_keeps_the_order(cluster, later_ones_first, fails_on_three):
    with connected(cluster.scheduler_address) as engine:
        assert isinstance(engine, DaskCluster)
        assert list(engine.map(later_ones_first, range(12))) == [i * i for i in range(12)]
        with pytest.raises(ValueError, match="three"):
            list(engine.map(fails_on_three, range(6)))


def test_no_scheduler_or_no_workers(monkeypatch):
    monkeypatch.setattr("teaeval.engines.WAIT", 1)
    with (
        pytest.raises(UsageError, match="no Dask scheduler answers"),
        connected("tcp://127.0.0.1:9"),
    ):
        pass
    with pytest.raises(UsageError, match="no Dask scheduler answers"), connected("nonsense://"):
        pass
    from distributed import LocalCluster

    with (
        LocalCluster(n_workers=0, dashboard_address=":0", host="127.0.0.1") as empty,
        pytest.raises(UsageError, match="no workers"),
        connected(empty.scheduler_address),
    ):
        pass
