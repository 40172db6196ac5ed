"""A campaign whose disk fills up, whose workers, scheduler and own process are killed."""

from __future__ import annotations

import random
import resource
import subprocess
import sys
import time

import psutil
import pytest

LONG = 1800

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="its limits are Linux's")


@pytest.fixture
def small_files(monkeypatch):
    """Whatever this process starts meets a full disk, as it were: no file beyond 2 KiB.

    A write beyond the limit is an error, as on a full disk, with another number.
    """
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")  # other tests would find half of it
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2048, before[1]))
    yield lambda: resource.setrlimit(resource.RLIMIT_FSIZE, before)
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_files_that_cannot_be_written_fail_their_tasks_and_are_named(
    run, campaign_file, small_files, tmp_path
):
    path, folder = campaign_file(subsets=["folded"]), tmp_path / "folder"
    done = run("baselines", "campaign", "run", path, "--folder", folder)
    small_files()
    assert done.returncode == 1
    assert "2 tasks: 1 failed, 1 held up" in done.stdout
    (said,) = [line for line in done.stderr.splitlines() if line.startswith("failed: ")]
    assert "File too large" in said
    assert str(folder / "logs") in said
    assert "Traceback" not in done.stderr


@pytest.fixture
def small_disk(tmp_path):
    """A file system of its own, of 1 MiB, and a function that makes room on it."""
    folder = tmp_path / "disk"
    folder.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], capture_output=True
    )
    if made.returncode:
        pytest.skip("no file system of its own can be mounted here")
    yield (
        folder,
        lambda: subprocess.run(["mount", "-o", "remount,size=64m", folder], check=True, timeout=60),
    )
    subprocess.run(["umount", "-l", folder], check=True, timeout=60)


@pytest.fixture
def kill_a_worker(until, at_work):
    """Kill a Dask worker that runs a task of a folder, at some moment of it."""
    draw = random.Random(1)

    def workers(nannies, folder):
        parents = {task.ppid() for task in at_work(folder)}
        started = [child for one in nannies for child in psutil.Process(one.pid).children()]
        return [child for child in started if child.pid in parents]

    def kill(nannies, folder):
        worker = draw.choice(until(lambda: workers(nannies, folder), LONG))
        time.sleep(draw.uniform(0, 2))
        worker.kill()
        until(lambda: not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE)

    return kill


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_nothing_is_lost_and_nothing_has_another_answer_after_all_faults(
    run, campaign_file, started_campaign, cluster, kill_a_worker, table_of, small_disk, tmp_path
):
    """22 tasks, one of which fails, on a disk that is full at first, with 10 kills."""
    path = campaign_file(
        seeds=list(range(5)),
        include=[{"model": "yukawa", "dataset": "mini-i", "subset": "folded", "size": 9}],
    )
    whole, (disk, make_room) = tmp_path / "whole", small_disk
    folder = disk / "folder"
    command = ("baselines", "campaign", "run", path, "--folder")
    done = run(*command, whole, "--jobs", 2, timeout=LONG)
    assert done.returncode == 1
    assert "22 tasks: 20 done, 1 failed, 1 held up" in done.stdout

    full = run(*command, folder, "--jobs", 2, timeout=LONG)
    assert full.returncode == 1
    assert "No space left on device" in full.stderr
    assert "Traceback" not in full.stderr
    make_room()

    with cluster("cores=1 memory=2e9", "cores=1 memory=2e9") as (file, scheduler, nannies):
        options = ("--scheduler", file, "--failed")
        with started_campaign(path, folder, *options) as process:
            for _ in range(6):
                kill_a_worker(nannies, folder)
            process.kill()
            assert "its worker was lost, begun again" in process.communicate(timeout=LONG)[1]
        with started_campaign(path, folder, *options) as process:
            for _ in range(2):
                kill_a_worker(nannies, folder)
            scheduler.kill()
            said = process.communicate(timeout=LONG)[1]
        assert process.returncode == 1
        assert "the same command goes on" in said
    done = run(*command, folder, "--jobs", 2, "--failed", timeout=LONG)
    assert done.returncode == 1
    assert "22 tasks: 20 done, 1 failed, 1 held up" in done.stdout
    assert "logs/yukawa-mini-i-folded-9-seed0" in done.stderr
    assert "Traceback" not in done.stderr
    assert table_of(path, folder) == table_of(path, whole)
