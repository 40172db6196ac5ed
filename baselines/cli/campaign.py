"""The commands ``baselines campaign run``, ``status``, ``table`` and ``cancel``."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from teadata import console
from teadata.errors import UsageError
from teadata.output.options import AsJson

if TYPE_CHECKING:
    from baselines.campaign.tasks import Task

campaign = console.App("Train and score many models from one file.")

CampaignFile = Annotated[Path, typer.Argument(metavar="CAMPAIGN", help="Campaign, a file of YAML.")]
CampaignFolder = Annotated[
    Path,
    typer.Option(
        "--folder", help="Folder: of campaigns; those in one folder share their trainings."
    ),
]


def register(app: console.App) -> None:
    """Add these commands to ``baselines``."""
    app.add_typer(campaign, name="campaign")


def _tasks(file: Path) -> list[Task]:
    from baselines.campaign import matrix
    from baselines.campaign.expansion import expand
    from baselines.campaign.tasks import tasks_of

    return tasks_of(expand(matrix.read(file), file, _tell))


def _tell(text: str) -> None:
    console.say(text, err=True)


@campaign.command("run", epilog="Example: baselines campaign run campaign.yaml --jobs 2")
def run(
    file: CampaignFile,
    folder: CampaignFolder = Path("campaign"),
    jobs: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Processes at a time; a model counts as the number of cores that it declares; "
            "default: one a core.",
        ),
    ] = None,
    memory: Annotated[
        str | None,
        typer.Option(help="Memory for all processes, e.g. 8 GiB; default: the machine's."),
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(
            help="Dask scheduler: local, tcp://host:port, a scheduler file (.json), batch (the "
            "campaign's section of that name), or a file that has it (.yaml); default: processes."
        ),
    ] = None,
    failed: Annotated[bool, typer.Option("--failed", help="Try again what failed.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be done, and its cost; then stop.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Train and score what a campaign's file says; what is done is never done again.

    The same command goes on after a kill. Ends with status 1 if a task failed.
    """
    from baselines.campaign import batch, ledger, running, schedulers, table
    from baselines.campaign.processes import Machine

    schedulers.check(scheduler, sized=jobs is not None or memory is not None)
    settings = schedulers.batch_settings(scheduler, file)
    if dry_run:
        _show_costs(file, folder, as_json)
        if settings is not None:
            console.say(batch.job_script(settings), err=as_json)
        return
    tasks = _tasks(file)
    machine = Machine(jobs or os.cpu_count() or 1, _memory(memory))
    ledger.prepare(folder)
    if left := batch.cancel_left(folder / ledger.DRIVERS, ledger.drivers(folder)):
        _tell(f"{left} jobs cancelled that a killed campaign left in the batch queue")
    if failed:
        for task in tasks:
            ledger.forgive(task, folder)
    where = shlex.join([str(file), "--folder", str(folder)])
    options = {"scheduler": scheduler, "jobs": jobs, "memory": memory}
    said = [part for name, value in options.items() if value for part in (f"--{name}", str(value))]
    again = f"baselines campaign run {where} {shlex.join(said)}".rstrip()
    with (
        console.keeping(f"{folder} has what is done, and checkpoints; to go on: {again}"),
        schedulers.opened(scheduler, machine, settings, folder, _tell) as workers,
    ):
        failures = running.carry_out(tasks, folder, workers, _tell)
    rows = table.rows_of(tasks, folder, failures)
    console.print_json(rows) if as_json else table.print_status(rows)
    if any(row["state"] != "done" for row in rows):
        console.say(f"to try again what failed: {again} --failed", err=True)
        raise typer.Exit(1)
    if not as_json:
        console.say(f"next: baselines campaign table {where}")


def _show_costs(file: Path, folder: Path, as_json: bool) -> None:
    """Print what would be done, also with data that are not on this machine."""
    from baselines.campaign import costs, matrix
    from baselines.campaign.expansion import expand
    from baselines.campaign.sections import Combination
    from baselines.campaign.tasks import tasks_of

    campaign = matrix.read(file)
    absent: list[Combination] = []
    tasks = tasks_of(expand(campaign, file, _tell, absent))
    rows = costs.costs_of(tasks, folder, campaign, absent, file)
    console.print_json(rows) if as_json else costs.print_costs(rows)


@campaign.command("status", epilog="Example: baselines campaign status campaign.yaml")
def status(
    file: CampaignFile, folder: CampaignFolder = Path("campaign"), as_json: AsJson = False
) -> None:
    """Say which tasks are done, running, failed (and why) or waiting."""
    from baselines.campaign import table

    rows = table.rows_of(_tasks(file), folder)
    console.print_json(rows) if as_json else table.print_status(rows)


@campaign.command("table", epilog="Example: baselines campaign table campaign.yaml")
def scores(
    file: CampaignFile, folder: CampaignFolder = Path("campaign"), as_json: AsJson = False
) -> None:
    """Print what the models of a campaign reach, as far as they are scored and simulated."""
    from baselines.campaign import results

    tasks = _tasks(file)
    rows = results.scores_of(tasks, folder)
    simulations = results.simulations_of(tasks, folder)
    benchmarks = results.benchmarks_of(tasks, folder)
    if as_json:
        console.print_json([*rows, *simulations, *benchmarks])
        return
    results.print_scores(rows)
    if simulations:
        results.print_simulations(simulations)
    if benchmarks:
        results.print_benchmarks(benchmarks)
    there = len(rows) + len(simulations) + len(benchmarks)
    if missing := sum(not task.training for task in tasks) - there:
        console.say(f"{missing} scores and simulations are not there yet")
    for command in results.next_commands(rows, simulations, benchmarks):
        console.say(f"next: {command}")


@campaign.command("cancel", epilog="Example: baselines campaign cancel --folder campaign")
def cancel(folder: CampaignFolder = Path("campaign")) -> None:
    """Stop the campaigns that run in a folder, and their batch jobs; the same commands go on."""
    from baselines.campaign import batch, ledger

    count = ledger.cancel(folder)
    left = batch.cancel_left(folder / ledger.DRIVERS)
    console.say(f"{folder}: {count} stopped" if count else f"{folder}: no campaign runs here")
    if left:
        console.say(f"{left} jobs cancelled that were left in the batch queue")


def _memory(text: str | None) -> float:
    from baselines.campaign.memory import mebibytes
    from baselines.campaign.processes import machine_memory

    if text is None:
        return machine_memory()
    try:
        return mebibytes(text)
    except ValueError as error:
        raise UsageError(f"--memory: {error}") from None
