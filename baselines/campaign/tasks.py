"""The tasks of a campaign: trainings and what is done with their models, named by content."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from baselines.campaign.steps import Hydrogen, ScoreTest, Simulate, Step, Train
from baselines.registry import entry
from baselines.runs.folder import RECORD_FILE
from baselines.runs.record import Plan, TrainingRecord, versions
from teadata import TeaError
from teaeval.scores.record import Score


@dataclass(frozen=True)
class Run:
    """A training of a campaign, with what is done with its model.

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
    simulations
        What is simulated with the model.
    """

    plan: Plan
    tests: tuple[str, ...]
    frames: int | None
    bootstrap: int
    cores: int
    memory: float
    seconds: float | None
    simulations: tuple[Simulate | Hydrogen, ...] = ()

    @functools.cached_property
    def name(self) -> str:
        """Name of the run folder: the same for the same content."""
        return _name(self.plan, made_with(self.plan.model))

    def folder(self, campaign: Path) -> Path:
        """The run folder in a campaign's folder.

        Names of earlier versions have fewer packages behind them: a folder with such a name is
        taken if its training finished with the very packages that are here.
        """
        here = campaign / "runs" / self.name
        if here.exists():
            return here
        earlier = campaign / "runs" / self._earlier_name
        return earlier if _finished_with(earlier, made_with(self.plan.model)) else here

    @functools.cached_property
    def _earlier_name(self) -> str:
        return _name(self.plan, _versions(entry(self.plan.model).package))


def made_with(model: str) -> dict[str, str]:
    """Versions here of this software, and of all packages that a model's results depend on."""
    return _versions(*entry(model).traced)


def _versions(*packages: str) -> dict[str, str]:
    here = versions(list(packages))
    here.pop("python")
    return here


def _name(plan: Plan, software: dict[str, str]) -> str:
    """Name a run folder by its plan, and a hash of what the training's result depends on.

    That is the plan without the name of its configuration, and the software.
    """
    content = {"plan": plan.model_dump(mode="json", exclude={"config_name"}), "with": software}
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:12]
    subset, _, size = plan.train.split("/")
    dataset = plan.dataset.partition("@")[0]
    return f"{plan.model}-{dataset}-{subset}-{size}-seed{plan.seed}-{digest}"


def _finished_with(run: Path, software: dict[str, str]) -> bool:
    """Whether the training of a run folder finished with these versions of packages."""
    if not (run / RECORD_FILE).is_file():
        return False
    try:
        found = TrainingRecord.read(run / RECORD_FILE).versions
    except TeaError:
        return False
    return {name: version for name, version in found.items() if name != "python"} == software


@dataclass(frozen=True)
class Task:
    """A step of a run: its training, the score of one test set, or simulations with its model."""

    run: Run
    what: Step = field(default_factory=Train)

    @property
    def training(self) -> bool:
        """Whether it is the training itself."""
        return isinstance(self.what, Train)

    @property
    def test(self) -> str | None:
        """The subset that is scored; None if it is no score."""
        return self.what.test if isinstance(self.what, ScoreTest) else None

    @property
    def step(self) -> str:
        """``train``, ``score-<subset>``, ``md-…`` or ``hydrogen-…``."""
        return self.what.name

    @property
    def name(self) -> str:
        """Name of the task in its campaign's folder."""
        return f"{self.run.name}.{self.step}"

    @property
    def needs(self) -> Task | None:
        """The task that must be done before."""
        return None if self.training else Task(self.run)

    @property
    def rank(self) -> int:
        """Which tasks begin before others: scores, then trainings, then simulations."""
        return {"score": 0, "train": 1}.get(self.what.kind, 2)

    def run_folder(self, folder: Path) -> Path:
        """The run folder in a campaign's folder."""
        return self.run.folder(folder)

    def score(self, folder: Path) -> Score | None:
        """The score, if it is one, is there, and is of the model that was trained here."""
        if not isinstance(self.what, ScoreTest):
            return None
        return self.what.score(self.run_folder(folder))

    def done(self, folder: Path) -> bool:
        """Whether it is done in a campaign's folder."""
        return self.what.done(self.run_folder(folder))


def tasks_of(run_list: Sequence[Run]) -> list[Task]:
    """All tasks of runs: of each its training, then its scores, then its simulations."""
    return [
        Task(run, step)
        for run in run_list
        for step in (
            Train(),
            *(ScoreTest(test=t, frames=run.frames, bootstrap=run.bootstrap) for t in run.tests),
            *run.simulations,
        )
    ]
