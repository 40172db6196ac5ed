"""Campaigns as tables: how far their tasks are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from baselines.campaign import ledger
from baselines.campaign.tasks import Task
from teadata import console
from teadata.output.pace import duration


def rows_of(
    tasks: Sequence[Task], folder: Path, failed: Mapping[str, str] | None = None
) -> list[dict[str, Any]]:
    """A row for each task: what it is, its state, seconds so far and left, and a word on it.

    Parameters
    ----------
    tasks, folder
        Of the campaign.
    failed
        Why tasks failed, by their names, where a full disk does not have it.
    """
    rows = []
    for task in tasks:
        found = ledger.entry(task, folder, failed)
        rows.append(
            what(task) | {"step": task.step} | found._asdict()
            | {"run": task.run.name, "log": str(ledger.log_file(task, folder))}
        )  # fmt: skip
    return rows


def what(task: Task) -> dict[str, Any]:
    """What is trained."""
    plan = task.run.plan
    return {
        "model": plan.model,
        "dataset": plan.dataset,
        "train": plan.train,
        "config": Path(plan.config_name).stem,
        "seed": plan.seed,
    }


WHAT = ("model", "dataset", "train", "config", "seed")


def print_status(rows: Sequence[dict[str, Any]]) -> None:
    """Print the state of every task, and how many there are of each state."""
    columns = [*WHAT, "step", "state"]
    console.print_table(
        [*columns, "time", "left", "note"],
        [
            [
                *(str(row[name]) for name in columns),
                *("" if row[name] is None else duration(row[name]) for name in ("seconds", "left")),
                row["note"],
            ]
            for row in rows
        ],
        right=["seed", "time", "left"],
    )
    console.say(counted(rows))


def counted(rows: Sequence[dict[str, Any]]) -> str:
    """How many tasks there are of each state, in words."""
    states = Counter(row["state"] for row in rows)
    listed = ", ".join(f"{count} {state}" for state, count in states.items())
    return f"{len(rows)} tasks: {listed}"
