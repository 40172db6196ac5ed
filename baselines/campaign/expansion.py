"""From the file of a campaign to its runs: every one is checked before anything is trained."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from baselines import config
from baselines.accuracy import record as accuracy
from baselines.accuracy.record import AccuracyRecord
from baselines.campaign.matrix import Campaign
from baselines.campaign.memory import mebibytes
from baselines.campaign.sections import Combination, in_edition, selected
from baselines.campaign.simulating import check_selections, simulations_of
from baselines.campaign.tasks import Run
from baselines.registry import entry
from baselines.runs import folder as runs
from baselines.runs.record import Plan
from teadata import Dataset, TeaError, catalog
from teadata.errors import DataError, restated, unknown_name

UNKNOWN_MEMORY = 1024.0
"""MiB that a task is taken to need if neither the campaign nor a record says more."""

Tell = Callable[[str], None]


def _quiet(_text: str) -> None:
    """Tell nobody."""


@dataclass(frozen=True)
class Cost:
    """What a training took before: seconds and MiB; None where no record says so."""

    seconds: float | None
    memory: float | None


def expand(
    campaign: Campaign,
    source: Path,
    tell: Tell = _quiet,
    absent: list[Combination] | None = None,
) -> list[Run]:
    """Make the runs of a campaign, all checked: each that is different once.

    Parameters
    ----------
    campaign
        From :func:`baselines.campaign.matrix.read`.
    source
        The file that it was read from.
    tell
        Told what another edition does not have, and so is left out.
    absent
        Gets the trainings on official data that are not on this machine, for which there are no
        runs then.  Without it, they are an error.

    Raises
    ------
    TeaError
        If a model, dataset, subset, size, configuration or device does not exist, or what is
        excluded leaves nothing, or excludes nothing.
    """
    for name in campaign.resources:
        entry(name)
    work = _Expansion(campaign, source, absent is not None)
    for combination in _each_subset(campaign):
        where = ", ".join(f"{key} {value}" for key, value in combination if value is not None)
        try:
            work.add(combination)
        except TeaError as error:
            raise restated(error, f"{source}: {where}: {error}") from None
    for said in work.lacking:
        tell(said)
    if absent is not None:
        absent += work.missing
    return work.runs()


class _Records:
    """What models reached before, and what that took."""

    def __init__(self) -> None:
        self._read: dict[tuple[str, Path], list[AccuracyRecord]] = {}

    def _of(self, model: str, dataset: Dataset) -> list[AccuracyRecord]:
        folder = accuracy.records_folder(dataset)
        if (model, folder) not in self._read:
            self._read[model, folder] = accuracy.read_records(folder, model)
        name = dataset.card.full_id
        return [record for record in self._read[model, folder] if record.dataset == name]

    def size(self, combination: Combination) -> int | None:
        """The most frames that a configuration was trained on with a subset; None if never."""
        found = self._of(combination.model, catalog.load(combination.dataset))
        sizes = [
            training.size
            for record in found
            for training in record.trainings
            if (record.config_name, training.subset) == (combination.config, combination.subset)
        ]
        return max(sizes, default=None)

    def cost(self, plan: Plan) -> Cost:
        """What a plan costs: its own time, and the most memory of the model on its dataset."""
        seconds, memory = None, None
        for record in self._of(plan.model, catalog.load(plan.dataset)):
            for training in record.trainings:
                memory = max(memory or 0, *(seed.peak_memory_mib for seed in training.seeds))
                same = record.config == accuracy.settings_of(plan) and training.train == plan.train
                seconds = training.wall_seconds if same else seconds
        return Cost(seconds, memory)


class _Expansion:
    """What has become of the trainings of a campaign so far."""

    def __init__(self, campaign: Campaign, source: Path, allow_missing: bool) -> None:
        self._campaign, self._source, self._allow_missing = campaign, source, allow_missing
        self._excluded = [in_edition(item, campaign.edition) for item in campaign.exclude]
        self._counts = [0] * len(self._excluded)
        self._found: dict[str, tuple[Combination, Run]] = {}
        self._records = _Records()
        self.missing: dict[Combination, None] = {}
        self.lacking: dict[str, None] = {}

    def add(self, combination: Combination) -> None:
        """Take in a training of one subset, unless it is left out."""
        campaign, source = self._campaign, self._source
        if selected(combination, self._excluded, self._counts):
            return
        here = bool(catalog.card(combination.dataset).files)
        if self._allow_missing and not here:
            checked = _checked(combination, campaign, source)
            if not selected(checked, self._excluded, self._counts):
                self.missing[checked] = None
            return
        if here and campaign.edition and (said := _lacks(combination)):
            self.lacking[said] = None
            return
        plan = _plan(combination, campaign, source, self._records)
        planned = _as_planned(combination, plan)
        if not selected(planned, self._excluded, self._counts):
            run = _run(plan, campaign, self._records)
            self._found.setdefault(run.name, (planned, run))

    def runs(self) -> list[Run]:
        """All that were taken in, with what is simulated with their models."""
        campaign, source = self._campaign, self._source
        for place, count in enumerate(self._counts, 1):
            if not count:
                raise DataError(
                    f"{source}: exclude {place} leaves nothing out: no training has it all"
                )
        if not self._found and not self.missing:
            raise DataError(f"{source}: everything is excluded, so there is nothing to train")
        trainings = [*(planned for planned, _ in self._found.values()), *self.missing]
        check_selections(campaign, trainings, source)
        return [
            dataclasses.replace(
                run, simulations=simulations_of(campaign, planned, run.plan, source)
            )
            for planned, run in self._found.values()
        ]


def _each_subset(campaign: Campaign) -> Iterator[Combination]:
    for first in campaign.combinations():
        combination: Combination = in_edition(first, campaign.edition)
        if campaign.config is not None:
            name = _configuration(combination, campaign.config)
            combination = combination.model_copy(update={"config": name})
        if combination.subset is not None:
            yield combination
            continue
        card = catalog.card(combination.dataset)
        for subset in accuracy.trained_subsets(card) or [card.the_subset(None)]:
            yield combination.model_copy(update={"subset": subset})


def _configuration(combination: Combination, wanted: str) -> str:
    """The configuration that is wanted, or the one named after it that is for the dataset.

    SOAP/GAP's ``quick`` is not for mini-iv: ``quick-iv`` is, as its record there shows.
    """
    dataset = combination.dataset.partition("@")[0]
    names = [
        path.name.split(".")[2]
        for path in accuracy.RECORDS.glob(f"{combination.model}.{dataset}.{wanted}*.json")
    ]
    fitting = [name for name in sorted(names) if name.startswith(f"{wanted}-")]
    return fitting[0] if fitting and wanted not in names else wanted


def _checked(combination: Combination, campaign: Campaign, source: Path) -> Combination:
    """A training on data that are not here, checked as far as their card goes.

    Its size is the configuration's unless it says one.
    """
    model = entry(combination.model)
    settings = _settings(combination.model, config_path(combination.config, source))
    catalog.card(combination.dataset).check_subset(combination.subset or "")
    device = _device(combination, campaign)
    if device not in model.devices:
        raise unknown_name(f"device of {combination.model}", device, model.devices)
    size = settings.size if combination.size in (None, "recorded") else combination.size
    return combination.model_copy(update={"size": size, "device": device})


def _settings(model: str, path: str) -> config.ModelConfig:
    """The settings of a configuration."""
    _, kind = entry(model).classes()
    return config.read(kind, model, path, entry(model).configs)


def config_path(name: str, source: Path) -> str:
    """The name of a configuration; of a file, its path from the campaign's folder."""
    if name.endswith((".yaml", ".yml")):
        return str(source.resolve().parent / name)
    return name


def _device(combination: Combination, campaign: Campaign) -> str:
    return combination.device or campaign.device or "cpu"


def _lacks(combination: Combination) -> str:
    """What a dataset lacks of a size that another edition has; empty if nothing."""
    assert combination.subset is not None
    size, dataset = combination.size, catalog.load(combination.dataset)
    there = dataset.splits.count(combination.subset, "train")
    if not isinstance(size, int) or not there or size <= there:
        return ""
    return (
        f"left out: {size} training frames of {combination.dataset} {combination.subset}, which "
        f"has {there}"
    )


def _as_planned(combination: Combination, plan: Plan) -> Combination:
    """The same with the size that its configuration says."""
    return combination.model_copy(update={"size": int(plan.train.split("/")[2])})


def _plan(combination: Combination, campaign: Campaign, source: Path, records: _Records) -> Plan:
    assert combination.subset is not None
    dataset, size = catalog.load(combination.dataset), combination.size
    path = config_path(combination.config, source)
    usual = _settings(combination.model, path).size
    if isinstance(size, str):
        there = len(dataset.splits.ids(f"{combination.subset}/train"))
        size = there if size == "all" else records.size(combination) or min(usual, there)
    return runs.make_plan(
        combination.model,
        dataset,
        combination.subset,
        size,
        path,
        combination.seed,
        _device(combination, campaign),
    )


def _run(plan: Plan, campaign: Campaign, records: _Records) -> Run:
    dataset = catalog.load(plan.dataset)
    subset = plan.train.split("/")[0]
    tests = campaign.tests or accuracy.tests_of(dataset.card, subset) or [subset]
    for test in tests:
        if test not in dataset.card.subsets:
            raise unknown_name("subset", test, dataset.card.subsets)
    declared = campaign.resources.get(plan.model)
    cost = records.cost(plan)
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
