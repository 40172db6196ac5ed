"""Lay out scores as in the published tables: tasks down, models across."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from teadata import catalog
from teadata.errors import UsageError
from teaeval import published
from teaeval.scores.record import Score
from teaeval.scores.rows import Row as Errors
from teaeval.tables.against import note, stated
from teaeval.tables.grid import EMPTY, Cell, Grid, Row
from teaeval.tables.notes import (
    NOT_SAID,
    known,
    of_coverage,
    of_trainings,
    of_warnings,
    train_size,
)
from teaeval.tables.numbers import OFFSET_NOTE, SYSTEMS_NOTE, of_labels, offset_mark, significant

Kind = Literal["mean", "std", "absolute"]

KINDS: dict[Kind, str] = {
    "mean": "% of the mean |reference|, E relative to the test set's lowest (as Table SI 7)",
    "std": "% of the reference's standard deviation (as Table SI 8)",
    "absolute": "E in kcal/mol, F in kcal/mol/Å, by component",
}
"""The kinds of numbers, and the line in a table that names each."""

MEASURES = {"MAE": "mae", "RMSE": "rmse", "MAX": "max"}


@dataclass(frozen=True)
class Value:
    """A number of a table, with its interval, the published number and its ratio to that.

    Parameters
    ----------
    value
        In the unit of the table's kind; None where the normaliser is 0.
    interval
        In the same unit; None where the score has none.
    published
        What the paper reports for this task, quantity, model and measure; None where it reports
        nothing, where the score is not of the official edition, or where nobody asked.
    mark
        What is written behind the number, see :data:`teaeval.tables.numbers.OFFSET`.
    ranks
        Whether it may be the best: its score left out no frame, and is not of the labels.
    """

    value: float | None
    interval: tuple[float, float] | None
    published: float | None
    mark: str = ""
    ranks: bool = True

    @property
    def ratio(self) -> float | None:
        """The value over the published one."""
        return self.value / self.published if self.value is not None and self.published else None


def _value(score: Score, row: Errors, measure: str, kind: Kind, against: bool) -> Value:
    name = MEASURES[measure]
    ranks = score.coverage.complete and not of_labels(score.warnings)
    interval, mark = getattr(row, f"{name}_interval"), offset_mark(row.quantity, score.warnings)
    said = stated(score, row.quantity, measure, kind) if against else None
    if kind == "absolute":
        return Value(getattr(row, name), interval, said, mark, ranks)
    value = getattr(row, f"{name}_percent_{kind}")
    normaliser = row.mean_reference if kind == "mean" else row.std_reference
    if interval is not None:
        low, high = interval
        interval = (100 * low / normaliser, 100 * high / normaliser) if normaliser else None
    return Value(value, interval, said, mark, ranks)


Data = tuple[str, str, str, str]
"""What scores of one table have in common: name, edition, and checksums of frames and splits."""

REFERENCE = "reference"
"""What stands in place of the edition for scores against a reference file."""


def _data(score: Score) -> Data:
    """What scores of one table have in common; of a reference, its content and what was read."""
    if score.dataset is not None:
        data = score.dataset
        return (data.name, data.edition, data.frames_sha256, data.splits_sha256)
    assert score.reference is not None
    read = score.reference
    units = f"{read.energy_unit} {read.length_unit} {read.force_unit}"
    labels = f"{read.energy_key} {read.forces_key} {units}"
    return ("", REFERENCE, read.sha256, labels)


def _test(score: Score) -> str:
    """The test set of a score; of a reference, what its frames are of."""
    return score.task if score.dataset is None else score.dataset.subset


def labels(scores: Sequence[Score]) -> list[str]:
    """Name the columns of each score: its model, with the training set's size if needed.

    Raises
    ------
    UsageError
        If two scores are of the same model, training set and test set.
    """
    plain = [s.prediction.model or s.prediction.file or "unnamed model" for s in scores]
    said = {(_data(s), _test(s), n) for s, n in zip(scores, plain, strict=True) if known(s)}
    plain = [
        f"{name} (trained on: {NOT_SAID})"
        if not known(s) and (_data(s), _test(s), name) in said
        else name
        for s, name in zip(scores, plain, strict=True)
    ]
    places = [(_data(s), s.task) for s in scores]
    counts = Counter(zip(places, plain, strict=True))
    crowded = {name for (_, name), count in counts.items() if count > 1}
    named = [
        f"{name} ({size})" if name in crowded and (size := train_size(s)) else name
        for s, name in zip(scores, plain, strict=True)
    ]
    again = [k for k, n in Counter(zip(places, named, strict=True)).items() if n > 1]
    if again:
        (data, task), name = again[0]
        dataset = next(s.data.name for s in scores if _data(s) == data)
        files = [
            s.prediction.file or "a prediction without a file"
            for s, place, other in zip(scores, places, named, strict=True)
            if other == name and place == (data, task)
        ]
        raise UsageError(
            f"{len(files)} scores are of {name} on {dataset} {task} (of {', '.join(files)}): "
            "expected one; leave the others out, or give the predictions different models"
        )
    return named


def where(scores: Sequence[Score]) -> str:
    """Name the dataset and edition of scores, and say which are of a part of its frames."""
    text = scores[0].data.title
    parts = sorted(
        {
            f"{s.coverage.scored} of {s.coverage.frames} frames"
            for s in scores
            if not s.coverage.complete
        }
    )
    return ", ".join([text, *parts])


def _columns(named: Sequence[str]) -> list[str]:
    """Order the models: those of the paper in its order, then the others as given."""
    known = {name: i for i, name in enumerate(published.MODELS)}

    def place(name: str) -> tuple[int, int]:
        model = published.model_name(name.split(" (")[0]) or ""
        return (known.get(model, len(known)), list(named).index(name))

    return sorted(dict.fromkeys(named), key=place)


def grids(
    scores: Sequence[Score],
    kind: Kind = "mean",
    *,
    intervals: bool = False,
    against: bool = False,
) -> list[Grid]:
    """Lay out scores as tables, one for the same frames, so that editions never share one.

    Parameters
    ----------
    scores
        At least one.
    kind
        What the numbers are.
    intervals
        Whether intervals are given below them.
    against
        Whether the ratio to the published number is, where the edition is the official one.

    Raises
    ------
    UsageError
        If two scores are of the same model, training set and test set, or state different
        numbers of frames for one test set.
    """
    named = labels(scores)
    tables = []
    kinds = list(dict.fromkeys(map(_data, scores)))
    for data in kinds:
        chosen = [(s, n) for s, n in zip(scores, named, strict=True) if _data(s) == data]
        _check_counts([s for s, _ in chosen])
        columns = _columns([name for _, name in chosen])
        dataset, edition, frames, splits = data
        title = chosen[0][0].data.title
        if edition != REFERENCE and sum(other[0] == dataset for other in kinds) > 1:
            title += f", frames {frames[:8]}, splits {splits[:8]}: other data, not to be compared"
        tables.append(
            Grid(
                title=title,
                stubs=("system" if edition == REFERENCE else "task", ""),
                groups=tuple(columns),
                columns=tuple(MEASURES),
                rows=list(_rows(chosen, columns, kind, intervals, against)),
                notes=_notes([s for s, _ in chosen], kind, intervals, against),
            )
        )
    return tables


def _check_counts(scores: Sequence[Score]) -> None:
    """Refuse scores of one test set that state different numbers of frames or atoms."""
    known: dict[str, Score] = {}
    for score in scores:
        first = known.setdefault(_test(score), score)
        mine, theirs = (_counted(s) for s in (score, first))
        if mine != theirs:
            raise UsageError(
                f"{score.data.name} {_test(score)}: one score is of {theirs[0]} frames of "
                f"{theirs[1]}, another of {mine[0]} of {mine[1]} (of {first.prediction.file} "
                f"and {score.prediction.file}); they are not of one test set"
            )


def _counted(score: Score) -> tuple[int, str]:
    """How many frames a score is of, and of what."""
    if score.dataset is not None:
        return score.dataset.frames, f"{score.dataset.atoms} atoms"
    assert score.reference is not None
    return score.reference.frames, ", ".join(score.reference.formulas)


def _rows(
    chosen: Sequence[tuple[Score, str]],
    columns: Sequence[str],
    kind: Kind,
    intervals: bool,
    against: bool,
) -> Iterator[Row]:
    data = chosen[0][0].dataset
    if data is None:
        yield from _system_rows(chosen, columns, kind, intervals)
        return
    card = catalog.find(data.name)
    order = [] if card is None else card.tasks
    said = {s.task: _test(s) for s, _ in chosen if known(s)}
    # a model that does not say what it was trained on stands beside the others
    alone = {s.task: _test(s) for s, _ in chosen if _test(s) not in said.values()}
    tasks = sorted(
        said | alone, key=lambda task: order.index(task) if task in order else len(order)
    )
    for task in tasks:
        subset = (said | alone)[task]
        by_name = {
            name: s for s, name in chosen if s.task == task or (not known(s) and _test(s) == subset)
        }
        rows = {name: [(s, row) for row in s.rows] for name, s in by_name.items()}
        yield from _quantity_rows(task, rows, columns, kind, intervals, against)


def _system_rows(
    chosen: Sequence[tuple[Score, str]], columns: Sequence[str], kind: Kind, intervals: bool
) -> Iterator[Row]:
    """The rows of scores against one reference: of each system, then of all."""
    systems = dict.fromkeys(system.formula for s, _ in chosen for system in s.systems)
    for formula in systems:
        rows = {
            name: [(s, row) for one in s.systems if one.formula == formula for row in one.rows]
            for s, name in chosen
        }
        yield from _quantity_rows(formula, rows, columns, kind, intervals, against=False)
    rows = {name: [(s, row) for row in s.rows] for s, name in chosen}
    yield from _quantity_rows(chosen[0][0].task, rows, columns, kind, intervals, against=False)


def _quantity_rows(
    task: str,
    rows: Mapping[str, Sequence[tuple[Score, Errors]]],
    columns: Sequence[str],
    kind: Kind,
    intervals: bool,
    against: bool,
) -> Iterator[Row]:
    """A row for each quantity that a model has, from the rows of the scores of each."""
    quantities = dict.fromkeys(row.quantity for each in rows.values() for _, row in each)
    for quantity in quantities:
        values = {
            (name, m): _value(s, row, m, kind, against)
            for name, each in rows.items()
            for s, row in each
            if row.quantity == quantity
            for m in MEASURES
        }
        yield Row(
            (task, quantity),
            tuple(_cell(values, name, m, intervals) for name in columns for m in MEASURES),
        )


def _cell(values: dict[tuple[str, str], Value], name: str, measure: str, intervals: bool) -> Cell:
    this = values.get((name, measure))
    if this is None or this.value is None:
        return EMPTY
    rivals = [
        v.value for (_, m), v in values.items() if m == measure and v.value is not None and v.ranks
    ]
    return Cell(
        significant(this.value) + this.mark,
        best=this.ranks and len(rivals) > 1 and this.value == min(rivals),
        interval="–".join(map(significant, this.interval)) if intervals and this.interval else None,
        ratio=None if this.ratio is None else f"×{this.ratio:.2f}",
    )


def _notes(scores: Sequence[Score], kind: Kind, intervals: bool, against: bool) -> list[str]:
    several = kind == "mean" and any(s.systems for s in scores)
    notes = [KINDS[kind] + SYSTEMS_NOTE * several]
    draws = {s.bootstrap.level for s in scores if s.bootstrap}
    if intervals and draws:
        notes.append(f"below: {', '.join(f'{level:.0%}' for level in draws)} intervals")
    if against:
        notes.append(note(scores, kind))
    if any(offset_mark("E", s.warnings) for s in scores):
        notes.append(OFFSET_NOTE)
    return [*notes, *of_trainings(scores), *of_warnings(scores), *of_coverage(scores)]


def records(
    scores: Sequence[Score], kind: Kind = "mean", *, against: bool = False
) -> list[dict[str, Any]]:
    """The numbers of the tables as entries, one per number, with full precision."""
    entries = []
    for score in scores:
        _, edition, frames, _ = _data(score)
        each = [(score.task, score.coverage, score.rows)]
        each += [(one.formula, one.coverage, one.rows) for one in score.systems]
        for task, cover, row in ((name, c, row) for name, c, rows in each for row in rows):
            for measure in MEASURES:
                v = _value(score, row, measure, kind, against)
                low, high = v.interval or (None, None)
                entries.append(
                    {
                        "dataset": score.data.name,
                        "edition": edition,
                        "frames_sha256": frames,
                        "task": task,
                        "model": score.prediction.model,
                        "train": score.prediction.train,
                        "quantity": row.quantity,
                        "measure": measure,
                        "unit": row.unit if kind == "absolute" else f"% {kind}",
                        "value": v.value,
                        "low": low,
                        "high": high,
                        "frames": cover.frames,
                        "scored": cover.scored,
                    }
                    | ({"published": v.published, "ratio": v.ratio} if against else {})
                )
    return entries
