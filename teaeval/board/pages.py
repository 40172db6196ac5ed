"""What each page of the site shows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from teadata import catalog
from teaeval.board import curves, dynamics, structures, tables
from teaeval.board.filed import Filed
from teaeval.board.names import dataset_page, model_page, task_page
from teaeval.board.tasks import Line, Task, told_apart
from teaeval.board.text import decoded
from teaeval.tables.numbers import significant, span

MOST_PAIRS = 30
"""Predictions of a group whose pairs are all listed."""

Page = tuple[str, str, dict[str, Any]]
"""Name of the file, name of the template, and what it shows."""


def page_of(task: Task) -> str:
    """The page of a task."""
    data = task.data
    return task_page(data.name, task.name, f"{data.frames_sha256} {data.splits_sha256}")


def pages(title: str, entries: Sequence[Filed], tasks: Sequence[Task]) -> Iterator[Page]:
    """All pages of the site.

    Parameters
    ----------
    title
        What the board is called.
    entries
        Its entries.
    tasks
        Their predictions by task.
    """
    datasets = list(dict.fromkeys(task.data.name for task in tasks))
    tabled = {page_of(task): tables.of_task(task) for task in tasks}
    yield (
        "index.html",
        "index.html",
        {
            "heading": title,
            "table": tables.matrix(tasks),
            "cards": [_card(task, tabled[page_of(task)]) for task in tasks],
            "counts": _counts(entries),
            "datasets": [(name, dataset_page(name)) for name in datasets],
            "models": [(name, model_page(name)) for name in _models(entries)],
        },
    )
    for task in tasks:
        yield page_of(task), "task.html", _task(task, tabled[page_of(task)])
    for name in _models(entries):
        own = [item for item in entries if item.submission.model == name]
        yield model_page(name), "model.html", {"heading": name, "entries": list(map(_entry, own))}
    for name in datasets:
        yield dataset_page(name), "dataset.html", _dataset(name, tasks)
    runs = dynamics.runs_of(entries)
    yield (
        "simulations.html",
        "simulations.html",
        {
            "heading": "Simulations",
            "runs": [run.cells for run in runs],
            "survivals": list(dynamics.survivals(runs, entries)),
            "distances": dynamics.distances(runs),
            "figures": dynamics.figures(runs, entries),
            "transitions": dynamics.transitions(entries),
        },
    )
    yield (
        "published.html",
        "published.html",
        {"heading": "Published errors of the TEA Challenge 2023", "table": tables.of_published()},
    )


def _models(entries: Sequence[Filed]) -> list[str]:
    return list(dict.fromkeys(item.submission.model for item in entries))


def _counts(entries: Sequence[Filed]) -> str:
    counts = {
        status: sum(item.status == status for item in entries)
        for status in ("active", "superseded", "withdrawn")
    }
    return ", ".join(f"{count} {status}" for status, count in counts.items() if count) or "none"


def _first(task: Task, table: dict[str, Any]) -> str:
    """Who is first by the MAE of forces, at the training size with the most predictions."""
    group = table["group"]
    ranked = table["ranks"][group].get("F.mae")
    if ranked is None:
        return "No prediction has a place."
    names = [
        line.name for line, place in zip(task.lines, ranked["places"], strict=True) if place == 1
    ]
    size = next(label for name, label in table["groups"] if name == group)
    said = f"{', '.join(names)} {'is' if len(names) == 1 else 'share'} first"
    if len(task.members(group)) == 1:
        said = f"{names[0]} is alone"
    return f"{said} by F MAE, trained on {size}."


def _counted(n: int, thing: str) -> str:
    return f"{n} {thing}" if n == 1 else f"{n} {thing}s"


def _card(task: Task, table: dict[str, Any]) -> dict[str, Any]:
    models = len({line.filed.submission.model for line in task.lines})
    return {
        "href": page_of(task),
        "name": f"{task.data.id}: {task.name}",
        "edition": task.data.edition,
        "first": _first(task, table),
        "count": f"{_counted(len(task.lines), 'prediction')} of {_counted(models, 'model')}",
    }


def _task(task: Task, table: dict[str, Any]) -> dict[str, Any]:
    return {
        "heading": task.title,
        "table": table,
        "data": task.data,
        "dataset": dataset_page(task.data.name),
        "units": task.lines[0].scored.units.said,
        "file": page_of(task).removesuffix(".html"),
        "pairs": _pairs(task),
        "figures": [figure for figure in curves.figures(task) if figure["chart"]],
        "mini": task.data.edition == "mini",
    }


def _pairs(task: Task) -> list[dict[str, Any]]:
    """The differences of every two predictions, by the MAE of forces, for each training size."""
    made = []
    for group in task.groups:
        members = task.members(group)
        if not 2 <= len(members) <= MOST_PAIRS:
            continue
        ranking = task.rankings(group)["F", "mae"]
        told = told_apart(task.lines[n].filed for n in members)
        names = [told[task.lines[n].filed.entry.id] for n in members]
        rows = [
            {
                "first": names[pair.first],
                "second": names[pair.second],
                "difference": significant(pair.difference),
                "interval": span(pair.interval),
                "p": f"{pair.p:.2g}",
                "holm": f"{pair.holm:.2g}",
                "needed": "separated" if pair.needed is None else str(pair.needed),
            }
            for pair in ranking.every()
        ]
        made.append(
            {"group": "other data" if group == "other" else f"{group} frames", "rows": rows}
        )
    return made


def _entry(item: Filed) -> dict[str, Any]:
    """What a model's page says of one entry."""
    said = item.submission
    rows = []
    for n in range(len(item.scored)):
        line = Line(item, n)
        score = line.score
        rows.append(
            {
                "task": f"{line.data.name}: {score.task.replace('->', ' → ')}",
                "size": line.size or "–",
                "frames": f"{score.coverage.scored} of {score.coverage.frames}",
                "e": significant(score.row("E").mae),
                "e_limits": span(score.row("E").mae_interval),
                "f": significant(score.row("F").mae),
                "f_limits": span(score.row("F").mae_interval),
                "percent": significant(score.row("F").mae_percent_mean),
                "hours": significant(line.cost("hours")),
                "speed": significant(line.cost("us_per_atom")),
                "record": f"records/{line.key}.json",
                "file": score.prediction.file,
            }
        )
    return {
        "short": item.short,
        "id": item.entry.id,
        "status": item.status,
        "reason": item.reason,
        "said": said,
        "rows": rows,
        "warnings": [
            f"{one.score.prediction.file}: {text}"
            for one in item.scored
            for text in one.score.warnings
        ],
        "files": item.entry.files,
        "card": _text(item),
        "simulations": [run.cells for run in dynamics.runs_of([item])],
        "transitions": dynamics.transitions([item]),
    }


def _text(item: Filed) -> str:
    """The model card, as it was written."""
    name = item.submission.card
    return "" if name is None else decoded(item.path(name).read_bytes(), name)


def _dataset(name: str, tasks: Sequence[Task]) -> dict[str, Any]:
    own = [task for task in tasks if task.data.name == name]
    return {
        "heading": own[0].data.title,
        "card": catalog.find(name),
        "data": own[0].data,
        "tasks": [(task.name, page_of(task), len(task.lines)) for task in own],
        "views": structures.views(name, own),
        "worst": structures.WORST,
        "most_predictions": structures.MOST_PREDICTIONS,
    }
