"""Lay out scores as in the published tables: tasks down, models across."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from teadata import catalog
from teadata.errors import UsageError
from teaeval import published
from teaeval.scores.record import Row as Errors
from teaeval.scores.record import Score
from teaeval.tables.grid import EMPTY, Cell, Grid, Row
from teaeval.tables.numbers import significant

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
    """

    value: float | None
    interval: tuple[float, float] | None
    published: float | None

    @property
    def ratio(self) -> float | None:
        """The value over the published one."""
        return self.value / self.published if self.value is not None and self.published else None


def _value(score: Score, row: Errors, measure: str, kind: Kind, against: bool) -> Value:
    name = MEASURES[measure]
    interval = getattr(row, f"{name}_interval")
    if kind == "absolute":
        return Value(getattr(row, name), interval, None)
    value = getattr(row, f"{name}_percent_{kind}")
    normaliser = row.mean_reference if kind == "mean" else row.std_reference
    if interval is not None:
        low, high = interval
        interval = (100 * low / normaliser, 100 * high / normaliser) if normaliser else None
    return Value(value, interval, _published(score, row, measure, kind) if against else None)


def _published(
    score: Score, row: Errors, measure: str, kind: Literal["mean", "std"]
) -> float | None:
    """The published number for a score of the official edition; None for other editions."""
    model = published.model_name(score.prediction.model or "")
    if score.dataset.edition != "official" or model is None:
        return None
    train, test = score.task.split("->")
    challenge = catalog.card(score.dataset.id).challenge
    return published.value(challenge, train, test, row.quantity, model, measure, kind)


def _name(score: Score) -> str:
    return f"{score.dataset.id}@{score.dataset.version}"


def _data(score: Score) -> tuple[str, ...]:
    """What scores of one table have in common: the dataset, and its files' checksums."""
    data = score.dataset
    return (_name(score), data.edition, data.frames_sha256, data.splits_sha256)


def labels(scores: Sequence[Score]) -> list[str]:
    """Name the columns of each score: its model, with the training set's size if needed.

    Raises
    ------
    UsageError
        If two scores are of the same model, training set and test set.
    """
    plain = [s.prediction.model or s.prediction.file or "unnamed model" for s in scores]
    said = {(_data(s), s.dataset.subset, n) for s, n in zip(scores, plain, strict=True) if known(s)}
    plain = [
        f"{name} (trained on: {NOT_SAID})"
        if not known(s) and (_data(s), s.dataset.subset, name) in said
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
        dataset = data[0]
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


NOT_SAID = "not said"
"""What a model was trained on whose prediction does not state it."""


def known(score: Score) -> bool:
    """Whether a score says what its model was trained on."""
    return score.prediction.train is not None


def train_size(score: Score) -> str:
    """Size of the training set of a score, empty if it does not say."""
    parts = (score.prediction.train or "").split("/")
    return parts[2] if len(parts) == 3 else ""


def where(scores: Sequence[Score]) -> str:
    """Name the dataset and edition of scores, and say which are of a part of its frames."""
    data = scores[0].dataset
    text = f"{data.id}@{data.version} ({data.edition} edition)"
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
        title = f"{dataset} ({edition} edition)"
        if sum(other[0] == dataset for other in kinds) > 1:
            title += f", frames {frames[:8]}, splits {splits[:8]}: other data, not to be compared"
        tables.append(
            Grid(
                title=title,
                stubs=("task", ""),
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
        first = known.setdefault(score.dataset.subset, score)
        mine, theirs = ((s.dataset.frames, s.dataset.atoms) for s in (score, first))
        if mine != theirs:
            raise UsageError(
                f"{_name(score)} {score.dataset.subset}: one score is of {theirs[0]} frames of "
                f"{theirs[1]} atoms, another of {mine[0]} of {mine[1]} (of {first.prediction.file} "
                f"and {score.prediction.file}); they are not of one test set"
            )


def _rows(
    chosen: Sequence[tuple[Score, str]],
    columns: Sequence[str],
    kind: Kind,
    intervals: bool,
    against: bool,
) -> Iterator[Row]:
    data = chosen[0][0].dataset
    card = catalog.find(f"{data.id}@{data.version}")
    order = [] if card is None else card.tasks
    said = {s.task: s.dataset.subset for s, _ in chosen if known(s)}
    # a model that does not say what it was trained on stands beside the others
    alone = {s.task: s.dataset.subset for s, _ in chosen if s.dataset.subset not in said.values()}
    tasks = sorted(
        said | alone, key=lambda task: order.index(task) if task in order else len(order)
    )
    for task in tasks:
        subset = (said | alone)[task]
        by_name = {
            name: s
            for s, name in chosen
            if s.task == task or (not known(s) and s.dataset.subset == subset)
        }
        quantities = dict.fromkeys(row.quantity for s in by_name.values() for row in s.rows)
        for quantity in quantities:
            values: dict[tuple[str, str], Value] = {}
            for name, s in by_name.items():
                for row in s.rows:
                    if row.quantity == quantity:
                        for m in MEASURES:
                            values[name, m] = _value(s, row, m, kind, against)
            yield Row(
                (task, quantity),
                tuple(_cell(values, name, m, intervals) for name in columns for m in MEASURES),
            )


def _cell(values: dict[tuple[str, str], Value], name: str, measure: str, intervals: bool) -> Cell:
    this = values.get((name, measure))
    if this is None or this.value is None:
        return EMPTY
    rivals = [v.value for (_, m), v in values.items() if m == measure and v.value is not None]
    return Cell(
        significant(this.value),
        best=len(rivals) > 1 and this.value == min(rivals),
        interval="–".join(map(significant, this.interval)) if intervals and this.interval else None,
        ratio=None if this.ratio is None else f"×{this.ratio:.2f}",
    )


def _notes(scores: Sequence[Score], kind: Kind, intervals: bool, against: bool) -> list[str]:
    notes = [KINDS[kind]]
    draws = {s.bootstrap.level for s in scores if s.bootstrap}
    if intervals and draws:
        notes.append(f"below: {', '.join(f'{level:.0%}' for level in draws)} intervals")
    if against and kind == "absolute":
        notes.append("no ratios: Tables SI 7 and SI 8 are in per cent")
    elif against and scores[0].dataset.edition == "official":
        notes.append("×: times the published error of the same task (doi:10.1039/d4sc06529h)")
    elif against:
        notes.append(
            "no ratios: the published errors are of DFT data, these of the mini edition's; "
            "they do not compare"
        )
    if silent := [s.prediction.model or s.prediction.file or "?" for s in scores if not known(s)]:
        notes.append(f"trained on: {NOT_SAID}: {', '.join(dict.fromkeys(silent))}")
    failed = [s.prediction.model or "?" for s in scores if not s.coverage.complete]
    if failed:
        notes.append(f"INCOMPLETE, failed frames left out: {', '.join(dict.fromkeys(failed))}")
    return notes


def records(
    scores: Sequence[Score], kind: Kind = "mean", *, against: bool = False
) -> list[dict[str, Any]]:
    """The numbers of the tables as entries, one per number, with full precision."""
    entries = []
    for score in scores:
        for row in score.rows:
            for measure in MEASURES:
                v = _value(score, row, measure, kind, against)
                low, high = v.interval or (None, None)
                entries.append(
                    {
                        "dataset": _name(score),
                        "edition": score.dataset.edition,
                        "frames_sha256": score.dataset.frames_sha256,
                        "task": score.task,
                        "model": score.prediction.model,
                        "train": score.prediction.train,
                        "quantity": row.quantity,
                        "measure": measure,
                        "unit": row.unit if kind == "absolute" else f"% {kind}",
                        "value": v.value,
                        "low": low,
                        "high": high,
                    }
                    | ({"published": v.published, "ratio": v.ratio} if against else {})
                )
    return entries
