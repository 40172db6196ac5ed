"""The value of ``--scheduler``: which Dask cluster a campaign's tasks run on."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from baselines.campaign import batch, ledger, matrix
from baselines.campaign.amounts import Amount
from baselines.campaign.batch import Batch
from baselines.campaign.cluster import Cluster
from baselines.campaign.processes import Machine, Processes
from baselines.campaign.running import Tell, Workers
from teadata.errors import DataError, UsageError
from teadata.files import check_input
from teaeval.engines import client_of, quiet

if TYPE_CHECKING:
    from distributed import LocalCluster

LOCAL, BATCH = "local", "batch"
SCHEMES = ("tcp://", "tls://", "ws://", "wss://", "ucx://")


def batch_settings(scheduler: str | None, source: Path) -> Batch | None:
    """The section ``batch`` that a scheduler is; None if it is something else.

    Parameters
    ----------
    scheduler
        The value of ``--scheduler``.
    source
        The campaign's file.

    Raises
    ------
    UsageError
        If the campaign has no such section.
    TeaError
        If a file of its own cannot be read.
    """
    if scheduler is None or not (scheduler == BATCH or scheduler.endswith((".yaml", ".yml"))):
        return None
    if scheduler != BATCH:
        return matrix.read_batch(Path(scheduler))
    campaign = matrix.read(source)
    if campaign.batch is None:
        raise UsageError(
            f"--scheduler batch: {source} has no section `batch`; write one, or give a file that "
            "has it"
        )
    return campaign.batch


def check(scheduler: str | None, sized: bool) -> None:
    """Refuse what is no scheduler, and a size for one that has its own.

    Parameters
    ----------
    scheduler
        What was asked for.
    sized
        Whether ``--jobs`` or ``--memory`` was given.

    Raises
    ------
    UsageError
        If it is neither ``local``, nor ``batch``, nor an address, nor a file.
    """
    if scheduler is None or scheduler == LOCAL:
        return
    if sized:
        raise UsageError(
            f"--jobs and --memory are for this machine; with --scheduler {scheduler} they are "
            "what its workers declare"
        )
    known = scheduler == BATCH or scheduler.startswith(SCHEMES)
    if not known and not scheduler.endswith((".json", ".yaml", ".yml")):
        raise UsageError(
            f"--scheduler {scheduler}: expected local, batch, an address such as tcp://host:8786, "
            "a scheduler file (.json), or a file with a section `batch` (.yaml)"
        )


@contextmanager
def opened(
    scheduler: str | None, machine: Machine, settings: Batch | None, folder: Path, tell: Tell
) -> Iterator[Workers]:
    """Open the workers that a campaign runs on; what was started for it ends with the block.

    Parameters
    ----------
    scheduler
        The value of ``--scheduler``; None: processes of this machine, without Dask.
    machine
        What of this machine may be used.
    settings
        From :func:`batch_settings`.
    folder
        The campaign's.
    tell
        Told in a line of the cluster.

    Raises
    ------
    TeaError
        If there is no such scheduler, or a package is missing.
    """
    if scheduler is None:
        yield Processes(machine)
    elif scheduler == LOCAL:
        with _local(machine) as local, client_of(local.scheduler_address) as client:
            _say_dashboard(local.dashboard_link, tell)
            yield Cluster(client, folder, tell)
    elif settings is not None:
        quiet()
        name = ledger.Driver(folder).name
        with batch.opened(settings, folder / ledger.DRIVERS, name) as queue:
            address = queue.cluster.scheduler_address
            with client_of(address) as client:
                _say_dashboard(queue.cluster.dashboard_link, tell)
                yield Cluster(client, folder, tell, queue)
    else:
        with client_of(_address(scheduler)) as client:
            with suppress(KeyError):  # one without a dashboard
                _say_dashboard(client.dashboard_link, tell)
            yield Cluster(client, folder, tell)


def _address(scheduler: str) -> str:
    """The address itself, or that in a scheduler file."""
    if not scheduler.endswith(".json"):
        return scheduler
    path = Path(scheduler)
    check_input(path)
    try:
        return str(json.loads(path.read_text())["address"])
    except (OSError, ValueError, KeyError, TypeError):
        raise DataError(
            f"{path}: is no scheduler file, as `dask scheduler --scheduler-file {path}` writes"
        ) from None


@contextmanager
def _local(machine: Machine) -> Iterator[LocalCluster]:
    """A cluster of this machine: one worker, which declares all of it."""
    quiet()
    from distributed import LocalCluster

    amount = Amount(machine.cores, machine.memory, 0)
    with LocalCluster(
        n_workers=1,
        threads_per_worker=machine.cores,
        memory_limit=None,
        resources=amount.as_resources(),
        dashboard_address="127.0.0.1:0",
        silence_logs=logging.CRITICAL,
        preload="baselines.campaign.quiet_worker",
    ) as cluster:
        yield cluster


def _say_dashboard(link: str, tell: Tell) -> None:
    from importlib.util import find_spec

    hint = "" if find_spec("bokeh") else " (its plots need the package bokeh)"
    tell(f"dashboard: {link}{hint}")
