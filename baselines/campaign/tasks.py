"""The tasks of a campaign: trainings and scores, named by what they are made of."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from baselines.accuracy import record as accuracy
from baselines.accuracy.record import AccuracyRecord
from baselines.campaign.matrix import Campaign, Combination, Excluded, mebibytes
from baselines.registry import entry
from baselines.runs import folder as runs
from baselines.runs import predictions
from baselines.runs.record import Plan, versions
from teadata import Dataset, TeaError, catalog
from teadata.errors import DataError, unknown_name
from teadata.provenance import sha256
from teaeval.scores.reading import read_score
from teaeval.scores.record import Score

UNKNOWN_MEMORY = 1024.0
"""MiB that a task is taken to need if neither the campaign nor a record says more."""


@dataclass(frozen=True)
class Cost:
    """What a training took before: seconds and MiB; None where no record says so."""

    seconds: float | None
    memory: float | None


@dataclass(frozen=True)
class Run:
    """A training of a campaign, with the test sets to be scored after it.

    Parameters
    ----------
    plan
        From :func:`baselines.runs.folder.make_plan`.
    tests
        Subsets whose test sets are predicted.
    frames, bootstrap
        As :class:`baselines.campaign.matrix.Campaign` has them.
    cores
        Cores that a task of it calculates on.
    memory
        MiB that it needs.
    seconds
        What the training took before; None if no record says so.
    """

    plan: Plan
    tests: tuple[str, ...]
    frames: int | None
    bootstrap: int
    cores: int
    memory: float
    seconds: float | None

    @functools.cached_property
    def name(self) -> str:
        """Name of the run folder: the same for the same content."""
        plan = self.plan
        subset, _, size = plan.train.split("/")
        dataset = plan.dataset.partition("@")[0]
        return f"{plan.model}-{dataset}-{subset}-{size}-seed{plan.seed}-{identity(plan)}"


def identity(plan: Plan) -> str:
    """Hash what a training's result depends on, as 12 hexadecimal digits.

    These are the plan without the name of its configuration, the version of this software, and
    that of the model's backend.
    """
    made_with = versions([entry(plan.model).package])
    made_with.pop("python")
    content = {"plan": plan.model_dump(mode="json", exclude={"config_name"}), "with": made_with}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:12]


@dataclass(frozen=True)
class Task:
    """A step of a run: its training, or the score of one test set."""

    run: Run
    test: str | None = None

    @property
    def step(self) -> str:
        """``train``, or ``score-<subset>``, with what else distinguishes scores."""
        if self.test is None:
            return "train"
        return f"score-{predictions.part_name(self.test, self.run.frames)}"

    @property
    def name(self) -> str:
        """Name of the task in its campaign's folder."""
        return f"{self.run.name}.{self.step}"

    @property
    def needs(self) -> Task | None:
        """The task that must be done before."""
        return None if self.test is None else Task(self.run)

    def score_file(self, folder: Path) -> Path:
        """Where the score of a test set is."""
        name = predictions.part_name(self.test or "", self.run.frames)
        return folder / "runs" / self.run.name / "scores" / f"{name}.json"

    def score(self, folder: Path) -> Score | None:
        """The score, if it is there and of the model that was trained in this folder."""
        path = self.score_file(folder)
        record = path.parents[1] / runs.RECORD_FILE
        if not path.is_file() or not record.is_file():
            return None
        try:
            score = read_score(path)
        except TeaError:
            return None
        replicates = 0 if score.bootstrap is None else score.bootstrap.replicates
        same = score.prediction.record == sha256(record) and replicates == self.run.bootstrap
        return score if same else None

    def done(self, folder: Path) -> bool:
        """Whether it is done in a campaign's folder."""
        if self.test is None:
            return runs.finished(folder / "runs" / self.run.name)
        return self.score(folder) is not None


def expand(campaign: Campaign, source: Path) -> list[Run]:
    """Make the runs of a campaign, all checked: each that is different once.

    Parameters
    ----------
    campaign
        From :func:`baselines.campaign.matrix.read`.
    source
        The file that it was read from.

    Raises
    ------
    TeaError
        If a model, dataset, subset, size, configuration or device does not exist, or what is
        excluded leaves nothing, or excludes nothing.
    """
    for name in campaign.resources:
        entry(name)
    counts = [0] * len(campaign.exclude)
    found: dict[str, Run] = {}
    records: dict[tuple[str, Path], list[AccuracyRecord]] = {}
    for combination in _each_subset(campaign):
        where = ", ".join(f"{key} {value}" for key, value in combination if value is not None)
        try:
            if _left_out(combination, campaign.exclude, counts):
                continue
            plan = _plan(combination, campaign, source)
            if _left_out(_as_planned(combination, plan), campaign.exclude, counts):
                continue
            run = _run(plan, campaign, records)
        except TeaError as error:
            raise type(error)(f"{source}: {where}: {error}") from None
        found.setdefault(run.name, run)
    for place, count in enumerate(counts, 1):
        if not count:
            raise DataError(f"{source}: exclude {place} leaves nothing out: no training has it all")
    if not found:
        raise DataError(f"{source}: everything is excluded, so there is nothing to train")
    return list(found.values())


def tasks_of(run_list: Sequence[Run]) -> list[Task]:
    """All tasks of runs: of each its training, then its scores."""
    return [
        task for run in run_list for task in (Task(run), *(Task(run, test) for test in run.tests))
    ]


def _each_subset(campaign: Campaign) -> Iterator[Combination]:
    for combination in campaign.combinations():
        if combination.subset is not None:
            yield combination
            continue
        dataset = catalog.load(combination.dataset)
        for subset in accuracy.trained_subsets(dataset) or [dataset.card.the_subset(None)]:
            yield combination.model_copy(update={"subset": subset})


def _as_planned(combination: Combination, plan: Plan) -> Combination:
    """The same with the size that its configuration says."""
    return combination.model_copy(update={"size": int(plan.train.split("/")[2])})


def _left_out(combination: Combination, excluded: Sequence[Excluded], counts: list[int]) -> bool:
    """Whether it is excluded; counts what each entry leaves out.

    Names without a version of the dataset mean all versions.
    """
    values = combination.model_dump()
    values["dataset"] = str(values["dataset"]).partition("@")[0]
    matching = []
    for place, item in enumerate(excluded):
        wanted = item.values()
        if "@" in wanted.get("dataset", ""):
            values = values | {"dataset": combination.dataset}
        if all(values[name] == value for name, value in wanted.items()):
            matching.append(place)
    for place in matching:
        counts[place] += 1
    return bool(matching)


def _plan(combination: Combination, campaign: Campaign, source: Path) -> Plan:
    config = combination.config
    if config.endswith((".yaml", ".yml")):
        config = str(source.resolve().parent / config)
    assert combination.subset is not None
    dataset = catalog.load(combination.dataset)
    return runs.make_plan(
        combination.model,
        dataset,
        combination.subset,
        combination.size,
        config,
        combination.seed,
        campaign.device,
    )


def _run(
    plan: Plan, campaign: Campaign, records: dict[tuple[str, Path], list[AccuracyRecord]]
) -> Run:
    dataset = catalog.load(plan.dataset)
    subset = plan.train.split("/")[0]
    tests = campaign.tests or accuracy.tests_of(dataset, subset) or [subset]
    for test in tests:
        if test not in dataset.card.subsets:
            raise unknown_name("subset", test, dataset.card.subsets)
    declared = campaign.resources.get(plan.model)
    cost = _cost(plan, dataset, records)
    memory = cost.memory or UNKNOWN_MEMORY
    if declared is not None and declared.memory is not None:
        memory = mebibytes(declared.memory)
    return Run(
        plan=plan,
        tests=tuple(dict.fromkeys(tests)),
        frames=campaign.frames,
        bootstrap=campaign.bootstrap,
        cores=1 if declared is None else declared.cores,
        memory=memory,
        seconds=cost.seconds,
    )


def _cost(
    plan: Plan, dataset: Dataset, cache: dict[tuple[str, Path], list[AccuracyRecord]]
) -> Cost:
    """What the records say that a plan costs: its own time, and the model's most memory there."""
    folder = accuracy.records_folder(dataset)
    key = (plan.model, folder)
    if key not in cache:
        cache[key] = accuracy.read_records(folder, plan.model)
    seconds, memory = None, None
    for record in cache[key]:
        if record.dataset != plan.dataset:
            continue
        for training in record.trainings:
            memory = max(memory or 0, *(seed.peak_memory_mib for seed in training.seeds))
            same = record.config == accuracy.settings_of(plan) and training.train == plan.train
            seconds = training.wall_seconds if same else seconds
    return Cost(seconds, memory)
