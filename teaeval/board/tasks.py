"""Put the entries of a board together: for each dataset and task, who predicted it."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from teadata import catalog
from teaeval.board.checking import Scored, train_size
from teaeval.board.filed import Filed
from teaeval.board.ranking import Measure, Ranking, rank
from teaeval.predictions.declaring import Declarations, option
from teaeval.scores.record import Score, ScoredDataset
from teaeval.tables.numbers import of_labels

RANKED: tuple[Measure, ...] = ("mae", "rmse")
"""The measures that a test of paired differences is known for."""

EVERY = "all"
"""The group of all training sizes."""

OTHER = "other"
"""The group of predictions that do not say which split they were trained on."""


@dataclass(frozen=True)
class Line:
    """A prediction of a task, of an entry.

    Parameters
    ----------
    filed, number
        The entry, and which of its predictions.
    """

    filed: Filed
    number: int

    @property
    def scored(self) -> Scored:
        """The score and its errors by unit."""
        return self.filed.scored[self.number]

    @property
    def score(self) -> Score:
        """The score."""
        return self.scored.score

    @property
    def data(self) -> ScoredDataset:
        """The test set."""
        return self.score.of_dataset("boards")

    @property
    def size(self) -> int | None:
        """Frames of the training set; None if the prediction does not say."""
        return train_size(self.score)

    @property
    def group(self) -> str:
        """The training size that it is ranked in."""
        return OTHER if self.size is None else str(self.size)

    @property
    def name(self) -> str:
        """The model, with its mark."""
        return self.filed.submission.marked

    @property
    def counts(self) -> bool:
        """Whether it has a place: an active entry, no frame missing, and not the labels."""
        return self.filed.status == "active" and self.score.coverage.complete and not self.labels

    @property
    def labels(self) -> bool:
        """Whether the reference itself stands in place of a prediction."""
        return of_labels(self.score.warnings)

    @property
    def why(self) -> str:
        """Why it has no place; empty if it has one."""
        if self.filed.status == "withdrawn":
            return f"withdrawn: {self.filed.reason}"
        if self.filed.status == "superseded":
            return f"superseded by {self.filed.reason}"
        cover = self.score.coverage
        if not cover.complete:
            reasons = [
                f"{count} frames {what}"
                for count, what in ((cover.missing, "missing"), (cover.not_finite, "not finite"))
                if count
            ]
            return f"not ranked: {', '.join(reasons)}"
        if self.labels:
            return "not ranked: predicts the reference itself"
        return ""

    @property
    def key(self) -> str:
        """What tells the line from all others of the board."""
        return f"{self.filed.short}-{self.number}"

    def cost(self, name: str) -> float | None:
        """Hours, GiB or µs per atom: of this prediction, or of the submission's trainings."""
        own = getattr(self.scored.submitted, name)
        return cast("float | None", own or getattr(self.filed.submission.training, name))

    def hardware(self, cost: str) -> str | None:
        """The class of the hardware that a cost was measured on; None where that is not said."""
        name = "inference_class" if cost == "us_per_atom" else "hardware_class"
        own = getattr(self.scored.submitted, name)
        return cast("str | None", own or getattr(self.filed.submission.training, name))

    @property
    def command(self) -> str:
        """The command that computes its numbers again, to be run in the board's folder."""
        item = self.scored.submitted
        words = ["teaeval", "score", f"entries/{self.filed.short}/submission/{item.file}"]
        words += ["--model", self.filed.submission.model]
        declared: Declarations = {**item.declared(), "dataset": self.data.name}
        for name, value in declared.items():
            words += [option(name), str(value)]
        return shlex.join([*words, "--allow-failed"] if self.partial else words)

    @property
    def partial(self) -> bool:
        """Whether frames have no prediction."""
        return not self.score.coverage.complete


@dataclass
class Task:
    """Predictions of one test set by models that were trained on one subset.

    ``data`` is the test set as the first of them states it; another build of a dataset, with other
    checksums, is another task.  ``ranked`` keeps the rankings that were made.
    """

    data: ScoredDataset
    train: str
    lines: list[Line] = field(default_factory=list)
    ranked: dict[str, dict[tuple[str, Measure], Ranking]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Which subset was trained on, and which predicted."""
        return f"{'other data' if self.train == '?' else self.train} → {self.data.subset}"

    @property
    def title(self) -> str:
        """Dataset, edition and task."""
        return f"{self.data.title}: {self.name}"

    @property
    def quantities(self) -> list[str]:
        """The quantities that all of its scores have."""
        names = [row.quantity for row in self.lines[0].score.rows]
        have = [{row.quantity for row in line.score.rows} for line in self.lines]
        return [name for name in names if all(name in each for each in have)]

    @property
    def groups(self) -> list[str]:
        """Training sizes, the smallest first."""
        sizes = sorted({line.size for line in self.lines if line.size is not None})
        unknown = any(line.size is None for line in self.lines)
        return [*map(str, sizes), *([OTHER] if unknown else [])]

    def members(self, group: str) -> list[int]:
        """The lines that are ranked together."""
        return [
            n for n, line in enumerate(self.lines) if line.counts and group in (line.group, EVERY)
        ]

    def rankings(self, group: str) -> dict[tuple[str, Measure], Ranking]:
        """The ranking of a group by each quantity and measure; empty of none."""
        if group not in self.ranked:
            chosen = [self.lines[n].scored.units for n in self.members(group)]
            self.ranked[group] = {
                (quantity, measure): rank(chosen, quantity, measure)
                for quantity in (self.quantities if chosen else [])
                for measure in RANKED
            }
        return self.ranked[group]


def told_apart(entries: Iterable[Filed]) -> dict[str, str]:
    """A name for each entry by its id: the model's, and its version where two have one name."""
    items = list(entries)
    versions: dict[str, set[str]] = {}
    for item in items:
        versions.setdefault(item.submission.marked, set()).add(item.submission.version)
    return {
        item.entry.id: item.submission.marked
        if len(versions[item.submission.marked]) == 1
        else f"{item.submission.marked} {item.submission.version}"
        for item in items
    }


def tasks_of(entries: Sequence[Filed]) -> list[Task]:
    """Sort the predictions of a board by dataset and task."""
    lines = [Line(item, n) for item in entries for n in range(len(item.scored))]
    tasks: dict[tuple[str, ...], Task] = {}
    unknown = []
    for line in lines:
        train = line.score.task.partition("->")[0]
        if train == "?":
            unknown.append(line)
            continue
        tasks.setdefault((*_build(line), train), Task(line.data, train)).lines.append(line)
    for line in unknown:
        beside = [task for key, task in tasks.items() if key[:-1] == _build(line)]
        if not beside:
            key = (*_build(line), "?")
            beside = [tasks.setdefault(key, Task(line.data, "?"))]
        for task in beside:
            task.lines.append(line)
    return sorted(tasks.values(), key=_order)


def _build(line: Line) -> tuple[str, ...]:
    data = line.data
    return (data.name, data.edition, data.frames_sha256, data.splits_sha256, data.subset)


def _order(task: Task) -> tuple[Any, ...]:
    """By dataset, then in the order of the dataset's card."""
    card = catalog.find(task.data.name)
    tasks = [] if card is None else card.tasks
    name = f"{task.train}->{task.data.subset}"
    place = tasks.index(name) if name in tasks else len(tasks)
    return (task.data.name, place, name, task.data.frames_sha256)


def numbers(task: Task) -> Iterator[dict[str, Any]]:
    """Every number of a task at full precision, a line for each prediction and quantity."""
    for line in task.lines:
        said = line.filed.submission
        for row in line.score.rows:
            yield {
                "entry": line.filed.entry.id,
                "model": said.model,
                "version": said.version,
                "status": line.filed.status,
                **line.score.key(),
                **row.flat(),
                "sha256": line.score.prediction.sha256,
            }
