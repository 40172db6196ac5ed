"""Pieces of work, on threads and on a real Dask cluster: results in order, errors plain."""

from __future__ import annotations

import gc
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from teadata.errors import UsageError
from teaeval.engines import ClusterError, DaskCluster, Threads, connected


@pytest.fixture(autouse=True)
def no_client_left_open() -> Iterator[None]:
    """A client that the garbage collector has to close can wait for itself, and forever."""
    gc.collect()
    before = {id(item) for item in clients()}
    gc.disable()
    try:
        yield
        end = time.monotonic() + 60
        while left := [c.status for c in clients() if id(c) not in before and c.status != "closed"]:
            assert time.monotonic() < end, left
            time.sleep(0.1)
    finally:
        gc.enable()


def clients() -> list[Any]:
    """The clients of Dask in this process; none where Dask was not loaded."""
    kind = getattr(sys.modules.get("distributed"), "Client", None)
    return [item for item in gc.get_objects() if type(item) is kind]


@pytest.fixture
def later_ones_first():
    """Made in a function, as is the next: workers get them by value, and import nothing."""

    def work(item: int) -> int:
        time.sleep(0.005 * (5 - item % 5))
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


def test_no_scheduler_or_no_workers():
    with (
        pytest.raises(UsageError, match="no Dask scheduler answers"),
        connected("tcp://127.0.0.1:9", 1),
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


STARTING = """
import json, time
from distributed import LocalCluster
if __name__ == "__main__":
    running = LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0",
                           host="127.0.0.1", scheduler_port=0, silence_logs=50)
    workers = [nanny.pid for nanny in running.workers.values()]
    print(json.dumps([running.scheduler_address, workers]), flush=True)
    time.sleep(600)
"""


@contextmanager
def another() -> Iterator[tuple[str, subprocess.Popen[str], list[int]]]:
    """A cluster in a process of its own: its address, process, and workers."""
    process = subprocess.Popen(
        [sys.executable, "-c", STARTING], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stdout is not None
    try:
        yield (*json.loads(process.stdout.readline()), process)
    finally:
        os.killpg(process.pid, signal.SIGCONT)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()


def assert_gone(address: str, happens: Callable[[], None]) -> None:
    """Work on a cluster to which something happens while it does."""

    def work(item: int) -> int:
        time.sleep(0.1)
        return item

    def watch() -> None:
        with connected(address) as engine:
            assert isinstance(engine, DaskCluster)
            results = engine.map(work, range(1000))
            assert next(results) == 0
            happens()
            engine.timeout = 1.0  # from now on: to connect may take longer
            list(results)

    start = time.monotonic()
    with pytest.raises(ClusterError, match="wait longer with --scheduler-timeout"):
        watch()
    assert time.monotonic() - start < 60


def test_a_cluster_that_is_gone_is_an_error_in_time(run, prediction_file):
    """Of one cluster the workers stop and go on, then the scheduler does, and is killed."""
    with another() as (address, workers, process):

        def stop_workers() -> None:
            for worker in workers:
                os.kill(worker, signal.SIGSTOP)

        assert_gone(address, stop_workers)
        os.killpg(process.pid, signal.SIGCONT)
        assert_gone(address, lambda: process.send_signal(signal.SIGSTOP))
        start = time.monotonic()
        done = run("teaeval", "score", prediction_file, "--scheduler", address,
                   "--scheduler-timeout", "1")  # fmt: skip
        assert time.monotonic() - start < 60
        os.killpg(process.pid, signal.SIGCONT)
        assert_gone(address, process.kill)
    assert done.returncode == 2
    assert "no Dask scheduler answers there" in done.stderr
    assert "Traceback" not in done.stderr


def test_who_listens_but_never_answers():
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(5)
        with (
            pytest.raises(UsageError, match="no Dask scheduler answers there"),
            connected(f"tcp://127.0.0.1:{silent.getsockname()[1]}", 0.5),
        ):
            pass


@pytest.mark.parametrize(
    "address", ["", "x", "http://x", "tcp://", "tcp://127.0.0.1:99999", "tcp://nosuch.invalid:80"]
)
def test_what_is_no_address(address):
    with (
        pytest.raises(UsageError, match="no Dask scheduler answers there"),
        connected(address, 0.5),
    ):
        pass
