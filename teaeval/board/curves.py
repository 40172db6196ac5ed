"""Figures of a task: learning curves, and accuracy against what it cost, by class of hardware."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from teaeval.board.charts import Axis, Series, chart
from teaeval.board.tasks import Line, Task, told_apart

MOST_DRAWN = 24
"""Predictions in a figure."""

COSTS = (
    ("training", Axis("training, hours", log=True), "hours"),
    ("memory", Axis("peak, GiB", log=True), "memory_gib"),
    ("speed", Axis("µs/atom", log=True), "us_per_atom"),
)
"""What a prediction costs: its name in a title, its axis, and its name in a submission."""

Value = Callable[[Line], float | None]


def figures(task: Task) -> Iterator[dict[str, Any]]:
    """Learning curves, and accuracy against each cost, of the models with the smallest errors.

    Costs on hardware of different classes are never in one figure.

    Parameters
    ----------
    task
        The predictions of a test set.
    """
    models, said = _best(task)
    sizes = Axis("frames of the training set", log=True)
    yield _figure("Learning curves", models, sizes, lambda line: line.size, said, join="line")
    lines = [line for members in models.values() for line in members]
    for what, axis, cost in COSTS:
        for hardware in sorted({line.hardware(cost) or "" for line in lines}):
            title = f"Accuracy and {what}, {hardware or 'hardware that is not said'}"
            yield _figure(title, models, axis, _spent(cost, hardware), said)


def _best(task: Task) -> tuple[dict[str, list[Line]], str]:
    """The lines of the best models by name, and a word if there are more."""
    active = [line for line in task.lines if line.filed.status == "active"]
    active.sort(key=lambda line: line.score.row("F").mae)
    told = told_apart(line.filed for line in active)
    names = dict.fromkeys(told[line.filed.entry.id] for line in active[:MOST_DRAWN])
    active.sort(key=lambda line: line.size or 0)
    models = {
        name: [line for line in active if told[line.filed.entry.id] == name]
        for name in sorted(names)
    }
    return models, f"the best {len(models)} models" if len(set(told.values())) > len(models) else ""


def _spent(cost: str, hardware: str) -> Value:
    """A cost of those that were measured on one class of hardware."""
    return lambda line: line.cost(cost) if (line.hardware(cost) or "") == hardware else None


def _figure(
    title: str, models: dict[str, list[Line]], axis: Axis, x: Value, said: str, join: str = ""
) -> dict[str, Any]:
    """The force error of each model against something."""
    series = []
    for style, (name, lines) in enumerate(models.items()):
        kept = [
            (at, line.score.row("F").mae, f"{name}, {line.size or 'other data'}")
            for line in lines
            if (at := x(line))
        ]
        kept.sort()
        points = [(a, b) for a, b, _ in kept]
        series.append(Series(name, points, [text for *_, text in kept], join, style))
    error = Axis("F MAE, kcal/mol/Å", log=True)
    return {"title": title, "said": said, "chart": chart(series, axis, error, title)}
