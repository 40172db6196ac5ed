"""What a campaign adds to 1000 tasks that do nothing, beside Dask alone; a process is apart."""

from __future__ import annotations

import functools
import subprocess
import sys

import pytest
from distributed import Client, LocalCluster

from baselines.campaign import ledger, running
from baselines.campaign.amounts import Amount
from baselines.campaign.cluster import Cluster
from baselines.campaign.processes import machine_memory
from baselines.campaign.tasks import Run, Task
from baselines.campaign.work import Order
from baselines.campaign.worker import Job
from baselines.runs.folder import make_plan
from teadata import catalog

TASKS, CORES = 1000, 16


def leave_a_record(job: Job) -> None:
    """All that a task without work must do to be done."""
    folder = Order.model_validate_json(job.order).folder
    folder.mkdir()
    (folder / "record.json").touch()


@pytest.fixture(scope="module")
def runs() -> list[Run]:
    plan = make_plan("sgdml", catalog.load("mini-i"), "folded")
    found = [
        Run(
            plan=plan.model_copy(update={"seed": seed}), tests=(), frames=None, bootstrap=0,
            cores=1, memory=100, seconds=None,
        )
        for seed in range(TASKS)
    ]  # fmt: skip
    assert len({run.name for run in found}) == TASKS  # names are made when a file is read
    return found


@pytest.fixture(scope="module")
def client():
    resources = Amount(CORES, machine_memory(), 0).as_resources()
    with (
        LocalCluster(
            n_workers=1, threads_per_worker=CORES, resources=resources, memory_limit=None,
            dashboard_address="127.0.0.1:0",
        ) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):  # fmt: skip
        yield client


def folders(base):
    folder = base / "folder"
    ledger.prepare(folder)
    return folder


@pytest.mark.benchmark(group="1000 empty tasks")
def test_campaign_on_dask(benchmark, runs, client, tmp_path_factory):
    tasks = [Task(run) for run in runs]

    def carry_out(folder):
        workers = Cluster(client, folder, str, work=leave_a_record)
        running.carry_out(tasks, folder, workers, str)
        assert all(task.done(folder) for task in tasks)

    benchmark.pedantic(
        carry_out, setup=lambda: ((folders(tmp_path_factory.mktemp("own")),), {}), rounds=3
    )
    assert benchmark.stats["median"] / TASKS < 0.005


@pytest.mark.benchmark(group="1000 empty tasks")
def test_dask_alone(benchmark, runs, client, tmp_path_factory):
    tasks = [Task(run) for run in runs]

    def carry_out(folder):
        orders = [
            Order(plan=task.run.plan, folder=folder / "runs" / task.run.name,
                  lock=folder / "locks" / task.name, step=task.what, cores=1)
            for task in tasks
        ]  # fmt: skip
        jobs = [Job(order.model_dump_json(), "", folder, 1, {}) for order in orders]
        client.gather(client.map(leave_a_record, jobs, pure=False, batch_size=None))

    benchmark.pedantic(
        carry_out, setup=lambda: ((folders(tmp_path_factory.mktemp("dask")),), {}), rounds=3
    )


@pytest.mark.benchmark(group="the process of a task")
def test_start_of_a_process(benchmark):
    """Python with what every task imports; the backend of its model comes to that."""
    command = [sys.executable, "-c", "import baselines.campaign.work"]
    benchmark.pedantic(functools.partial(subprocess.run, command, check=True), rounds=3)


@pytest.mark.benchmark(group="the process of a task")
def test_start_of_python(benchmark):
    command = [sys.executable, "-c", "pass"]
    benchmark.pedantic(functools.partial(subprocess.run, command, check=True), rounds=3)
