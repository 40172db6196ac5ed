"""Campaigns as tables: how far their tasks are, what they cost, what they reached."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from baselines.campaign import ledger
from baselines.campaign.tasks import Task
from baselines.registry import entry
from teadata import console


def rows_of(tasks: Sequence[Task], folder: Path) -> list[dict[str, Any]]:
    """A row for each task: what it is, its state, and a word on that."""
    rows = []
    for task in tasks:
        found = ledger.entry(task, folder)
        rows.append(
            _what(task) | {"step": task.step, "state": found.state, "note": found.note}
            | {"run": task.run.name, "log": str(ledger.log_file(task, folder))}
        )  # fmt: skip
    return rows


def _what(task: Task) -> dict[str, Any]:
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
    columns = [*WHAT, "step", "state", "note"]
    console.print_table(columns, [[str(row[name]) for name in columns] for row in rows])
    console.say(counted(rows))


def counted(rows: Sequence[dict[str, Any]]) -> str:
    """How many tasks there are of each state, in words."""
    states = Counter(row["state"] for row in rows)
    listed = ", ".join(f"{count} {state}" for state, count in states.items())
    return f"{len(rows)} tasks: {listed}"


def costs_of(tasks: Sequence[Task], folder: Path) -> list[dict[str, Any]]:
    """A row for each training: whether it is here, and what it is expected to cost.

    ``seconds`` is what the record of the same training says, None if there is none.
    """
    return [
        _what(task)
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
        if task.test is None
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


def scores_of(tasks: Sequence[Task], folder: Path) -> list[dict[str, Any]]:
    """A row for each score that is there: errors in kcal/mol and kcal/mol/Å, frames, file."""
    rows = []
    for task in tasks:
        score = None if task.test is None else task.score(folder)
        if score is None:
            continue
        energy, force = score.row("E"), score.row("F")
        rows.append(
            _what(task)
            | {"test": task.test, "frames": score.coverage.scored}
            | {"energy_mae": energy.mae, "energy_rmse": energy.rmse}
            | {"force_mae": force.mae, "force_rmse": force.rmse}
            | {"file": str(task.score_file(folder))}
        )
    return rows


def one_of_each(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Score files of the first seed and configuration of each task: `teaeval table` takes one."""
    files: dict[tuple[str, ...], str] = {}
    for row in rows:
        files.setdefault(
            tuple(row[name] for name in ("model", "dataset", "train", "test")), row["file"]
        )
    return list(files.values())


def print_scores(rows: Sequence[dict[str, Any]]) -> None:
    """Print what was reached on each test set."""
    numbers = {"energy_mae": "E MAE", "energy_rmse": "E RMSE"}
    numbers |= {"force_mae": "F MAE", "force_rmse": "F RMSE"}
    console.print_table(
        [*WHAT, "test", "frames", *numbers.values()],
        [
            [*(str(row[name]) for name in (*WHAT, "test", "frames"))]
            + [f"{row[name]:.3g}" for name in numbers]
            for row in rows
        ],
        title="errors in kcal/mol (E) and kcal/mol/Å (F)",
        right=["seed", "frames", *numbers.values()],
    )
