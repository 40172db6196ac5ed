"""What a campaign does with a model: train it, score it, simulate with it.

A step is data: it goes to the process that carries it out as JSON, and its name is made of what
its result depends on, beside the training.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

from pydantic import Field

from baselines.registry import entry
from baselines.runs import folder as runs
from baselines.runs import predictions
from baselines.runs.record import Plan
from teadata import TeaError, catalog
from teadata.files import write_text
from teadata.provenance import sha256
from teadata.schema import StrictModel
from teadata.typing import Progress
from teaeval.hydrogen import record as hydrogen
from teaeval.md.record import Simulations
from teaeval.md.settings import Settings
from teaeval.scores.reading import read_score
from teaeval.scores.record import Score

SIMULATIONS, HYDROGEN = "md", "hydrogen"
"""Folders, of a run folder, of its simulations and hydrogen benchmarks."""


class Place(NamedTuple):
    """Where a step is carried out: of which training, in which run folder, on how many cores."""

    plan: Plan
    run: Path
    cores: int
    progress: Progress


class Train(StrictModel):
    """The training itself."""

    kind: Literal["train"] = "train"

    @property
    def name(self) -> str:
        """``train``."""
        return self.kind

    def done(self, run: Path) -> bool:
        """Whether the training of a run folder has finished."""
        return runs.finished(run)

    def carry_out(self, at: Place) -> None:
        """Train, or go on with a training."""
        runs.train(at.plan, at.run, at.progress)


class ScoreTest(StrictModel):
    """The prediction of a test set and its score.

    Parameters
    ----------
    test
        Subset whose test set is predicted.
    frames, bootstrap
        As a campaign's file has them.
    """

    kind: Literal["score"] = "score"
    test: str
    frames: int | None
    bootstrap: int

    @property
    def _part(self) -> str:
        return predictions.part_name(self.test, self.frames)

    @property
    def name(self) -> str:
        """``score-<subset>``, with the number of frames if it is not of all."""
        return f"score-{self._part}"

    def file(self, run: Path) -> Path:
        """The file of the score."""
        return run / "scores" / f"{self._part}.json"

    def score(self, run: Path) -> Score | None:
        """The score, if it is there and of the model that was trained in this folder."""
        path, record = self.file(run), run / runs.RECORD_FILE
        if not path.is_file() or not record.is_file():
            return None
        try:
            score = read_score(path)
        except TeaError:
            return None
        replicates = 0 if score.bootstrap is None else score.bootstrap.replicates
        same = score.prediction.record == sha256(record) and replicates == self.bootstrap
        return score if same else None

    def done(self, run: Path) -> bool:
        """Whether the score is there."""
        return self.score(run) is not None

    def carry_out(self, at: Place) -> None:
        """Predict and score."""
        predictions.score(at.run, self.test, at.progress, None, self.bootstrap, self.frames)


class Simulate(StrictModel):
    """Simulations of a dataset's system, as ``teaeval md run`` and ``md analyse`` make them.

    Parameters
    ----------
    dataset
        Id and version.
    frames_sha256, splits_sha256
        Of its files: the simulations start from frames of the test set.
    subset, settings, replicas, together, engine
        As for :func:`teaeval.md.make_plan`.
    discard, bootstrap, observables
        As for :func:`teaeval.md.analyse`.  With others, what is there is analysed again.
    """

    kind: Literal["simulate"] = "simulate"
    dataset: str
    frames_sha256: str
    splits_sha256: str
    subset: str
    settings: Settings
    replicas: int
    together: bool
    engine: str = "ase"
    discard: float
    bootstrap: int
    observables: tuple[str, ...]

    @property
    def _folder(self) -> str:
        dataset, settings = self.dataset.partition("@")[0], self.settings
        state = f"{settings.temperature:g}K" if settings.thermostat != "none" else "nve"
        left_out = {"discard", "bootstrap", "observables"}
        if self.engine == "ase":
            left_out.add("engine")  # so that folders of earlier versions keep their names
        digest = _digest(self, left_out)
        return f"{dataset}-{self.subset}-{state}-{digest}"

    @property
    def name(self) -> str:
        """``md-<dataset>-<subset>-<temperature>-<hash of all that the trajectories depend on>``."""
        return f"md-{self._folder}"

    @property
    def nanoseconds(self) -> float:
        """How long is simulated in all, ns."""
        return self.replicas * self.settings.steps * self.settings.timestep * 1e-6

    def folder(self, run: Path) -> Path:
        """The folder of the simulations, which ``teaeval md`` takes."""
        return run / SIMULATIONS / self._folder

    def result(self, run: Path) -> Simulations | None:
        """The analysed simulations, if they are there and of the model trained in this folder."""
        from teaeval.md.plan import read_plan
        from teaeval.md.record import read

        folder = self.folder(run)
        try:
            same = read_plan(folder).model_sha256 == sha256(run / runs.RECORD_FILE)
            return read(folder) if same else None
        except (TeaError, OSError):
            return None

    def done(self, run: Path) -> bool:
        """Whether all replicas have ended and been analysed as it says."""
        found = self.result(run)
        if found is None or found.discard != self.discard:
            return False
        if found.asked is None:  # of an earlier version, which did not say
            looked_at = {one.observable for one in found.observables} | set(found.left_out)
            return looked_at >= set(self.observables)
        asked = found.asked
        return asked.bootstrap == self.bootstrap and set(asked.observables) == set(self.observables)

    def carry_out(self, at: Place) -> None:
        """Simulate what has not ended, then analyse; an unstable replica is a result."""
        from teaeval.md import analysis, replicas

        dataset = catalog.load(self.dataset)
        dataset.require(self.frames_sha256, self.splits_sha256)
        simulations = replicas.make_plan(
            dataset,
            self.subset,
            self.settings,
            self.replicas,
            model=at.run,
            together=self.together,
            engine=self.engine,
            name=entry(at.plan.model).title,
        )
        folder = self.folder(at.run)
        batch = self.together or self.engine != "ase"
        jobs = _share(at.cores, 1 if batch else self.replicas)
        replicas.run(simulations, folder, jobs, at.progress)
        analysed = analysis.analyse(
            folder, self.discard, self.bootstrap, observables=self.observables
        )
        write_text(folder / analysis.RECORD_FILE, analysed.model_dump_json(indent=1) + "\n")


class Hydrogen(StrictModel):
    """The hydrogen benchmark, as ``teaeval hydrogen`` runs it.

    Parameters
    ----------
    dataset
        Id and version, of a dataset with reference trajectories.
    frames_sha256
        Of its frames.
    states, protocol
        As for :func:`teaeval.hydrogen.make_plan`.
    """

    kind: Literal["hydrogen"] = "hydrogen"
    dataset: str
    frames_sha256: str
    states: tuple[str, ...]
    protocol: hydrogen.Protocol

    @property
    def _folder(self) -> str:
        return f"{self.dataset.partition('@')[0]}-{_digest(self)}"

    @property
    def name(self) -> str:
        """``hydrogen-<dataset>-<hash of all that it depends on>``."""
        return f"hydrogen-{self._folder}"

    @property
    def nanoseconds(self) -> float:
        """How long is simulated in all, ns."""
        return len(self.states) * (self.protocol.equilibration + self.protocol.length) * 1e-6

    def folder(self, run: Path) -> Path:
        """The folder of the benchmark, which ``teaeval hydrogen-table`` takes."""
        return run / HYDROGEN / self._folder

    def result(self, run: Path) -> hydrogen.Record | None:
        """The benchmark's record, if it is there and of the model trained in this folder."""
        try:
            record = hydrogen.read_record(self.folder(run))
            same = record.plan.model_sha256 == sha256(run / runs.RECORD_FILE)
        except (TeaError, OSError):
            return None
        return record if same and record.plan.states == self.states else None

    def done(self, run: Path) -> bool:
        """Whether all state points have been simulated."""
        return self.result(run) is not None

    def carry_out(self, at: Place) -> None:
        """Simulate the state points that are missing; one that breaks is a result."""
        from teaeval.hydrogen import plans, running

        dataset = catalog.load(self.dataset)
        dataset.require(self.frames_sha256)
        title = entry(at.plan.model).title
        states = plans.make_plan(dataset, title, at.run, None, self.states, self.protocol)
        jobs = _share(at.cores, len(self.states))
        running.run(states, self.folder(at.run), jobs, None, at.progress)


Step = Annotated[Train | ScoreTest | Simulate | Hydrogen, Field(discriminator="kind")]
"""Any of the steps."""


def _digest(step: Simulate | Hydrogen, but: set[str] | None = None) -> str:
    """Hash all that the result of a step depends on, beside the training, in 8 digits."""
    return hashlib.sha256(step.model_dump_json(exclude=but).encode()).hexdigest()[:8]


def _share(cores: int, parts: int) -> int:
    """Processes to use; each of several calculates on its share of the cores."""
    processes = min(cores, parts)
    if processes > 1:
        names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
        os.environ |= dict.fromkeys(names, str(cores // processes))
    return processes
