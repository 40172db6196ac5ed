"""A campaign of two trainings that take seconds, and what tests look at."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil
import pytest
import yaml

LONG = 240
"""Seconds after which a process is given up."""

SETTINGS = {"size": 10, "sigmas": [20], "lam": 1e-10, "symmetries": False}


@pytest.fixture
def campaign_file(tmp_path):
    """Write a campaign with other values than the usual ones; a value None leaves a key out."""

    def write(name: str = "campaign.yaml", **values):
        usual = {
            "models": ["sgdml"], "datasets": ["mini-i"], "subsets": ["unfolded", "folded"],
            "configs": ["tiny.yaml"], "tests": ["folded"], "frames": 20, "bootstrap": 0,
            "resources": {"sgdml": {"memory": "1 GiB"}},
        }  # fmt: skip
        content = {key: value for key, value in (usual | values).items() if value is not None}
        (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(SETTINGS))
        (tmp_path / name).write_text(yaml.safe_dump(content))
        return tmp_path / name

    return write


@pytest.fixture(scope="session")
def until():
    """Wait for a condition, and give what it gives."""

    def wait(condition, seconds: float = 120.0):
        end = time.monotonic() + seconds
        while not (found := condition()):
            assert time.monotonic() < end
            time.sleep(0.05)
        return found

    return wait


@pytest.fixture(scope="session")
def table_of(run):
    """The scores of a campaign with 9 digits: sGDML's processes add up in no fixed order."""

    def table(path, folder):
        done = run("baselines", "campaign", "table", path, "--folder", folder, "--json")
        assert done.returncode == 0, done.stderr
        return [
            {
                key: f"{value:.9g}" if isinstance(value, float) else value
                for key, value in row.items()
                if key != "file"
            }
            for row in json.loads(done.stdout)
        ]

    return table


@pytest.fixture(scope="session")
def started():
    """Start a module of Python as a process of the test, which ends with the block."""

    @contextmanager
    def start(*command, **options):
        process = subprocess.Popen(
            [sys.executable, "-m", *map(str, command)], text=True, start_new_session=True, **options
        )
        try:
            yield process
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(LONG)
            for stream in (process.stdout, process.stderr):
                if stream is not None:
                    stream.close()

    return start


@pytest.fixture(scope="session")
def started_campaign(started):
    """Start a campaign, whose lines are to be read from its standard error."""

    def start(path, folder, *options):
        return started(
            "baselines", "campaign", "run", path, "--folder", folder, *options,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        )  # fmt: skip

    return start


@pytest.fixture
def cluster(started, until, tmp_path):
    """Start a scheduler, and a worker for each of the declared resources.

    Gives the scheduler's file, the scheduler's process, and those of the workers' nannies, which
    start them again when they are killed.
    """

    @contextmanager
    def start(*resources):
        file, log_file = tmp_path / "scheduler.json", tmp_path / "dask.log"
        file.unlink(missing_ok=True)
        log_file.unlink(missing_ok=True)
        common = ("--scheduler-file", file, "--dashboard-address", "127.0.0.1:0")
        with ExitStack() as stack:
            log = stack.enter_context(log_file.open("a"))
            quiet = {"stdout": log, "stderr": log, "cwd": tmp_path}
            enter = stack.enter_context
            host = ("--host", "127.0.0.1", "--port", "0")
            scheduler = enter(started("distributed.cli.dask_scheduler", *host, *common, **quiet))
            until(lambda: file.exists() and file.read_text())
            worker = ("distributed.cli.dask_worker", "--nthreads", "2")
            nannies = [
                enter(started(
                    *worker, "--name", f"worker-{place}", "--resources", said, *common, **quiet
                ))
                for place, said in enumerate(resources)
            ]  # fmt: skip
            until(lambda: log_file.read_text().count("Registered to") >= len(resources))
            yield file, scheduler, nannies

    return start


@pytest.fixture(scope="session")
def at_work():
    """The processes of tasks that were begun in a campaign's folder, found by their logs."""

    def find(folder):
        found = []
        for place in Path("/proc").glob("[0-9]*"):
            try:
                words = (place / "cmdline").read_bytes().split(b"\0")
                if b"baselines.campaign.work" in words and folder in (
                    (place / "fd" / "2").readlink().parents
                ):
                    found.append(psutil.Process(int(place.name)))
            except (OSError, psutil.NoSuchProcess):  # it has ended
                continue
        return found

    return find
