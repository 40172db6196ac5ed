"""The tables of the site, as the data that its script draws them from."""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from teaeval import published
from teaeval.board.names import model_page
from teaeval.board.ranking import Ranking
from teaeval.board.tasks import EVERY, OTHER, Line, Task
from teaeval.scores.rows import Row
from teaeval.tables.numbers import offset_mark, significant

MEASURES = ("mae", "rmse", "max")

KINDS = [["absolute", "absolute"], ["mean", "% of mean"], ["std", "% of std"]]

MOST_TESTED = 100
"""Predictions beyond which a page has places, but no p-value of each, nor all intervals."""

COSTS = [
    ["hours", "Training, h", "wall-clock hours of the training"],
    ["memory_gib", "Memory, GiB", "peak memory of the training"],
    ["hardware_class", "Hardware", "that the training's time and memory are of"],
    ["us_per_atom", "µs/atom", "energy and forces of a frame, over its atoms"],
    ["inference_class", "Timed on", "hardware that the µs/atom are of"],
]

EXTRAS = [
    ["p", "p to the one above", "paired differences on the same frames, after Holm"],
    ["needed", "Frames to separate", "from the one above, with a probability of 80 %"],
    ["frames", "Frames", "scored, of those of the test set"],
    ["size", "Trained on", "frames of the training set"],
]


def short(value: float, normalisers: Iterable[float]) -> float:
    """As few digits of a number as look the same in every kind of number that is shown.

    Parameters
    ----------
    value
        The number.
    normalisers
        What it is divided by for other kinds.
    """
    factors = [100 / norm for norm in normalisers if norm]
    wanted = [significant(value), *(significant(value * factor) for factor in factors)]
    for digits in range(4, 17):
        cut = float(f"{value:.{digits}g}")
        if [significant(cut), *(significant(cut * factor) for factor in factors)] == wanted:
            return cut
    return value


def of_task(task: Task) -> dict[str, Any]:
    """The table of a task."""
    quantities = task.quantities
    first = {row.quantity: row for row in task.lines[0].score.rows}
    norms = {
        "mean": [first[name].mean_reference for name in quantities],
        "std": [first[name].std_reference for name in quantities],
    }
    groups = [[name, _size_name(name)] for name in task.groups]
    ranks = {name: _ranks(task, name) for name in task.groups}
    if len(groups) > 1:
        ranks[EVERY] = _ranks(task, EVERY)
    return {
        "label": task.title,
        "columns": [{"id": name, "label": name, "unit": first[name].unit} for name in quantities],
        "measures": [["mae", "MAE"], ["rmse", "RMSE"], ["max", "MAX"]],
        "kinds": KINDS,
        "groups": groups,
        "group": _fullest(task),
        "groupLabel": "Training size",
        "every": "all sizes together" if len(groups) > 1 else None,
        "by": "F",
        "compared": [n for n, name in enumerate(quantities) if name.startswith("F(")],
        "norms": norms,
        "ranks": ranks,
        "units": task.lines[0].scored.units.said,
        "extras": [
            *EXTRAS,
            *(cost for cost in COSTS if any(_cost(line, cost[0]) for line in task.lines)),
        ],
        "rows": [
            _row(n, line, quantities, norms, few=len(task.lines) <= MOST_TESTED)
            for n, line in enumerate(task.lines)
        ],
        "from": [
            ["Prediction", "text"],
            ["SHA-256 of the prediction", "code"],
            ["SHA-256 of the training's record", "code"],
            ["To compute it again, in the board's folder", "code"],
        ],
        "trace": [
            ["Test set", "text", f"{task.data.title}, {task.data.subset}"],
            ["SHA-256 of its frames", "code", task.data.frames_sha256],
            ["SHA-256 of its splits", "code", task.data.splits_sha256],
        ],
    }


def _size_name(group: str) -> str:
    return "other data" if group == OTHER else f"{group} frames"


def _fullest(task: Task) -> str:
    """The training size with the most predictions; the largest of those."""
    groups = task.groups
    return max(groups, key=lambda name: (len(task.members(name)), groups.index(name)))


def _ranks(task: Task, group: str) -> dict[str, Any]:
    members = task.members(group)
    return {
        f"{quantity}.{measure}": _ranked(ranking, members, len(task.lines))
        for (quantity, measure), ranking in task.rankings(group).items()
    }


def _ranked(ranking: Ranking, members: Sequence[int], lines: int) -> dict[str, Any]:
    """Places in the order of the lines; p and frames needed to the one with the next error."""
    places: list[int | None] = [None] * lines
    order: list[int | None] = [None] * lines
    p: list[float | None] = [None] * lines
    needed: list[int | None] = [None] * lines
    for step, member in enumerate(ranking.order):
        line = members[member]
        places[line], order[line] = ranking.places[member], step
        if step and len(members) <= MOST_TESTED:
            pair = ranking.pair(ranking.order[step - 1], member)
            p[line], needed[line] = float(f"{pair.holm:.3g}"), pair.needed
    return {
        "places": places,
        "order": order,
        "pairs": ranking.pairs,
        "smallest": ranking.smallest,
        **({"p": p, "needed": needed} if len(members) <= MOST_TESTED else {}),
    }


def _row(
    number: int, line: Line, quantities: Sequence[str], norms: dict[str, list[float]], few: bool
) -> dict[str, Any]:
    """A row of a task's table; of many, only the MAE has its intervals there."""
    score, said = line.score, line.filed.submission
    rows = {row.quantity: row for row in score.rows}
    errors, intervals = [], []
    scaled = [(rows[q], norms["mean"][n], norms["std"][n]) for n, q in enumerate(quantities)]
    for measure in MEASURES:
        errors.append([short(getattr(row, measure), norm) for row, *norm in scaled])
        if few or measure == "mae":
            intervals.append([_limits(row, measure, norm) for row, *norm in scaled])
    cover = score.coverage
    return {
        "n": number,
        "key": line.key,
        "name": line.name,
        "version": said.version,
        "href": model_page(said.model),
        "group": line.group,
        "status": line.filed.status,
        "why": line.why or None,
        "search": " ".join([*said.authors, said.affiliation or "", said.licence]),
        "extra": {
            "frames": f"{cover.scored} of {cover.frames}",
            "size": line.size,
            **{name: found for name, *_ in COSTS if (found := _cost(line, name))},
        },
        "x": errors,
        "i": intervals,
        "marks": [q for q in quantities if offset_mark(q, score.warnings)],
        "from": [
            score.prediction.file,
            score.prediction.sha256,
            score.prediction.record,
            line.command,
        ],
    }


def _cost(line: Line, name: str) -> float | str | None:
    """What a training took, or which class of hardware it took that on, where anything is said."""
    measured = {"hardware_class": ("hours", "memory_gib"), "inference_class": ("us_per_atom",)}
    if name not in measured:
        return line.cost(name)
    known = [cost for cost in measured[name] if line.cost(cost)]
    return line.hardware(known[0]) if known else None


def _limits(row: Row, measure: str, norms: Iterable[float]) -> list[float] | None:
    limits = getattr(row, f"{measure}_interval")
    if limits is None:
        return None
    given = list(norms)
    return [short(limit, given) for limit in limits]


def matrix(tasks: Sequence[Task]) -> dict[str, Any] | None:
    """The table of all tasks: a row for each model and training size; None without tasks."""
    cells: dict[tuple[str, str], dict[int, Line]] = {}
    for n, task in enumerate(tasks):
        for line in task.lines:
            if line.filed.status == "active" and not line.labels:
                cells.setdefault((line.filed.short, line.group), {})[n] = line
    if not cells:
        return None
    entries = list(dict.fromkeys(short for short, _ in cells))

    def order(item: tuple[tuple[str, str], dict[int, Line]]) -> tuple[int, float]:
        (short, _), found = item
        return entries.index(short), next(iter(found.values())).size or math.inf

    rows = [
        {"n": number, **_of_all_tasks(tasks, found)}
        for number, (_, found) in enumerate(sorted(cells.items(), key=order))
    ]
    return {
        "label": "Task matrix",
        "columns": [
            {"id": str(n), "label": f"{task.data.id} {task.name}", "unit": "kcal/mol(/Å)"}
            for n, task in enumerate(tasks)
        ],
        "measures": [["F", "F MAE"], ["E", "E MAE"]],
        "kinds": KINDS,
        "groups": [],
        "groupLabel": "Training size",
        "every": None,
        "compared": list(range(len(tasks))),
        "extras": [["size", "Trained on", "frames of the training set"]],
        "rows": rows,
        "trace": [],
        "plain": "Each row is a model after one training; numbers in a column may be of different "
        "training sizes, which stand in the last column.",
    }


def _of_all_tasks(tasks: Sequence[Task], found: Mapping[int, Line]) -> dict[str, Any]:
    """The row of a model and training size, from its lines, by the number of the task."""
    line = next(iter(found.values()))
    said = line.filed.submission
    return {
        "key": f"{line.filed.short}-{line.group}",
        "name": line.name,
        "version": said.version,
        "href": model_page(said.model),
        "group": line.group,
        "status": "active",
        "search": " ".join(said.authors),
        "extra": {"size": line.size},
        "own": {
            kind: [
                [_of_kind(found.get(n), quantity, kind) for n in range(len(tasks))]
                for quantity in ("F", "E")
            ]
            for kind, _ in KINDS
        },
        "trace": [
            [f"Record of {tasks[n].name}", "link", f"records/{one.key}.json"]
            for n, one in found.items()
        ],
    }


def _of_kind(line: Line | None, quantity: str, kind: str) -> float | None:
    if line is None:
        return None
    row = line.score.row(quantity)
    value = row.mae if kind == "absolute" else getattr(row, f"mae_percent_{kind}")
    return None if value is None else short(value, ())


def of_published() -> dict[str, Any]:
    """Tables SI 7 and SI 8, as they were published."""
    found: dict[tuple[str, str], dict[tuple[str, str, str], Any]] = {}
    quantities: dict[str, None] = {}
    tasks: dict[str, None] = {}
    for kind in ("mean", "std"):
        for entry in published.entries(kind):
            task = f"{entry.challenge} {entry.task}"
            tasks[task] = quantities[entry.quantity] = None
            numbers = found.setdefault((task, entry.model), {})
            numbers[kind, entry.measure, entry.quantity] = entry
    names = list(quantities)

    def cells(numbers: dict[tuple[str, str, str], Any], field: str) -> dict[str, Any]:
        return {
            kind: [
                [getattr(numbers.get((kind, measure, name)), field, None) or None for name in names]
                for measure in published.MEASURES
            ]
            for kind in ("mean", "std")
        }

    return {
        "label": "Published errors",
        "columns": [{"id": name, "label": name, "unit": "%"} for name in names],
        "measures": [[name, name] for name in published.MEASURES],
        "kinds": KINDS[1:],
        "groups": [[name, name.replace("->", " → ")] for name in tasks],
        "group": next(iter(tasks)),
        "groupLabel": "Task",
        "every": None,
        "sparse": True,
        "compared": [n for n, name in enumerate(names) if name.startswith("F(")],
        "extras": [],
        "rows": [
            {
                "n": n,
                "key": f"published-{n}",
                "name": model,
                "group": task,
                "status": "active",
                "extra": {},
                "own": cells(numbers, "value"),
                "text": cells(numbers, "text"),
                "trace": [["Command", "code", _published_command(task, model)]],
            }
            for n, ((task, model), numbers) in enumerate(found.items())
            if any(entry.value is not None for entry in numbers.values())
        ],
        "trace": [
            ["Source", "link", "https://doi.org/10.1039/d4sc06529h"],
        ],
        "plain": "As published, without intervals: no test says which differences are real, so "
        "there are no places.",
    }


def _published_command(task: str, model: str) -> str:
    """The command that prints the published errors of a model and task."""
    challenge, _, name = task.partition(" ")
    words = ["teaeval", "published", "si7", "--challenge", challenge, "--task", name]
    return shlex.join([*words, "--model", model])
