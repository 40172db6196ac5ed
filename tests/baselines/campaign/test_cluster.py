"""Campaigns on a Dask cluster, as their user runs them: workers killed, campaigns cancelled."""

from __future__ import annotations

import json
import os
import signal
import stat
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import psutil
import pytest

from baselines.campaign import ledger, matrix, running
from baselines.campaign.amounts import Amount, how_many
from baselines.campaign.batch import Batch, opened
from baselines.campaign.cluster import Cluster
from baselines.campaign.expansion import expand
from baselines.campaign.tasks import Task
from baselines.campaign.work import Order
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


def test_a_task_of_a_lost_worker_is_begun_again(campaign_file, tmp_path):
    """The first attempt kills the process that it runs in; its nanny starts another."""
    from distributed import Client, LocalCluster

    def dies_once(job):  # made here: the worker gets it by value, and imports nothing of this file
        folder = Order.model_validate_json(job.order).folder
        if not (mark := folder.parent / "died").exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        folder.mkdir()
        (folder / "record.json").touch()

    path, folder = campaign_file(subsets=["folded"]), tmp_path / "folder"
    (one,) = expand(matrix.read(path), path)
    task, said = Task(one), []
    ledger.prepare(folder)
    with (
        LocalCluster(
            n_workers=1, threads_per_worker=1, dashboard_address="127.0.0.1:0", host="127.0.0.1",
            resources={"cores": 1, "memory": 2e9}, silence_logs=50,
        ) as local,
        Client(local, set_as_default=False) as client,
    ):  # fmt: skip
        workers = Cluster(client, folder, said.append, work=dies_once)
        workers.check([one])
        assert running.carry_out([task], folder, workers, said.append) == {}
    assert (folder / "runs" / "died").exists()
    assert task.done(folder)
    assert any("its worker was lost, begun again" in line for line in said), said


@pytest.mark.slow
def test_a_lost_worker_costs_an_attempt_and_no_answer(
    run, campaign_file, started_campaign, cluster, at_work, table_of, until, tmp_path
):
    """A worker is killed, then the scheduler; the table is that of one machine."""
    path = campaign_file(subsets=["folded"])
    whole, folder = tmp_path / "whole", tmp_path / "folder"
    done = run("baselines", "campaign", "run", path, "--folder", whole)
    assert done.returncode == 0, done.stderr
    with (
        cluster("cores=1 memory=2e9") as (file, scheduler, (nanny,)),
        started_campaign(path, folder, "--scheduler", file) as process,
    ):
        until(lambda: list(folder.glob("runs/*/plan.json")))
        (task,) = at_work(folder)
        worker = psutil.Process(task.ppid())
        assert worker.ppid() == nanny.pid
        worker.kill()
        until(lambda: not task.is_running() or task.status() == psutil.STATUS_ZOMBIE)
        until(lambda: at_work(folder))
        scheduler.kill()
        _, said = process.communicate(timeout=LONG)
        assert process.returncode == 1
        assert "lost: worker worker-0" in said
        assert "its worker was lost, begun again" in said
        assert "the same command goes on" in said
        assert "Traceback" not in said
        until(lambda: not at_work(folder))
    done = run("baselines", "campaign", "run", path, "--folder", folder)
    assert done.returncode == 0, done.stderr
    assert table_of(path, folder) == table_of(path, whole)


def test_ctrl_c_on_a_local_cluster_leaves_nothing_at_work(
    run, campaign_file, started_campaign, at_work, until, tmp_path
):
    """Ctrl-C goes to the whole group of processes, the worker's too."""
    path, folder = campaign_file(), tmp_path / "folder"
    with started_campaign(path, folder, "--scheduler", "local", "--jobs", "2") as process:
        until(lambda: len(list(folder.glob("runs/*/plan.json"))) == 2)
        os.killpg(process.pid, signal.SIGINT)
        _, said = process.communicate(timeout=LONG)
    assert process.returncode == 130
    assert "dashboard: http://127.0.0.1:" in said
    again = f"baselines campaign run {path} --folder {folder} --scheduler local --jobs 2"
    assert f"to go on: {again}\n" in said
    assert "Traceback" not in said
    assert not at_work(folder)
    status = run("baselines", "campaign", "status", path, "--folder", folder).stdout
    assert "running" not in status
    assert "failed" not in status


def test_two_tasks_that_need_most_of_a_worker_never_meet(campaign_file, tmp_path):
    """Of one campaign, and of two that share a cluster; what each needs is declared to Dask."""
    from distributed import Client, LocalCluster

    path = campaign_file(
        seeds=[0, 1, 2], tests=["folded"], resources={"sgdml": {"memory": "10 GiB"}}
    )
    tasks = [Task(one) for one in expand(matrix.read(path), path)]
    with LocalCluster(
        n_workers=1, threads_per_worker=4, processes=False, dashboard_address="127.0.0.1:0",
        protocol="tcp", resources={"cores": 4, "memory": 16 * 2**30},
    ) as local:  # fmt: skip

        def carry_out(folder):
            ledger.prepare(folder)
            with Client(local, set_as_default=False) as client:
                workers = Cluster(client, folder, str, work=leave_times)
                assert running.carry_out(tasks, folder, workers, str) == {}

        folders = [tmp_path / "one", tmp_path / "other"]
        with ThreadPoolExecutor() as pool:
            list(pool.map(carry_out, folders))
    times = sorted(json.loads(file.read_text()) for file in tmp_path.glob("*/runs/*/record.json"))
    assert len(times) == 2 * len(tasks) == 12
    assert all(first[1] <= second[0] for first, second in pairwise(times))


def leave_times(job):
    """Take the place of a training: leave when it began and ended."""
    begun = time.monotonic()
    time.sleep(0.05)
    folder = Order.model_validate_json(job.order).folder
    folder.mkdir()
    (folder / "record.json").write_text(json.dumps([begun, time.monotonic()]))


@pytest.mark.parametrize(
    ("resources", "folder", "kind", "message"),
    [
        ({}, "folder", ClusterError, r"declares no .* --resources 'cores=8 memory=32e9'"),
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


def test_workers_come_from_a_batch_queue_and_are_cancelled(
    run, campaign_file, started_campaign, at_work, until, slurm
):
    """Cancelled in the middle, then its process is killed: no job and no task is left."""
    batch = {
        "system": "slurm", "cores": 1, "memory": "2 GiB", "maximum": 2,
        "options": {"interface": "lo", "walltime": "00:10:00",
                    "scheduler_options": {"dashboard_address": "127.0.0.1:0"}},
    }  # fmt: skip
    path, folder = campaign_file(batch=batch, seeds=[0, 1, 2]), slurm / "folder"
    with started_campaign(path, folder, "--scheduler", "batch") as process:
        until(lambda: len(at_work(folder)) == 2)
        done = run("baselines", "campaign", "cancel", "--folder", folder)
        assert "1 stopped" in done.stdout
        assert not at_work(folder)
        _, said = process.communicate(timeout=LONG)
        assert "cancelled; the same command goes on" in said
    submitted = lines(slurm / "submitted")
    assert len(submitted) == 2
    assert sorted(set(lines(slurm / "cancelled"))) == sorted(submitted)
    with started_campaign(path, folder, "--scheduler", "batch") as process:
        until(lambda: at_work(folder))
        process.kill()
        process.wait(LONG)
    (left,) = folder.glob("drivers/*.jobs")
    jobs = json.loads(left.read_text())["jobs"]
    done = run("baselines", "campaign", "cancel", "--folder", folder)
    assert f"{len(jobs)} jobs cancelled that were left" in done.stdout
    assert set(jobs) <= set(lines(slurm / "cancelled"))
    until(lambda: not at_work(folder))


def test_jobs_whose_workers_are_at_work_are_kept(slurm, until):
    """Of three jobs two are no longer needed; a task runs on the newest."""
    (slurm / "bin" / "sbatch").write_text("#!/bin/sh\necho Submitted batch job $$\n")
    (slurm / "bin" / "scancel").write_text(f'#!/bin/sh\necho "$1" >>"{slurm}/cancelled"\n')
    settings = Batch(
        system="slurm", cores=1, memory="1 GiB", maximum=3,
        options={"interface": "lo", "scheduler_options": {"dashboard_address": "127.0.0.1:0"}},
    )  # fmt: skip
    with opened(settings, slurm, "campaign") as queue:
        queue.scale(3)
        until(lambda: len(queue.cluster.workers) == 3)
        newest = list(queue.cluster.workers)[-1]
        jobs = {name: job.job_id for name, job in queue.cluster.workers.items()}
        queue.scale(1, {newest})
        assert [name for name in jobs if queue.keeps(name)] == [newest]
        until(lambda: len(lines(slurm / "cancelled")) >= 2)
        assert set(lines(slurm / "cancelled")) == set(jobs.values()) - {jobs[newest]}


def test_a_queue_that_refuses_jobs_is_quoted(run, campaign_file, slurm):
    (slurm / "bin" / "sbatch").write_text("#!/bin/sh\necho no such partition >&2\nexit 1\n")
    batch = {"system": "slurm", "cores": 1, "memory": "2 GiB", "workers": 1}
    batch["options"] = {"scheduler_options": {"dashboard_address": "127.0.0.1:0"}}
    path = campaign_file(batch=batch)
    done = run(
        "baselines", "campaign", "run", path, "--folder", slurm / "a", "--scheduler", "batch"
    )
    assert done.returncode == 1
    assert "the batch queue refuses jobs: " in done.stderr
    assert "no such partition" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list((slurm / "a").glob("drivers/*"))
