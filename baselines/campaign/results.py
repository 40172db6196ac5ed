"""What the models of a campaign reached, as tables: errors, simulations, hydrogen."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from baselines.campaign.steps import Hydrogen, ScoreTest, Simulate
from baselines.campaign.table import WHAT, what
from baselines.campaign.tasks import Task
from teadata import console
from teaeval.hydrogen.record import RECORD_FILE as BENCHMARK_FILE
from teaeval.md.analysis import RECORD_FILE as SIMULATIONS_FILE
from teaeval.md.record import Simulations


def scores_of(tasks: Sequence[Task], folder: Path) -> list[dict[str, Any]]:
    """A row for each score that is there: errors in kcal/mol and kcal/mol/Å, frames, file."""
    rows = []
    for task in tasks:
        if not isinstance(task.what, ScoreTest) or (score := task.score(folder)) is None:
            continue
        energy, force = score.row("E"), score.row("F")
        rows.append(
            what(task)
            | {"test": task.test, "frames": score.coverage.scored}
            | {"energy_mae": energy.mae, "energy_rmse": energy.rmse}
            | {"force_mae": force.mae, "force_rmse": force.rmse}
            | {"step": task.step, "file": str(task.what.file(task.run_folder(folder)))}
        )
    return rows


def simulations_of(tasks: Sequence[Task], folder: Path) -> list[dict[str, Any]]:
    """A row for each simulation of a system that has ended, with its record.

    ``stable_ps`` of ``ps`` were before anything broke, in all replicas together.  ``drift`` is the
    mean of the replicas' in kcal/mol/atom/ns, of NVE runs; ``hellinger`` the distance of the radii
    of gyration from the reference's, of molecules.  None where there is none.  ``distances`` are
    those of all observables from their references, by name.
    """
    rows = []
    for task in tasks:
        run = task.run_folder(folder)
        if not isinstance(task.what, Simulate) or (found := task.what.result(run)) is None:
            continue
        drifts = [one.drift.slope for one in found.replicas if one.drift is not None]
        rows.append(
            what(task)
            | {"system": found.dataset, "subset": found.subset, "conditions": found.conditions}
            | {"replicas": len(found.replicas), "unstable": found.failed}
            | {"stable_ps": found.stable_time, "ps": found.time}
            | {"drift": sum(drifts) / len(drifts) if drifts else None}
            | {"hellinger": found.gyration.hellinger.value if found.gyration else None}
            | {"distances": _distances(found)}
            | {"step": task.step, "file": str(task.what.folder(run) / SIMULATIONS_FILE)}
        )
    return rows


def _distances(found: Simulations) -> dict[str, float]:
    """The distance of each observable from its reference, where it has one."""
    return {
        f"{one.observable} {one.quantity}": one.distance.value
        for one in found.observables
        if one.distance is not None
    }


def print_simulations(rows: Sequence[dict[str, Any]]) -> None:
    """Print how far the simulations came, and what they show."""
    numbers = {"stable_ps": "stable ps", "ps": "of ps", "drift": "drift", "hellinger": "Rg apart"}
    words = (*WHAT, "system", "subset", "conditions", "replicas", "unstable")
    console.print_table(
        [*words, *numbers.values()],
        [
            [*(str(row[name]) for name in words)]
            + ["–" if row[name] is None else f"{row[name]:.3g}" for name in numbers]
            for row in rows
        ],
        title="simulations: time before anything broke, drift of the energy in kcal/mol/atom/ns "
        "(NVE), Hellinger distance of the radii of gyration from the reference's",
        right=["seed", "replicas", "unstable", *numbers.values()],
    )


def benchmarks_of(tasks: Sequence[Task], folder: Path) -> list[dict[str, Any]]:
    """A row for each hydrogen benchmark that has ended: state points that lasted, and its record.

    ``transitions`` says of each temperature where molecules turn into atoms.
    """
    rows = []
    for task in tasks:
        run = task.run_folder(folder)
        if not isinstance(task.what, Hydrogen) or (found := task.what.result(run)) is None:
            continue
        verdicts = {f"{one.temperature:g} K": one.verdict for one in found.transitions}
        lasted = sum(state.status == "finished" for state in found.states)
        rows.append(
            what(task)
            | {"states": len(found.states), "lasted": lasted, "transitions": verdicts}
            | {"step": task.step, "file": str(task.what.folder(run) / BENCHMARK_FILE)}
        )
    return rows


def print_benchmarks(rows: Sequence[dict[str, Any]]) -> None:
    """Print how many state points lasted, and what they show of the transition."""
    words = (*WHAT, "states", "lasted")
    console.print_table(
        [*words, "transition"],
        [
            [
                *(str(row[name]) for name in words),
                "; ".join(f"{kelvin}: {said}" for kelvin, said in row["transitions"].items()),
            ]
            for row in rows
        ],
        title="dense hydrogen: state points whose simulation lasted, and where molecules turn "
        "into atoms",
        right=["seed", "states", "lasted"],
    )


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


def next_commands(
    scores: Sequence[dict[str, Any]],
    simulations: Sequence[dict[str, Any]],
    benchmarks: Sequence[dict[str, Any]],
) -> list[str]:
    """The commands that lay results out: of the first seed and configuration of each task.

    Tables and figures have a column or line for each model, so they take one of each.
    """
    named = {
        "table": _first(scores, ("model", "dataset", "train", "test")),
        "md table": _first(simulations, ("model", "system", "subset", "conditions")),
        "hydrogen-table": _first(benchmarks, ("model",)),
    }
    return [
        shlex.join(["teaeval", *command.split(), *files])
        for command, files in named.items()
        if files
    ]


def _first(rows: Sequence[dict[str, Any]], keys: Sequence[str]) -> list[str]:
    """The file of the first row of each that has the same values of keys."""
    files: dict[tuple[str, ...], str] = {}
    for row in rows:
        files.setdefault(tuple(row[key] for key in keys), row["file"])
    return list(files.values())
