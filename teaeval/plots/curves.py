"""Learning curves: error against the size of the training set (as Figs. SI 1 and SI 2)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from teadata.errors import DataError, UsageError, expect_several, unknown_name
from teaeval import published
from teaeval.plots.plot import COLOURS, LINES, Plot, colour, marker, panels, plain_ticks, styled
from teaeval.scores.builds import Build, check_same
from teaeval.scores.record import Score
from teaeval.tables.notes import train_size

if TYPE_CHECKING:
    from matplotlib.axes import Axes

QUANTITIES = {"E": "energy {m} (kcal/mol)", "F": "force {m} (kcal/mol/Å)"}
MEASURES = ("MAE", "RMSE", "MAX")
PUBLISHED = "Challenge I, official edition, with published values"


@dataclass(frozen=True)
class Point:
    """A model trained on ``size`` frames, and its error with the limits of its interval.

    ``value``, ``low`` and ``high`` are in kcal/mol for ``quantity`` E, kcal/mol/Å for F.
    """

    dataset: str
    model: str
    task: str
    size: int
    quantity: str
    measure: str
    value: float
    low: float | None
    high: float | None

    def on(self, dataset: str) -> Point:
        """The same point, under another name of its dataset."""
        return replace(self, dataset=dataset)


def points(scores: Score | Iterable[Score], measure: str = "MAE") -> list[Point]:
    """Turn scores into points of a learning curve.

    Raises
    ------
    UsageError
        If there is no such measure, or the scores are of other builds of one dataset.
    DataError
        If a score does not say how many frames were trained on.
    """
    scores = expect_several(scores, Score, "scores, one or a list, each made by teaeval.score")
    if measure not in MEASURES:
        raise unknown_name("measure", measure, MEASURES)
    check_same(map(Build.of_score, scores))
    curve = []
    for score in scores:
        score.of_dataset("learning curves")
        size, made = train_size(score), score.prediction
        if not size.isdigit():
            raise DataError(
                f"the score of {made.file or made.model}: trained on: {made.train or 'not said'}, "
                "expected <subset>/train/<size>; score it again with --train"
            )
        for quantity in QUANTITIES:
            row = score.row(quantity)
            low, high = getattr(row, f"{measure.lower()}_interval") or (None, None)
            curve.append(
                Point(
                    dataset=score.of_dataset("learning curves").title,
                    model=made.model or made.file or "unnamed model",
                    task=score.task,
                    size=int(size),
                    quantity=quantity,
                    measure=measure,
                    value=getattr(row, measure.lower()),
                    low=low,
                    high=high,
                )
            )
    return curve


def published_points(measure: str = "MAE") -> list[Point]:
    """The points of Table SI 6 (PhysNet on Challenge I), which Figs. SI 1 and SI 2 show.

    Raises
    ------
    UsageError
        If the table has no such measure.
    """
    curve = [
        Point(
            dataset=PUBLISHED,
            model=item.model,
            task=f"{item.train}->{item.test}",
            size=item.n_train,
            quantity=item.quantity[-2],
            measure=measure,
            value=item.test_error,
            low=None,
            high=None,
        )
        for item in published.physnet()
        if item.quantity.startswith(f"{measure}(")
    ]
    if not curve:
        raise unknown_name("measure of Table SI 6", measure, ("MAE", "RMSE"))
    return curve


def _apart(sizes: Sequence[int]) -> list[int]:
    """Choose the sizes whose labels do not overlap, starting from the largest."""
    room = (sizes[-1] / sizes[0]) ** 0.08  # of a logarithmic axis
    named = [sizes[-1]]
    for size in reversed(sizes[:-1]):
        if named[-1] / size >= room:
            named.append(size)
    return named[::-1]


def _draw(ax: Axes, chosen: Sequence[Point], *, label: str, linestyle: Any, **look: Any) -> None:
    """Draw a model's points and intervals, and a line through the mean of each size."""
    sizes = sorted({p.size for p in chosen})
    means = [np.mean([p.value for p in chosen if p.size == s]) for s in sizes]
    ax.plot(sizes, means, label=label, linestyle=linestyle, **look)
    if len(chosen) > len(sizes):
        x, y = zip(*((p.size, p.value) for p in chosen), strict=True)
        ax.plot(x, y, linestyle="", alpha=0.4, **look)
    for p in chosen:
        if p.low is not None and p.high is not None:
            ax.plot([p.size, p.size], [p.low, p.high], color=look["color"], linewidth=1.0)


def learning_curves(curve: Point | Iterable[Point], title: str | None = None) -> Plot:
    """Draw energy and force error against training set size, a line per model and task.

    Several trainings of one size are all marked, and the line goes through their mean.

    Parameters
    ----------
    curve
        Of one dataset.
    title
        Line above the figure; by default the dataset.

    Raises
    ------
    UsageError
        If there is no point, the points are of more than one dataset, or an error is 0.
    """
    what = "points, one or a list, which teaeval.plots.curves.points makes of scores"
    curve = expect_several(curve, Point, what)
    datasets = sorted({p.dataset for p in curve})
    if len(datasets) != 1:
        raise UsageError(
            f"expected points of one dataset, found {', '.join(datasets) or 'none'}; "
            "errors of different labels do not share an axis"
        )
    for p in curve:
        if p.value <= 0:
            raise UsageError(
                f"{p.model}, trained on {p.size} frames: the {p.quantity} {p.measure} is "
                f"{p.value:g}, which a logarithmic axis has no place for; leave this score out"
            )
    models = list(dict.fromkeys(p.model for p in curve))
    tasks = list(dict.fromkeys(p.task for p in curve))
    with styled():
        figure, axes = panels(2)
        for ax, (quantity, label) in zip(axes, QUANTITIES.items(), strict=True):
            ax.set_xscale("log")
            ax.set_yscale("log")
            for model in models:
                for n, task in enumerate(tasks):
                    chosen = [
                        p for p in curve if (p.model, p.task, p.quantity) == (model, task, quantity)
                    ]
                    if not chosen:
                        continue
                    # of one model colours tell the tasks apart
                    many = len(models) == 1 < len(tasks)
                    _draw(
                        ax,
                        chosen,
                        label=model if len(tasks) == 1 else f"{model}, {task.replace('->', ' → ')}",
                        linestyle=LINES[n % len(LINES)],
                        color=COLOURS[n % len(COLOURS)] if many else colour(model, models),
                        marker=marker(model, models),
                    )
            sizes = sorted({p.size for p in curve})
            named = _apart(sizes)
            ax.set_xticks(sizes, [str(s) if s in named else "" for s in sizes])
            ax.minorticks_off()
            plain_ticks(ax.yaxis, *ax.get_ylim())
            ax.set(xlabel="training frames", ylabel=label.format(m=curve[0].measure))
        figure.suptitle(title or datasets[0], fontsize=9)
        axes[0].legend()
    return Plot(figure, [asdict(p) for p in curve])
