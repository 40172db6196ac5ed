"""Campaigns as their user runs them: killed, shared, failed, cancelled."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest

from baselines.campaign import ledger, matrix
from baselines.campaign.expansion import expand
from baselines.campaign.processes import Machine, Processes
from baselines.campaign.results import next_commands
from baselines.campaign.tasks import Task
from baselines.campaign.work import Order
from teadata.errors import UsageError

LONG = 240
"""Seconds after which a process is given up."""


def workers_of(process):
    listed = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(process.pid)], capture_output=True, text=True
    )
    return [int(pid) for pid in listed.stdout.split()]


@pytest.mark.skipif(sys.platform != "linux", reason="processes are found with Linux's ps")
def test_a_killed_task_is_begun_again(campaign_file, started_campaign, until, tmp_path):
    path, folder = campaign_file(subsets=["folded"]), tmp_path / "folder"
    with started_campaign(path, folder, "--jobs", "1") as process:
        until(lambda: list(folder.glob("runs/*/plan.json")))
        (worker,) = workers_of(process)
        os.kill(worker, signal.SIGKILL)
        said = process.communicate(timeout=LONG)[1]
    assert process.returncode == 0, said
    assert "killed by SIGKILL, begun again" in said
    assert len(list(folder.glob("runs/*/record.json"))) == 1


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="processes are found with Linux's ps")
def test_killed_twice_the_table_is_the_same_as_uninterrupted(
    run, campaign_file, started_campaign, table_of, until, tmp_path
):
    """A worker is killed, then the driver; what is done is not done again, also for another."""
    path, whole, killed = campaign_file(subsets=["folded"]), tmp_path / "whole", tmp_path / "killed"
    done = run("baselines", "campaign", "run", path, "--folder", whole, "--jobs", 2)
    assert done.returncode == 0, done.stderr
    assert "2 tasks: 2 done" in done.stdout
    with started_campaign(path, killed, "--jobs", "1") as process:
        until(lambda: list(killed.glob("runs/*/plan.json")))
        (worker,) = workers_of(process)
        os.kill(worker, signal.SIGKILL)
        until(lambda: [pid for pid in workers_of(process) if pid != worker])
        process.kill()
        assert "killed by SIGKILL, begun again" in process.communicate(timeout=LONG)[1]
    done = run("baselines", "campaign", "run", path, "--folder", killed)
    assert done.returncode == 0, done.stderr
    rows = table_of(path, whole)
    assert len(rows) == 1
    assert table_of(path, killed) == rows
    records = {file: file.stat().st_mtime_ns for file in whole.glob("runs/*/record.json")}
    more = campaign_file("more.yaml", subsets=["folded"], tests=["folded", "unfolded"])
    done = run("baselines", "campaign", "run", more, "--folder", whole, "--json")
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("done: ") == 1
    assert {file: file.stat().st_mtime_ns for file in whole.glob("runs/*/record.json")} == records
    scores = list(whole.glob("runs/*/scores/folded-20.json"))
    laid_out = run("teaeval", "table", *scores)
    assert laid_out.returncode == 0, laid_out.stderr


def test_a_failed_training_is_named_and_the_rest_goes_on(run, campaign_file, tmp_path):
    """Something is in the way of one run folder; once it is gone, --failed tries again."""
    path, folder = campaign_file(), tmp_path / "folder"
    costs = run("baselines", "campaign", "run", path, "--folder", folder, "--dry-run", "--json")
    assert not folder.exists()
    name = json.loads(costs.stdout)[0]["run"]
    (folder / "runs").mkdir(parents=True)
    (folder / "runs" / name).write_text("in the way")
    command = ["baselines", "campaign", "run", path, "--folder", folder, "--jobs", 2]
    done = run(*command)
    assert done.returncode == 1
    assert "4 tasks: 1 failed, 1 held up, 2 done" in done.stdout
    assert f"logs/{name}.train.log" in done.stderr
    assert "Traceback" not in done.stderr
    (folder / "runs" / name).unlink()
    again = run(*command)
    assert again.returncode == 1
    assert "done: " not in again.stderr
    third = run(*command, "--failed")
    assert third.returncode == 0, third.stderr
    assert third.stderr.count("done: ") == 2


def test_a_campaign_is_cancelled_from_elsewhere(
    run, campaign_file, started_campaign, until, tmp_path
):
    path, folder = campaign_file(seeds=[0, 1, 2]), tmp_path / "folder"
    command = ("baselines", "campaign", "status", path, "--folder", folder)

    def at_work():
        rows = json.loads(run(*command, "--json").stdout)
        return [row for row in rows if row["state"] == "running"]

    with started_campaign(path, folder, "--jobs", "1") as process:
        until(lambda: list(folder.glob("runs/*/plan.json")))
        (row,) = until(at_work)
        assert 0 <= row["seconds"] < LONG
        done = run("baselines", "campaign", "cancel", "--folder", folder)
        assert "1 stopped" in done.stdout
        assert "cancelled" in process.communicate(timeout=LONG)[1]
    assert process.returncode == 1
    status = run(*command).stdout
    assert "running" not in status
    assert "failed" not in status
    assert "no campaign runs" in run("baselines", "campaign", "cancel", "--folder", folder).stdout


def test_two_campaigns_at_once_in_a_folder_share_its_tasks(
    run, campaign_file, started_campaign, tmp_path
):
    path, folder = campaign_file(subsets=["folded"]), tmp_path / "folder"
    with started_campaign(path, folder, "--jobs", "1") as process:
        done = run("baselines", "campaign", "run", path, "--folder", folder)
        process.communicate(timeout=LONG)
    assert process.returncode == done.returncode == 0
    rows = json.loads(
        run("baselines", "campaign", "status", path, "--folder", folder, "--json").stdout
    )
    # a score is done only if it is of the training that is there: none was trained twice
    assert [row["state"] for row in rows] == ["done", "done"]
    assert all(row["seconds"] > 0 for row in rows)


def test_what_cannot_fit_and_other_folders_are_refused(run, campaign_file, tmp_path):
    path = campaign_file()
    done = run("baselines", "campaign", "run", path, "--folder", tmp_path / "a", "--memory", "1MiB")
    assert done.returncode == 1
    assert "sgdml needs 1 GiB" in done.stderr
    done = run("baselines", "campaign", "run", path, "--folder", tmp_path)
    assert done.returncode == 2
    assert "is not a campaign's folder" in done.stderr


def test_the_next_command_names_one_seed_of_each_task():
    what = {"model": "gap", "dataset": "mini-i@1.0.0", "train": "folded/train/30", "test": "folded"}
    rows = [what | {"seed": seed, "file": f"{seed}.json"} for seed in (0, 1)]
    rows.append(what | {"model": "fchl", "seed": 0, "file": "fchl.json"})
    assert next_commands(rows, [], []) == ["teaeval table 0.json fchl.json"]


def test_two_tasks_never_share_a_gpu(campaign_file, tmp_path):
    path = campaign_file(models=["mace"], configs=["quick"], device="cuda", seeds=[0, 1])
    first, second, *_ = expand(matrix.read(path), path)
    ledger.prepare(tmp_path / "folder")
    workers = Processes(Machine(cores=8, memory=1e6))
    task = Task(first)
    order = Order(plan=first.plan, folder=tmp_path / "run", lock=tmp_path / "lock",
                  step=task.what, cores=1)  # fmt: skip
    try:
        assert workers.room(first)
        workers.begin(task, order, tmp_path / "log")
        assert not workers.room(second)
    finally:
        workers.stop()
    assert workers.room(second)


def test_what_its_user_puts_into_a_campaign_s_folder_is_no_matter(tmp_path):
    ledger.prepare(tmp_path / "campaign")
    (tmp_path / "campaign" / "notes.txt").write_text("the second try")
    ledger.prepare(tmp_path / "campaign")
    (tmp_path / "campaign" / "drivers").rmdir()
    with pytest.raises(UsageError, match="is not a campaign's folder"):
        ledger.prepare(tmp_path / "campaign")
