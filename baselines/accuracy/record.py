"""What each baseline reaches on the embedded datasets, and whether it still does.

``baselines/records/<model>.<dataset>.<configuration>.json`` holds what several seeds reached.
A retraining regresses when one of its errors lies above all that
another seed could explain: above the one-sided prediction bound of the recorded errors, taken
as log-normal, with the spread between seeds pooled over all records of the model.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from baselines.config import names
from baselines.registry import entry
from baselines.runs.record import Plan, TrainingRecord
from teadata import Dataset
from teadata.errors import PathError, UsageError, expect_path, unknown_name
from teadata.files import write_text
from teadata.output.display import data_frame
from teadata.schema import StrictModel
from teaeval.scores.record import Score

if TYPE_CHECKING:
    import pandas as pd

    from teadata.card import DatasetCard

RECORDS = Path(__file__).resolve().parents[1] / "records"
"""Folder of the shipped records."""


QUANTITIES = ("E", "F")

FRAMES = 500
"""Frames of a larger test set that are predicted, spread over it."""


class ReachedErrors(StrictModel):
    """MAE and RMSE on one test set, in kcal/mol (E) or kcal/mol/Å (F).

    ``percent_mean`` is the MAE over the mean |reference| of the test set, as Table SI 7;
    ``frames`` of its frames were predicted.
    """

    frames: int

    mae: float
    rmse: float
    percent_mean: float

    @classmethod
    def of(cls, score: Score, quantity: str) -> ReachedErrors:
        """Take the errors of a quantity from a score."""
        row = score.row(quantity)
        assert row.mae_percent_mean is not None
        return cls(
            frames=score.coverage.scored,
            mae=row.mae,
            rmse=row.rmse,
            percent_mean=row.mae_percent_mean,
        )


class SeedResult(StrictModel):
    """One training: its cost, and for each test subset and quantity what it reached.

    ``last_session_only`` says that it was interrupted and ``wall_seconds`` is the time of its end
    alone, because nothing kept that of its beginning.
    """

    seed: int
    wall_seconds: float
    last_session_only: bool = False
    peak_memory_mib: float
    selected: dict[str, Any]
    tests: dict[str, dict[str, ReachedErrors]]

    @classmethod
    def of(cls, record: TrainingRecord, scores: dict[str, Score]) -> SeedResult:
        """Summarise a training record and its scores by test subset."""
        return cls(
            seed=record.plan.seed,
            wall_seconds=record.wall_seconds,
            last_session_only=not record.whole_time,
            peak_memory_mib=record.peak_memory_mib,
            selected=record.selected,
            tests={
                subset: {quantity: ReachedErrors.of(score, quantity) for quantity in QUANTITIES}
                for subset, score in scores.items()
            },
        )


class Training(StrictModel):
    """What was trained, on ``train`` and ``valid`` (split names), with which seeds, and where.

    ``versions`` and ``hardware`` are those of the first seed.
    """

    train: str
    valid: str
    versions: dict[str, str]
    hardware: dict[str, str]
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
        """Time of a training in seconds: the shortest of all seeds, the least disturbed.

        Of those whose whole time is known, if there is one.
        """
        whole = [seed for seed in self.seeds if not seed.last_session_only]
        return min(seed.wall_seconds for seed in whole or self.seeds)

    @property
    def whole_time(self) -> bool:
        """Whether that is the time of a whole training, not of its last session."""
        return not all(seed.last_session_only for seed in self.seeds)

    def values(self, subset: str, quantity: str) -> list[float]:
        """Return the MAE of every seed on a test subset."""
        return [seed.tests[subset][quantity].mae for seed in self.seeds]


class AccuracyRecord(StrictModel):
    """What a model reaches on a dataset with one configuration, and the checksums of the data."""

    model: str
    config_name: str
    config: dict[str, Any]
    dataset: str
    frames_sha256: str
    splits_sha256: str
    trainings: list[Training]

    @classmethod
    def of(cls, plan: Plan) -> AccuracyRecord:
        """Make the record of a plan's model, data and settings, without a training."""
        return cls(
            model=plan.model,
            config_name=plan.config_name,
            config=settings_of(plan),
            dataset=plan.dataset,
            frames_sha256=plan.frames_sha256,
            splits_sha256=plan.splits_sha256,
            trainings=[],
        )

    def changed(self, other: AccuracyRecord) -> list[str]:
        """List what the trainings of two records differ in: the data, and settings by name."""
        data = ("dataset", "frames_sha256", "splits_sha256")
        names = [name for name in data if getattr(self, name) != getattr(other, name)]
        settings = sorted(self.config.keys() | other.config.keys())
        return names + [
            name for name in settings if self.config.get(name) != other.config.get(name)
        ]

    def to_pandas(self) -> pd.DataFrame:
        """A row for each training, test subset and quantity: what it reached, and its cost.

        Raises
        ------
        MissingExtraError
            If pandas is not installed.
        """
        return data_frame(
            [
                {"model": self.model, "config": self.config_name, "dataset": self.dataset}
                | {"train": training.train, "seed": seed.seed, "test": subset}
                | {"quantity": quantity, **reached.model_dump()}
                | seed.model_dump(include={"wall_seconds", "last_session_only", "peak_memory_mib"})
                for training in self.trainings
                for seed in training.seeds
                for subset, quantities in seed.tests.items()
                for quantity, reached in quantities.items()
            ]
        )

    def training(self, subset: str) -> Training:
        """Return the training on a subset.

        Raises
        ------
        UsageError
            If none is recorded.
        """
        by_subset = {training.subset: training for training in self.trainings}
        if subset not in by_subset:
            raise unknown_name(
                f"recorded subset of {self.model} on {self.dataset}", subset, by_subset
            )
        return by_subset[subset]


def records_folder(dataset: Dataset | None = None) -> Path:
    """Where records are kept: those of a user's own dataset beside its frames, else the shipped.

    Those of a dataset that another package brings are in ``TEADATA_HOME/records``.  The folder is
    made if it is not there.
    """
    from teadata.remote.settings import home

    if dataset is None or dataset.card.edition not in ("own", "plugin"):
        return RECORDS
    folder = dataset.root / "records"
    if dataset.card.edition == "plugin":  # whose files are the package's
        folder = home() / "records" / dataset.card.id
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def record_file(plan: Plan, folder: Path = RECORDS) -> Path:
    """Path of the record of a plan's model, dataset and configuration."""
    name = f"{plan.model}.{plan.dataset.partition('@')[0]}.{Path(plan.config_name).stem}.json"
    return folder / name


def read_record(path: Path | str) -> AccuracyRecord:
    """Read a record.

    Raises
    ------
    DataError
        If there is none, or it is not one.
    """
    return AccuracyRecord.from_json(
        expect_path(path, "the path of a record"),
        "a record of accuracy",
        "make one with `baselines record`",
    )


def read_records(folder: Path = RECORDS, model: str | None = None) -> list[AccuracyRecord]:
    """Read all records in a folder, or only those of one model, by file name.

    Raises
    ------
    UsageError
        If there is no such model.
    PathError
        If there is no such folder.
    """
    if model is not None:
        entry(model)
    if not folder.is_dir():
        raise PathError(f"{folder}: no such folder of records; `baselines record` makes one")
    records = [read_record(path) for path in sorted(folder.glob("*.json"))]
    return [record for record in records if model in (None, record.model)]


def losses(path: Path, plan: Plan, seeds: int) -> str:
    """Say what a record would lose to this training with so many seeds; empty if nothing.

    It loses every training if data or settings are others, because errors of one configuration are
    compared with them; and the training on the same subset if it had more seeds or another size.
    """
    if not path.is_file():
        return ""
    before = read_record(path)
    subset = plan.train.split("/")[0]
    changed = before.changed(AccuracyRecord.of(plan))
    lost = [
        training
        for training in before.trainings
        if changed
        or (
            training.subset == subset
            and (training.train != plan.train or len(training.seeds) > seeds)
        )
    ]
    if not lost:
        return ""
    said = ", ".join(f"{training.train} ({_seeds(len(training.seeds))})" for training in lost)
    made = f"{plan.dataset} {plan.train} ({_seeds(seeds)})"
    others = f", with other data or settings ({', '.join(changed)})" if changed else ""
    return f"{path}: {before.dataset} {said} would be lost to {made}{others}"


def _seeds(count: int) -> str:
    return f"{count} seed{'s' * (count != 1)}"


def check_place(folder: Path) -> None:
    """Refuse to record into an installed package, which its next version replaces.

    Raises
    ------
    UsageError
        If the shipped records are those of a package, not of a clone of the repository.
    """
    if folder == RECORDS and not (RECORDS.parents[1] / "pyproject.toml").is_file():
        raise UsageError(
            f"{RECORDS}: belongs to the installed package; say where to keep records: "
            "--records FOLDER"
        )


def check_name(plan: Plan) -> None:
    """Refuse to record a configuration of a file under the name of a shipped one.

    Raises
    ------
    UsageError
        If the file has the name of a configuration that is shipped with the model.
    """
    path, shipped = Path(plan.config_name), names(plan.model, entry(plan.model).configs)
    if plan.config_name not in shipped and path.stem in shipped:
        raise UsageError(
            f"{path}: its record would have the name of the shipped configuration {path.stem}; "
            f"give the file another name, e.g. {path.with_name(f'my-{path.name}')}"
        )


def add_training(
    path: Path, results: list[tuple[TrainingRecord, dict[str, Score]]]
) -> AccuracyRecord:
    """Put the results of several seeds into a record, in the place of those of the same subset.

    Trainings that were recorded with other settings or data are dropped (:func:`losses`).

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
        versions=first.versions,
        hardware=first.hardware,
        seeds=[SeedResult.of(record, scores) for record, scores in results],
    )
    made = AccuracyRecord.of(first.plan)
    kept: list[Training] = []
    if path.is_file():
        before = read_record(path)
        if not before.changed(made):
            kept = [other for other in before.trainings if other.subset != training.subset]
    kept = sorted([*kept, training], key=lambda item: item.subset)
    record = made.model_copy(update={"trainings": kept})
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, record.model_dump_json(indent=1) + "\n")
    return record


def settings_of(plan: Plan) -> dict[str, Any]:
    """Return the settings of a plan without the number of frames, which the split states."""
    return {key: value for key, value in plan.config.items() if key != "size"}


def trained_subsets(card: DatasetCard) -> list[str]:
    """List the subsets that a dataset's tasks train on, each once, in their order."""
    return list(dict.fromkeys(task.split("->")[0] for task in card.tasks))


def tests_of(card: DatasetCard, subset: str) -> list[str]:
    """List the subsets that a model trained on `subset` is tested on."""
    pairs = [task.split("->") for task in card.tasks]
    return [test for train, test in pairs if train == subset]
