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
from baselines.runs.record import Plan, versions
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
        return folder / "runs" / self.run.name

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
