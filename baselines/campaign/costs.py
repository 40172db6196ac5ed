"""What a campaign would cost."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from baselines.campaign import ledger
from baselines.campaign.table import WHAT, what
from baselines.campaign.tasks import Task
from baselines.registry import entry
from teadata import console


def costs_of(tasks: Sequence[Task], folder: Path) -> list[dict[str, Any]]:
    """A row for each training: whether it is here, and what it is expected to cost.

    ``seconds`` is what the record of the same training says, None if there is none.
    """
    return [
        what(task)
        | {
            "state": ledger.entry(task, folder).state,
            "installed": entry(task.run.plan.model).installed,
            "seconds": task.run.seconds,
            "cores": task.run.cores,
            "memory_mib": round(task.run.memory),
            "scores": len(task.run.tests),
            "run": task.run.name,
        }
        for task in tasks
        if task.training
    ]


def print_costs(rows: Sequence[dict[str, Any]]) -> None:
    """Print what would be trained, and what that is expected to cost."""
    columns = ["model", "dataset", "train", "config", "seed", "here", "seconds", "cores", "MiB"]
    console.print_table(
        columns,
        [
            [
                *(str(row[name]) for name in WHAT),
                row["state"] if row["installed"] else "its package is not installed",
                "no record" if row["seconds"] is None else f"{row['seconds']:.0f}",
                str(row["cores"]),
                str(row["memory_mib"]),
            ]
            for row in rows
        ],
        right=["seed", "seconds", "cores", "MiB"],
    )
    open_ones = [row for row in rows if row["state"] != "done"]
    known = [row["seconds"] for row in open_ones if row["seconds"] is not None]
    console.say(
        f"{len(rows)} trainings, {len(rows) - len(open_ones)} done; of the others {len(known)} are "
        f"on record, and took {sum(known):.0f} s there one after another, without their scores"
    )
