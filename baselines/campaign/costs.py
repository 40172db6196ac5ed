"""What a campaign would cost, and what this machine lacks for it."""

from __future__ import annotations

import functools
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from baselines import config
from baselines.campaign import ledger
from baselines.campaign.expansion import config_path
from baselines.campaign.matrix import Campaign
from baselines.campaign.sections import Combination
from baselines.campaign.simulating import nanoseconds
from baselines.campaign.table import WHAT, what
from baselines.campaign.tasks import Task
from baselines.registry import entry
from teadata import catalog, console
from teaeval import published

HOURS = {"ms": 1 / 3_600_000, "min": 1 / 60, "h": 1.0}
"""Units of published times, in hours."""


@dataclass(frozen=True)
class GpuTime:
    """Hours of a training on a GPU as they were published, from `low` to `high`, and the source."""

    low: float
    high: float
    source: str


def published_time(
    model: str, dataset: str, size: int | str, config_name: str, settings: dict[str, Any]
) -> GpuTime | None:
    """The published time of a training with published settings on official data; None without any.

    The sources are what :func:`teaeval.published.costs` has: of SO3krates the time of a gradient
    step, which is multiplied by the steps of the settings; of MACE the times of the shortest
    training (the smallest set of Challenge I) and of the longest ones (the largest sets of III and
    IV).  Any other training of MACE took a time between these.  Of the other models nothing was
    published.
    """
    card = catalog.card(dataset)
    shipped = config_name in config.names(model, entry(model).configs)
    if card.edition != "official" or not shipped or not config_name.startswith("paper-"):
        return None
    known = [cost for cost in published.costs() if cost.model == entry(model).title]
    of_steps = [cost for cost in known if cost.of == "a gradient step"]
    for cost in of_steps:
        if card.challenge in cost.challenges:
            hours = settings["steps"] * cost.value * HOURS[cost.unit]
            said = f"{settings['steps']} steps of {cost.value:g} {cost.unit}"
            return GpuTime(hours, hours, f"{said} on {cost.hardware} ({cost.source})")
    whole = [cost for cost in known if cost.quantity == "training time"]
    if not whole:
        return None
    times = [cost.value * HOURS[cost.unit] for cost in whole]
    sizes = catalog.packaged(card.id).sizes  # those of the paper, whatever was ingested
    extremes = {"smallest": size in sizes[:1], "largest": size == "all"}
    for cost, hours in zip(whole, times, strict=True):
        if card.challenge in cost.challenges and extremes[cost.of.split()[0]]:
            said = f"{cost.of} of {' and '.join(cost.challenges)} on {cost.hardware}"
            return GpuTime(hours, hours, f"{said} ({cost.source})")
    return GpuTime(
        min(times), max(times), f"between the shortest and the longest training ({whole[0].source})"
    )


def costs_of(
    tasks: Sequence[Task],
    folder: Path,
    campaign: Campaign,
    absent: Sequence[Combination] = (),
    source: Path = Path(),
) -> list[dict[str, Any]]:
    """A row for each training: whether it is here, and what it is expected to cost.

    ``seconds`` is what the record of the same training says, ``gpu_hours`` are the published ones
    from the least to the most; None if there are none.  ``simulated_ns`` is simulated in all with
    the model.  Trainings on data that are not here have no run.
    """
    rows = []
    for task in tasks:
        if not task.training:
            continue
        run, plan = task.run, task.run.plan
        subset, _, size = plan.train.split("/")
        whole = len(catalog.load(plan.dataset).splits.ids(f"{subset}/train")) == int(size)
        asked = "all" if whole else int(size)
        time = published_time(plan.model, plan.dataset, asked, plan.config_name, plan.config)
        rows.append(
            what(task)
            | {
                "state": ledger.entry(task, folder).state,
                "installed": entry(plan.model).installed,
                "device": plan.device,
                "seconds": run.seconds,
                "cores": run.cores,
                "memory_mib": round(run.memory),
                "scores": len(run.tests),
                "simulated_ns": sum(step.nanoseconds for step in run.simulations),
                "run": run.name,
            }
            | _hours(time)
        )
    return rows + [_absent_row(item, campaign, source) for item in absent]


def _absent_row(item: Combination, campaign: Campaign, source: Path) -> dict[str, Any]:
    """The row of a training on data that are not here."""
    model, card = entry(item.model), catalog.card(item.dataset)
    _, kind = model.classes()
    settings = config.read(kind, item.model, config_path(item.config, source), model.configs)
    assert item.size is not None
    time = published_time(item.model, item.dataset, item.size, item.config, settings.model_dump())
    tests = [task for task in card.tasks if task.split("->")[0] == item.subset]
    declared = campaign.resources.get(item.model)
    return {
        "model": item.model,
        "dataset": card.full_id,
        "train": f"{item.subset}/train/{item.size}",
        "config": Path(item.config).stem,
        "seed": item.seed,
        "state": "no data",
        "installed": model.installed,
        "device": item.device,
        "seconds": None,
        "cores": 1 if declared is None else declared.cores,
        "memory_mib": None,
        "scores": len(campaign.tests or tests or (item.subset,)),
        "simulated_ns": nanoseconds(campaign, item),
        "run": None,
    } | _hours(time)


def _hours(time: GpuTime | None) -> dict[str, Any]:
    return {
        "gpu_hours": None if time is None else [time.low, time.high],
        "gpu_hours_source": "not published" if time is None else time.source,
    }


def print_costs(rows: Sequence[dict[str, Any]]) -> None:
    """Print what would be trained, what that is expected to cost, and what is missing here."""
    columns: dict[str, Callable[[dict[str, Any]], str]] = {
        name: functools.partial(_text, name=name) for name in WHAT
    }
    columns |= {"here": _here, "seconds": _seconds, "cores": lambda row: str(row["cores"])}
    columns["MiB"] = lambda row: "–" if row["memory_mib"] is None else str(row["memory_mib"])
    if official := [row for row in rows if _official(row)]:
        columns["GPU hours"] = lambda row: _span([row]) if _official(row) else "–"
    if any(row["simulated_ns"] for row in rows):
        columns["simulated ns"] = lambda row: f"{row['simulated_ns']:.3g}"
    right = ["seed", "seconds", "cores", "MiB", "GPU hours", "simulated ns"]
    cells = [[column(row) for column in columns.values()] for row in rows]
    console.print_table(list(columns), cells, right=right)
    if official:
        _print_published(official)
    open_ones = [row for row in rows if row["state"] != "done"]
    known = [row["seconds"] for row in open_ones if row["seconds"] is not None]
    times = (
        f"of the others {len(known)} are on record, and took {sum(known):.0f} s there one after "
    )
    times += "another, without their scores and simulations"
    if not known:
        times = "how long the others take is not on record"
    done = len(rows) - len(open_ones)
    console.say(f"{len(rows)} trainings, {done} done" + (f"; {times}" if open_ones else ""))
    for line in missing(open_ones):
        console.say(f"missing here: {line}")


def _text(row: dict[str, Any], name: str) -> str:
    return str(row[name])


def _official(row: dict[str, Any]) -> bool:
    return catalog.card(row["dataset"]).edition == "official"


def _here(row: dict[str, Any]) -> str:
    return str(row["state"]) if row["installed"] else "its packages are not installed"


def _seconds(row: dict[str, Any]) -> str:
    return "no record" if row["seconds"] is None else f"{row['seconds']:.0f}"


def _span(rows: Sequence[dict[str, Any]]) -> str:
    """The published GPU hours of several trainings together, as far as there are any."""
    known = [row["gpu_hours"] for row in rows if row["gpu_hours"] is not None]
    if not known:
        return "not published"
    low, high = (sum(each) for each in zip(*known, strict=True))
    return f"{low:.3g}" if low == high else f"{low:.3g} to {high:.3g}"


def _print_published(rows: Sequence[dict[str, Any]]) -> None:
    """Print the published times of trainings on official data, by model and in all."""
    by_model: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        by_model.setdefault(row["model"], []).append(row)
    cells = [
        [
            name,
            str(len(some)),
            _span(some),
            str(sum(row["gpu_hours"] is None for row in some)),
            str(sum(row["scores"] for row in some)),
            f"{sum(row['simulated_ns'] for row in some):.3g}",
            "; ".join(dict.fromkeys(row["gpu_hours_source"] for row in some)),
        ]
        for name, some in [*by_model.items(), ("all", list(rows))]
    ]
    cells[-1][-1] = ""
    columns = ["model", "trainings", "GPU hours", "without a published time", "scores"]
    console.print_table(
        [*columns, "simulated ns", "source"],
        cells,
        title="GPU hours of the trainings as published; times of predictions and simulations are "
        "not published",
        right=[*columns[1:], "simulated ns"],
    )


def missing(rows: Sequence[dict[str, Any]]) -> list[str]:
    """What this machine lacks for trainings: data, a GPU, packages, each with what gets it."""
    lines = []
    for dataset in dict.fromkeys(row["dataset"] for row in rows if row["state"] == "no data"):
        name = dataset.partition("@")[0]
        lines.append(
            f"the data of {name}: teadata fetch {name} (or teadata ingest FILE... --dataset {name})"
        )
    asked = sum(row["device"] == "cuda" for row in rows)
    if asked and not _has_gpu():
        lines.append(f"a GPU with CUDA: {asked} of the trainings ask for device cuda")
    for name in dict.fromkeys(row["model"] for row in rows if not row["installed"]):
        model = entry(name)
        packages = ", ".join(model.lacking)
        lines.append(f"{packages} for {name}: python -m pip install {model.installable}")
    return lines


def _has_gpu() -> bool:
    """Whether this machine has an Nvidia GPU; loads none of the packages that would use it."""
    places = ("nvidia[0-9]*", "dxg")
    return shutil.which("nvidia-smi") is not None or any(
        next(Path("/dev").glob(place), None) for place in places
    )
