"""The task matrix: error by the subset trained on and the subset tested on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from teadata import catalog
from teadata.errors import UsageError, expect_several, unknown_name
from teaeval.plots.plot import Plot, panels, plain_ticks, styled
from teaeval.scores.builds import Build, check_same
from teaeval.scores.record import Score
from teaeval.tables.notes import NOT_SAID
from teaeval.tables.numbers import significant
from teaeval.tables.scores import labels, where

UNITS = {"absolute": "", "mean": "% of mean", "std": "% of std"}


def task_matrix(
    scores: Score | Iterable[Score], quantities: Sequence[str] = ("E", "F"), kind: str = "mean"
) -> Plot:
    """MAE as a heat map, training subsets down, test subsets across; a panel per model.

    Parameters
    ----------
    scores
        Of one dataset, of any models and tasks; one of each.
    quantities
        A row of panels for each.
    kind
        ``"mean"``, ``"std"`` or ``"absolute"``, as the tables.

    Raises
    ------
    UsageError
        If the scores are of more than one dataset or of other builds of one, two of the same
        model and task, or of no such quantity or kind.
    """
    scores = expect_several(scores, Score, "scores, one or a list, each made by teaeval.score")
    _check(scores, quantities, kind)
    trained, tested = _ends(scores)
    models = dict.fromkeys(labels(scores))
    data: list[dict[str, Any]] = []
    with styled():
        figure, axes = panels(
            len(models),
            len(quantities),
            width=1.5 + 0.8 * len(tested),
            height=1.0 + 0.55 * len(trained),
        )
        for row, quantity in enumerate(quantities):
            cells = _cells(scores, quantity, kind)
            grids = {model: np.full((len(trained), len(tested)), np.nan) for model in models}
            for cell in cells:
                place = trained.index(cell["train"]), tested.index(cell["test"])
                grids[cell["model"]][place] = cell["mae"]
            unit = cells[0]["unit"]
            _row(figure, axes[row * len(models) :], grids, trained, tested, f"{quantity} MAE", unit)
            data += cells
        figure.suptitle(where(scores), fontsize=9)
    return Plot(figure, data)


def _check(scores: Sequence[Score], quantities: Sequence[str], kind: str) -> None:
    """Refuse scores of several datasets or builds, and what is no quantity or kind."""
    datasets = sorted({s.of_dataset("task matrices").title for s in scores})
    if len(datasets) != 1:
        raise UsageError(
            f"expected scores of one dataset, found {', '.join(datasets) or 'none'}; "
            "make a figure for each"
        )
    check_same(map(Build.of_score, scores))
    if kind not in UNITS:
        raise unknown_name("kind", kind, UNITS)
    for quantity in quantities:
        known = [row.quantity for row in scores[0].rows]
        if quantity not in known:
            raise unknown_name("quantity", quantity, known)


def _ends(scores: Sequence[Score]) -> tuple[list[str], list[str]]:
    """Subsets that were trained on and tested on, in the order of the dataset's card."""
    card = catalog.find(scores[0].data.name)
    ends = [end for x in scores for end in x.task.split("->") if end != "?"]
    order = list(dict.fromkeys(ends)) if card is None else list(card.subsets)
    trained = [s for s in [*order, "?"] if any(x.task.startswith(f"{s}->") for x in scores)]
    subsets = [score.of_dataset("task matrices").subset for score in scores]
    return trained, [name for name in order if name in subsets]


def _cells(scores: Sequence[Score], quantity: str, kind: str) -> list[dict[str, Any]]:
    """What the panels of a quantity show: an error for each score, model by model."""
    field = "mae" if kind == "absolute" else f"mae_percent_{kind}"
    unit = scores[0].row(quantity).unit if kind == "absolute" else UNITS[kind]
    if any(getattr(score.row(quantity), field) is None for score in scores):
        raise UsageError(
            f"{quantity} has no {unit}: its reference is 0 in the whole test set; draw it with "
            "--kind absolute, or leave it out: --quantity F"
        )
    named = labels(scores)
    models = list(dict.fromkeys(named))
    return [
        {
            "model": name,
            "train": score.task.split("->")[0],
            "test": score.of_dataset("task matrices").subset,
            "quantity": quantity,
            "unit": unit,
            "mae": getattr(score.row(quantity), field),
        }
        for name, score in sorted(
            zip(named, scores, strict=True), key=lambda pair: models.index(pair[0])
        )
    ]


def _row(
    figure: Any,
    axes: Sequence[Any],
    grids: dict[str, Any],
    trained: list[str],
    tested: list[str],
    what: str,
    unit: str,
) -> None:
    """Panels of one quantity, on one logarithmic scale."""
    from matplotlib.colors import LogNorm

    # an error of 0 has no place on a logarithmic scale
    values = np.concatenate([g[np.isfinite(g) & (g > 0)] for g in grids.values()])
    low, high = (values.min(), values.max()) if len(values) else (1.0, 1.0)
    norm = LogNorm(low * 0.9, max(high, low * 1.01) * 1.1)
    used = list(axes[: len(grids)])
    for ax, (model, grid) in zip(used, grids.items(), strict=True):
        ax.set_facecolor("0.93")
        image = ax.imshow(grid, norm=norm, cmap="cividis_r", aspect="auto")
        for (i, j), value in np.ndenumerate(grid):
            shade = norm(value) if np.isfinite(value) and value > 0 else 0
            ax.text(
                j,
                i,
                significant(float(value)) if np.isfinite(value) else "no score",
                ha="center",
                va="center",
                color="white" if shade > 0.55 else "black",
                fontsize=8 if np.isfinite(value) else 6,
            )
        ax.set_xticks(range(len(tested)), tested)
        ax.set_yticks(range(len(trained)), [NOT_SAID if s == "?" else s for s in trained])
        ax.spines[:].set_visible(False)
        ax.tick_params(length=0)
        ax.set(title=f"{model}: {what}", xlabel="tested on", ylabel="trained on")
    bar = figure.colorbar(image, ax=used, label=f"{what} ({unit})")
    plain_ticks(bar.ax.yaxis, float(norm.vmin or low), float(norm.vmax or high))
