"""Learning curves: a model trained on more and more frames, twice each, on different splits.

As PhysNet's in the supplementary information (section 1.6, Figs. SI 1 and SI 2, Table SI 6).  A
size of which there are not as many validation frames is trained once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from baselines.registry import entry
from baselines.runs import folder as runs
from baselines.runs import predictions
from baselines.runs.record import Plan, TrainingRecord
from teadata import Dataset
from teadata.typing import Progress, no_progress
from teaeval import published
from teaeval.scores.record import Score

if TYPE_CHECKING:
    from teaeval.plots.plot import Plot

SIZES = (200, 400, 600, 800, 1000)
"""The published ones."""

ROWS = ("MAE(E)", "RMSE(E)", "MAE(F)", "RMSE(F)")
"""Of the table: energies in kcal/mol, forces in kcal/mol/Å."""

OFFICIAL = ("tea2023-i", "complete")
"""Dataset and subset that Table SI 6 is of."""

Table = dict[str, dict[int, tuple[float, float]]]
"""For each of :data:`ROWS` and size: error of the validation and of the test frames."""


@dataclass(frozen=True)
class Trained:
    """One training of the curve: how many frames, its record, and its score."""

    size: int
    record: TrainingRecord
    score: Score

    def errors(self, row: str) -> tuple[float, float]:
        """Return an error, one of :data:`ROWS`, on the validation and on the test frames."""
        measure, quantity = row[:-3].lower(), row[-2]
        name = {"E": "energy", "F": "force"}[quantity]
        test: float = getattr(self.score.row(quantity), measure)
        return self.record.valid[f"{name}_{measure}"], test


def sizes_of(dataset: Dataset, subset: str) -> list[int]:
    """The published sizes, or the dataset's own if a subset has fewer frames to train on."""
    most = len(dataset.splits.ids(f"{subset}/train"))
    if most >= max(SIZES):
        return list(SIZES)
    return [size for size in dataset.card.sizes if size <= most] or [most]


def plans(
    model: str,
    dataset: Dataset,
    subset: str,
    sizes: Sequence[int],
    config_name: str = "quick",
    seed: int = 0,
) -> list[Plan]:
    """Make one or two plans for each size, on different splits of the same frames.

    What the first validates with the second trains on, and the other way round.  Where there are
    fewer validation frames than that, there is only the first, which validates with all of them.

    Raises
    ------
    UsageError
        If there is no such model, configuration, subset or size.
    """
    made = []
    for size in sizes:
        first = runs.make_plan(model, dataset, subset, size, config_name, seed)
        made.append(first)
        if _size(first.valid) == size:
            made.append(first.model_copy(update={"train": first.valid, "valid": first.train}))
    return made


def note_of(chosen: Sequence[Plan]) -> str:
    """Say which sizes are trained once, and why; empty if none is."""
    once = {_size(plan.train): _size(plan.valid) for plan in chosen}
    sizes = [size for size, valid in once.items() if valid < size]
    if not sizes:
        return ""
    plan = chosen[-1]
    return (
        f"trained once: {', '.join(map(str, sizes))}; {plan.dataset} {plan.train.split('/')[0]} "
        f"has {once[sizes[0]]} validation frames, which all validate, and the second training of a "
        "size needs as many as it trains on"
    )


def _size(split: str) -> int:
    return int(split.rpartition("/")[2])


def folder_of(plan: Plan) -> str:
    """Name the run folder of a plan; the name of a second training says so."""
    exchanged = plan.train.split("/")[1] == "valid"
    return runs.default_folder(plan).name + ("-exchanged" if exchanged else "")


def carry_out(
    chosen: Sequence[Plan],
    folder: Path,
    frames: int | None = None,
    progress: Progress = no_progress,
) -> Iterator[Trained]:
    """Train and score; finished trainings are used, interrupted ones resumed.

    Parameters
    ----------
    chosen
        From :func:`plans`.
    folder
        Where the run folders are.
    frames
        Test frames that are predicted, spread over all; None: all.
    progress
        Called as trainings and predictions advance.

    Raises
    ------
    UsageError
        If a run folder holds another training.
    """
    for plan in chosen:
        place = folder / folder_of(plan)
        record = runs.train(plan, place, progress)
        score = predictions.score(place, progress=progress, replicates=0, frames=frames)
        yield Trained(_size(plan.train), record, score)


def better(trainings: Sequence[Trained]) -> list[Trained]:
    """Pick for each size the training with the lower force MAE on its validation frames."""
    return [
        min(
            (item for item in trainings if item.size == size),
            key=lambda item: item.record.valid["force_mae"],
        )
        for size in sorted({item.size for item in trainings})
    ]


def table_of(trainings: Sequence[Trained]) -> Table:
    """Lay the better training of each size out as Table SI 6 does."""
    return {row: {item.size: item.errors(row) for item in better(trainings)} for row in ROWS}


def published_table() -> Table:
    """Read Table SI 6 as it was published."""
    made: Table = {row: {} for row in ROWS}
    for item in published.physnet():
        made[item.quantity][item.n_train] = (item.valid, item.test_error)
    return made


def tables(trainings: Sequence[Trained]) -> dict[str, Table]:
    """Make the table of the trainings, and add Table SI 6 where it is of the same frames."""
    plan = trainings[0].record.plan
    data = trainings[0].score.of_dataset("learning curves")
    title, subset = entry(plan.model).title, plan.train.split("/")[0]
    made = {f"{title} on {data.name} {subset} ({data.edition} edition)": table_of(trainings)}
    if (data.id, subset, title) == (*OFFICIAL, "PhysNet"):
        made["Table SI 6"] = published_table()
    return made


def markdown(made: dict[str, Table]) -> str:
    """Format tables as Markdown, with their captions."""
    parts = []
    for caption, table in made.items():
        sizes = list(table[ROWS[0]])
        lines = [
            f"{caption}:",
            "",
            f"| frames | {' | '.join(f'{size} valid | {size} test' for size in sizes)} |",
            f"|---|{'--:|' * (2 * len(sizes))}",
        ]
        for row in ROWS:
            cells = [f"{error:.2f}" for size in sizes for error in table[row][size]]
            lines.append(f"| {' | '.join([row, *cells])} |")
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def figure(trainings: Sequence[Trained]) -> Plot:
    """Plot energy and force MAE of the test frames, for all trainings of each size."""
    from teaeval.plots import curves
    from teaeval.tables.scores import where

    scores = [item.score for item in trainings]
    return curves.learning_curves(curves.points(scores), where(scores))
