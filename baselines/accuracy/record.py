"""What each baseline reaches on the embedded datasets, and whether it still does.

``baselines/records/<model>.<dataset>.<configuration>.json`` holds what several seeds reached.
A retraining regresses when one of its errors lies above all that
another seed could explain: above the one-sided prediction bound of the recorded errors, taken
as log-normal, with the spread between seeds pooled over all records of the model.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from baselines.runs.record import Plan, TrainingRecord
from teadata import Dataset
from teadata.errors import DataError, unknown_name
from teadata.provenance import write_text
from teadata.strict import StrictModel
from teaeval.scores.scoring import Score

RECORDS = Path(__file__).parent / "records"
"""Folder of the shipped records."""

CONFIDENCE = 0.999
"""Chance that one error of an unchanged model, trained with another seed, stays below its bound."""

LEAST_SPREAD = 0.01
"""Relative spread that is granted also to models in which no seed changes anything: machines
round differently."""

QUANTITIES = ("E", "F")

FRAMES = 500
"""Of a larger test set so many frames are predicted, spread over it."""


class Reached(StrictModel):
    """MAE and RMSE on one test set, in kcal/mol (E) or kcal/mol/Å (F).

    ``percent_mean`` is the MAE over the mean |reference| of the test set, as Table SI 7;
    ``frames`` of its frames were predicted.
    """

    frames: int

    mae: float
    rmse: float
    percent_mean: float

    @classmethod
    def of(cls, score: Score, quantity: str) -> Reached:
        """That of a quantity of a score."""
        row = score.row(quantity)
        assert row.mae_percent_mean is not None
        return cls(
            frames=score.coverage.scored,
            mae=row.mae,
            rmse=row.rmse,
            percent_mean=row.mae_percent_mean,
        )


class SeedResult(StrictModel):
    """One training: its cost, and for each test subset and quantity what it reached."""

    seed: int
    wall_seconds: float
    peak_memory_mib: float
    selected: dict[str, Any]
    tests: dict[str, dict[str, Reached]]

    @classmethod
    def of(cls, record: TrainingRecord, scores: dict[str, Score]) -> SeedResult:
        """That of a training record and of its scores by test subset."""
        return cls(
            seed=record.plan.seed,
            wall_seconds=record.wall_seconds,
            peak_memory_mib=record.peak_memory_mib,
            selected=record.selected,
            tests={
                subset: {quantity: Reached.of(score, quantity) for quantity in QUANTITIES}
                for subset, score in scores.items()
            },
        )


class Training(StrictModel):
    """What was trained, on ``train`` and ``valid`` (split names), with which seeds."""

    train: str
    valid: str
    seeds: list[SeedResult]

    @property
    def subset(self) -> str:
        """The subset trained on."""
        return self.train.split("/")[0]

    @property
    def size(self) -> int:
        """Frames trained on."""
        return int(self.train.split("/")[2])

    @property
    def wall_seconds(self) -> float:
        """Time of a training, in seconds: that of the seed which was disturbed the least."""
        return min(seed.wall_seconds for seed in self.seeds)

    def values(self, subset: str, quantity: str) -> list[float]:
        """The MAE of every seed on a test subset."""
        return [seed.tests[subset][quantity].mae for seed in self.seeds]


class AccuracyRecord(StrictModel):
    """What a model reaches on a dataset, with the checksums and versions it was reached with."""

    model: str
    config_name: str
    config: dict[str, Any]
    dataset: str
    frames_sha256: str
    splits_sha256: str
    versions: dict[str, str]
    hardware: dict[str, str]
    trainings: list[Training]

    def training(self, subset: str) -> Training:
        """The training on a subset.

        Raises
        ------
        UsageError
            If none is recorded.
        """
        found = {training.subset: training for training in self.trainings}
        if subset not in found:
            raise unknown_name(f"recorded subset of {self.model} on {self.dataset}", subset, found)
        return found[subset]


def record_file(plan: Plan, folder: Path = RECORDS) -> Path:
    """Where the record of a plan's model, dataset and configuration is."""
    name = f"{plan.model}.{plan.dataset.partition('@')[0]}.{Path(plan.config_name).stem}.json"
    return folder / name


def read_record(path: Path) -> AccuracyRecord:
    """Read a record.

    Raises
    ------
    DataError
        If there is none, or it is not one.
    """
    return AccuracyRecord.from_json(
        path, "a record of accuracy", "make one with `baselines record`"
    )


def read_records(folder: Path = RECORDS, model: str | None = None) -> list[AccuracyRecord]:
    """All records in a folder, or those of one model, by file name."""
    records = [read_record(path) for path in sorted(folder.glob("*.json"))]
    return [record for record in records if model in (None, record.model)]


def pooled_spreads(records: Iterable[AccuracyRecord]) -> dict[str, Spread]:
    """The spread of each quantity between the seeds of some records, see :class:`Spread`."""
    records = list(records)
    return {quantity: Spread.of(records, quantity) for quantity in QUANTITIES}


def add_training(
    path: Path, results: list[tuple[TrainingRecord, dict[str, Score]]]
) -> AccuracyRecord:
    """Put the results of several seeds into a record, in the place of those of the same subset.

    Trainings that were recorded with other settings, data or software are dropped.

    Parameters
    ----------
    path
        File of the record; made if it is not there.
    results
        For each seed the training record, and the score by test subset.
    """
    first = results[0][0]
    training = Training(
        train=first.plan.train,
        valid=first.plan.valid,
        seeds=[SeedResult.of(record, scores) for record, scores in results],
    )
    made = AccuracyRecord(
        model=first.plan.model,
        config_name=first.plan.config_name,
        config=settings_of(first.plan),
        dataset=first.plan.dataset,
        frames_sha256=first.plan.frames_sha256,
        splits_sha256=first.plan.splits_sha256,
        versions=first.versions,
        hardware=first.hardware,
        trainings=[],
    )
    kept: list[Training] = []
    if path.is_file():
        before = read_record(path)
        if before.model_copy(update={"trainings": []}) == made:
            kept = [other for other in before.trainings if other.subset != training.subset]
    kept = sorted([*kept, training], key=lambda item: item.subset)
    record = made.model_copy(update={"trainings": kept})
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, record.model_dump_json(indent=1) + "\n")
    return record


def settings_of(plan: Plan) -> dict[str, Any]:
    """The settings of a plan but for the number of frames, which is the split's."""
    return {key: value for key, value in plan.config.items() if key != "size"}


def trained_subsets(dataset: Dataset) -> list[str]:
    """The subsets that a dataset's tasks train on, each once, in their order."""
    return list(dict.fromkeys(task.split("->")[0] for task in dataset.card.tasks))


def tests_of(dataset: Dataset, subset: str) -> list[str]:
    """The subsets that a model trained on `subset` is tested on, by the dataset's tasks."""
    pairs = [task.split("->") for task in dataset.card.tasks]
    return [test for train, test in pairs if train == subset]


class Spread(StrictModel):
    """Spread of an error between seeds: standard deviation of its logarithm, pooled.

    ``degrees`` are its degrees of freedom.
    """

    deviation: float
    degrees: int

    @classmethod
    def of(cls, records: Iterable[AccuracyRecord], quantity: str) -> Spread:
        """That of a quantity, pooled over all trainings and test sets of some records.

        Raises
        ------
        DataError
            If no training was recorded with more than one seed.
        """
        squares, degrees = 0.0, 0
        for training in (training for record in records for training in record.trainings):
            for subset in training.seeds[0].tests:
                logs = [math.log(value) for value in training.values(subset, quantity)]
                mean = sum(logs) / len(logs)
                squares += sum((value - mean) ** 2 for value in logs)
                degrees += len(logs) - 1
        if not degrees:
            raise DataError(
                "no training was recorded with two seeds or more, so that nothing is known of the "
                "spread between them; make records with `baselines record --seeds 3`"
            )
        return cls(deviation=max(math.sqrt(squares / degrees), LEAST_SPREAD), degrees=degrees)

    def factor(self, seeds: int) -> float:
        """How far above the geometric mean of `seeds` errors another one may lie, as a ratio."""
        from scipy.stats import t

        quantile = float(t.ppf(CONFIDENCE, self.degrees))
        return math.exp(quantile * self.deviation * math.sqrt(1 + 1 / seeds))


class Checked(StrictModel):
    """An error of a retraining beside what was recorded, in kcal/mol (E) or kcal/mol/Å (F).

    ``found`` is None where the training failed or its prediction could not be scored.
    """

    model: str
    dataset: str
    task: str
    quantity: str
    recorded: float
    bound: float
    found: float | None

    @property
    def regressed(self) -> bool:
        """Whether it is worse than another seed could be."""
        return self.found is None or not self.found <= self.bound


def compare(
    record: AccuracyRecord,
    training: Training,
    found: SeedResult | None,
    spreads: dict[str, Spread],
) -> list[Checked]:
    """A retraining beside its record.

    Parameters
    ----------
    record
        The record.
    training
        The one of its trainings that was repeated.
    found
        What it reached this time; None if it failed.
    spreads
        From :func:`pooled_spreads`.
    """
    lines = []
    for subset in training.seeds[0].tests:
        for quantity in QUANTITIES:
            values = training.values(subset, quantity)
            recorded = math.exp(sum(map(math.log, values)) / len(values))
            lines.append(
                Checked(
                    model=record.model,
                    dataset=record.dataset,
                    task=f"{training.subset}->{subset}",
                    quantity=quantity,
                    recorded=recorded,
                    bound=recorded * spreads[quantity].factor(len(values)),
                    found=None if found is None else found.tests[subset][quantity].mae,
                )
            )
    return lines


def select(
    records: Iterable[AccuracyRecord],
    model: str | None = None,
    dataset: str | None = None,
    subset: str | None = None,
    config_name: str | None = None,
    fast: bool = False,
) -> list[tuple[AccuracyRecord, Training]]:
    """The recorded trainings of a model, dataset, subset and configuration.

    Parameters
    ----------
    records
        Where to select from.
    model, dataset, subset
        None: all.
    config_name
        None: those whose name begins with ``quick``, which take minutes.
    fast
        Only the quickest of each model.

    Raises
    ------
    UsageError
        If nothing is recorded of what was asked for.
    """
    found = [
        (record, training)
        for record in records
        for training in record.trainings
        if config_name or record.config_name.startswith("quick")
    ]
    wanted = {"configuration": config_name, "model": model, "dataset": dataset, "subset": subset}
    for kind, name in wanted.items():
        if name is None:
            continue
        known = dict.fromkeys(_names(*pair)[kind] for pair in found)
        if name not in known:
            raise unknown_name(f"recorded {kind}", name, known)
        found = [pair for pair in found if _names(*pair)[kind] == name]
    if fast:
        quickest: dict[str, tuple[AccuracyRecord, Training]] = {}
        for pair in sorted(found, key=lambda pair: pair[1].wall_seconds):
            quickest.setdefault(pair[0].model, pair)
        found = list(quickest.values())
    return found


def _names(record: AccuracyRecord, training: Training) -> dict[str, str]:
    return {
        "configuration": record.config_name,
        "model": record.model,
        "dataset": record.dataset.partition("@")[0],
        "subset": training.subset,
    }
