"""Campaigns on a Dask cluster, as their user runs them: workers killed, campaigns cancelled."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil
import pytest

from baselines.campaign import ledger, matrix
from baselines.campaign.cluster import Amount, Cluster, how_many
from baselines.campaign.expansion import expand
from teadata.errors import DataError
from teaeval.engines import ClusterError

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="its processes are Linux's")

LONG = 240
"""Seconds after which a process is given up."""

SLURM = """#!/bin/sh
# runs a job's script here, as a batch system does on another machine
cp "$1" "{folder}/job-$$.sh"
setsid sh "{folder}/job-$$.sh" >"{folder}/job-$$.log" 2>&1 &
echo "$!" >>"{folder}/submitted"
echo "Submitted batch job $!"
"""
SCANCEL = """#!/bin/sh
echo "$1" >>"{folder}/cancelled"
kill -TERM -- "-$1"
"""


@contextmanager
def started(*command, **options):
    """A process of the test, which ends with the block, with all that it started."""
    process = subprocess.Popen(
        [sys.executable, "-m", *map(str, command)], text=True, start_new_session=True, **options
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(LONG)
        if process.stderr is not None:
            process.stderr.close()


@contextmanager
def cluster(folder, until, *resources):
    """A scheduler, and a worker for each of the declared resources; gives the scheduler's file."""
    file = folder / "scheduler.json"
    file.unlink(missing_ok=True)
    common = ("--dashboard-address", "127.0.0.1:0")
    with ExitStack() as stack:
        log = stack.enter_context((folder / "dask.log").open("a"))
        quiet = {"stdout": log, "stderr": log, "cwd": folder}
        host = ("--host", "127.0.0.1", "--port", "0", "--scheduler-file", file)
        enter = stack.enter_context
        scheduler = enter(started("distributed.cli.dask_scheduler", *host, *common, **quiet))
        until(lambda: file.exists() and file.read_text())
        workers = [
            enter(started(
                "distributed.cli.dask_worker", "--scheduler-file", file, "--nthreads", "2",
                "--name", f"worker-{place}", *(["--resources", said] if said else []), *common,
                **quiet,
            ))
            for place, said in enumerate(resources)
        ]  # fmt: skip
        until(lambda: (folder / "dask.log").read_text().count("Registered to") >= len(resources))
        yield file, scheduler, workers


def campaign(path, folder, scheduler):
    return started(
        "baselines", "campaign", "run", path, "--folder", folder, "--scheduler", scheduler,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip


def tasks_at_work():
    """Processes of tasks, of any campaign of this user's tests."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        if "baselines.campaign.work" in (process.info["cmdline"] or []):
            found.append(process)
    return found


def of_folder(folder):
    """Processes of tasks that were begun in a campaign's folder, by their open logs."""
    found = []
    for process in tasks_at_work():
        try:
            target = Path(f"/proc/{process.pid}/fd/2").readlink()
        except OSError:
            continue
        if folder in target.parents:
            found.append(process)
    return found


def test_a_lost_worker_costs_an_attempt_and_no_answer(
    run, campaign_file, table_of, until, tmp_path
):
    """A worker is killed, then the scheduler; the table is that of one machine."""
    path = campaign_file(subsets=["folded"])
    whole, folder = tmp_path / "whole", tmp_path / "folder"
    done = run("baselines", "campaign", "run", path, "--folder", whole)
    assert done.returncode == 0, done.stderr
    with cluster(tmp_path, until, "cores=1 memory=2e9") as (file, scheduler, (worker,)):
        with campaign(path, folder, file) as process:
            until(lambda: list(folder.glob("runs/*/plan.json")))
            (task,) = of_folder(folder)
            inner = psutil.Process(task.ppid())
            assert inner.pid != worker.pid  # Dask's nanny starts it again
            inner.kill()
            until(lambda: not task.is_running() or task.status() == psutil.STATUS_ZOMBIE)
            until(lambda: len(list(folder.glob("runs/*/train.log"))) and of_folder(folder))
            scheduler.kill()
            _, said = process.communicate(timeout=LONG)
        assert process.returncode == 1
        assert "lost: worker worker-0" in said
        assert "its worker was lost, begun again" in said
        assert "the same command goes on" in said
        assert "Traceback" not in said
        until(lambda: not of_folder(folder))
    with cluster(tmp_path, until, "cores=1 memory=2e9") as (file, *_):
        done = run("baselines", "campaign", "run", path, "--folder", folder, "--scheduler", file)
        assert done.returncode == 0, done.stderr
    assert table_of(path, folder) == table_of(path, whole)


@pytest.mark.parametrize(
    ("resources", "folder", "kind", "message"),
    [
        ({}, "folder", ClusterError, r"dask worker tcp://.* --resources 'cores=8 memory=32e9'"),
        ({"cores": 1, "memory": 5e8}, "folder", DataError, r"sgdml needs 1 core, 1 GiB, and no wo"),
        ({"cores": 1, "memory": 2e9}, "elsewhere", ClusterError, r"does not see .*elsewhere"),
    ],
)
def test_workers_of_no_use_are_refused_with_what_to_do(
    campaign_file, tmp_path, resources, folder, kind, message
):
    from distributed import Client, LocalCluster

    path = campaign_file(subsets=["folded"])
    ledger.prepare(tmp_path / "folder")
    with (
        LocalCluster(
            n_workers=1,
            threads_per_worker=1,
            processes=False,
            dashboard_address="127.0.0.1:0",
            protocol="tcp",
            resources=resources,
        ) as local,
        Client(local, set_as_default=False) as client,
        pytest.raises(kind, match=message),
    ):
        Cluster(client, tmp_path / folder, str).check(expand(matrix.read(path), path))


def test_tasks_are_packed_by_what_they_need():
    """Two of 10 GB need two workers of 16 GB; small ones find room beside them."""
    size = Amount(8, 16, 0)
    large, small = Amount(1, 10, 0), Amount(4, 4, 0)
    assert how_many([large, large], size) == 2
    assert how_many([small, large, small, large], size) == 2
    assert how_many([], size) == 0


@pytest.fixture
def slurm(tmp_path, monkeypatch):
    """A folder with `sbatch` and `scancel`, which keep in mind what they were asked."""
    for name, text in (("sbatch", SLURM), ("scancel", SCANCEL)):
        command = tmp_path / "bin" / name
        command.parent.mkdir(exist_ok=True)
        command.write_text(text.format(folder=tmp_path))
        command.chmod(command.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    yield tmp_path
    for job in lines(tmp_path / "submitted"):
        try:
            os.killpg(int(job), signal.SIGKILL)
        except ProcessLookupError:
            continue


def lines(file: Path) -> list[str]:
    return file.read_text().split() if file.exists() else []


def test_workers_come_from_a_batch_queue_and_are_cancelled(run, campaign_file, until, slurm):
    """Cancelled in the middle, then its process is killed: no job and no task is left."""
    batch = {
        "system": "slurm", "cores": 1, "memory": "2 GiB", "maximum": 2,
        "options": {"interface": "lo", "walltime": "00:10:00",
                    "scheduler_options": {"dashboard_address": "127.0.0.1:0"}},
    }  # fmt: skip
    path, folder = campaign_file(batch=batch), slurm / "folder"
    with campaign(path, folder, "batch") as process:
        until(lambda: len(of_folder(folder)) == 2)
        done = run("baselines", "campaign", "cancel", "--folder", folder)
        assert "1 stopped" in done.stdout
        assert not of_folder(folder)
        _, said = process.communicate(timeout=LONG)
        assert "cancelled; the same command goes on" in said
    submitted = lines(slurm / "submitted")
    assert len(submitted) == 2
    assert sorted(set(lines(slurm / "cancelled"))) == sorted(submitted)
    with campaign(path, folder, "batch") as process:
        until(lambda: of_folder(folder))
        process.kill()
        process.wait(LONG)
    (left,) = folder.glob("drivers/*.jobs")
    jobs = json.loads(left.read_text())["jobs"]
    done = run("baselines", "campaign", "cancel", "--folder", folder)
    assert f"{len(jobs)} jobs cancelled that were left" in done.stdout
    assert set(jobs) <= set(lines(slurm / "cancelled"))
    until(lambda: not of_folder(folder))
