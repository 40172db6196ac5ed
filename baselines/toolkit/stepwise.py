"""What trainings by steps share: batches, validations, the log, and the pace of checkpoints."""

from __future__ import annotations

import math
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from teadata.errors import DataError
from teadata.typing import Progress

CHUNK = 16
"""Steps between two reports of progress."""

CHECKPOINT_COST = 0.01
"""Share of the training time that checkpoints may take; one is made after a validation at most."""


def check_batch(frames: int, batch_size: int) -> None:
    """Refuse a training set that does not fill one batch.

    Raises
    ------
    DataError
        If it does not.
    """
    if frames < batch_size:
        raise DataError(
            f"{frames} training frames, expected at least {batch_size}: a batch that is not full "
            "is not trained on; take more frames (--size), or lower batch_size"
        )


def check_identity(where: Path, expected: Mapping[str, Any], found: Mapping[str, Any]) -> None:
    """Refuse the checkpoint of another training.

    Parameters
    ----------
    where
        The checkpoint.
    expected, found
        What this training and that of the checkpoint were made with, by name.

    Raises
    ------
    DataError
        If they differ.
    """
    for name, value in expected.items():
        if found.get(name) != value:
            raise DataError(
                f"{where}: the checkpoint of a training with another {name}; expected {value}, "
                f"found {found.get(name)}; remove it, or train in another folder"
            )


class CheckpointSchedule:
    """When a checkpoint is due: seldom enough that all of them cost 1 % of the time."""

    def __init__(self) -> None:
        self.written, self.cost = time.perf_counter(), 0.0

    def checkpoint(self, save: Callable[[], None], last: bool) -> None:
        """Call `save` if it is due, or if it is the last."""
        start = time.perf_counter()
        if last or (start - self.written) * CHECKPOINT_COST >= self.cost:
            save()
            self.written = time.perf_counter()
            self.cost = self.written - start


class TrainingLoop(ABC):
    """A training at some step.

    Parameters
    ----------
    seed
        Of the order of the frames.
    frames, batch_size
        How many there are, and how many a step takes.
    steps
        How many at most; whole passes over the frames are made, see :class:`BatchOrder`.
    eval_every
        Steps between validations; None: a pass over the frames.

    Attributes
    ----------
    step, total
        Steps that are done, and that there are in all.
    curve
        An entry per validation.
    best
        ``{"step", "loss"}`` of the validation of lowest loss.

    Raises
    ------
    DataError
        If there are fewer frames than a batch has.
    """

    def __init__(
        self, *, seed: int, frames: int, batch_size: int, steps: int, eval_every: int | None
    ) -> None:
        check_batch(frames, batch_size)
        self.order = BatchOrder(seed, frames, batch_size)
        self.total = self.order.total(steps)
        self.eval_every = eval_every or self.order.per_epoch
        self.step = 0
        self.curve: list[dict[str, float]] = []
        self.best: dict[str, float] = {}

    @abstractmethod
    def _advance(self, progress: Progress) -> float:
        """Train with :meth:`_batches`; the mean loss."""

    @abstractmethod
    def _validation(self) -> dict[str, float]:
        """``valid_loss``, and MAE and RMSE in kcal/mol and kcal/mol/Å."""

    @abstractmethod
    def _rate(self) -> float:
        """The learning rate of the next step."""

    @abstractmethod
    def _keep(self) -> None:
        """Keep the weights, which are the best so far."""

    @abstractmethod
    def _on_nan(self) -> None:
        """Mend a loss that is not a number, or raise the error that says so."""

    @property
    def finished(self) -> bool:
        """Whether all steps are done."""
        return self.step >= self.total

    def _task(self) -> str:
        if not self.best:
            return "steps"
        error = next(e["force_mae"] for e in self.curve if e["step"] == self.best["step"])
        return f"steps, best valid F MAE {error:.3f} kcal/mol/Å"

    def _batches(self, progress: Progress) -> Iterator[NDArray[np.int64]]:
        """The frames of every step to the next validation, (batch_size,); counts the steps."""
        interval = min(self.eval_every, self.total)
        stop, task = min(self.total, (self.step // interval + 1) * interval), self._task()
        while self.step < stop:
            number, first = divmod(self.step, self.order.per_epoch)
            for chosen in self.order.epoch(number)[first : first + stop - self.step]:
                yield chosen
                self.step += 1
                if self.step % CHUNK == 0 or self.step == stop:
                    progress(task, self.step, self.total)

    def interval_entry(self, progress: Progress) -> dict[str, float]:
        """Train to the next validation and validate; the entry of the curve.

        Raises
        ------
        TeaError
            If the loss is not a number, and that cannot be mended.
        """
        began, rate = time.perf_counter(), self._rate()
        loss = self._advance(progress)
        found = self._validation()
        if not math.isfinite(loss + found["valid_loss"]):
            self._on_nan()
        elif not self.best or found["valid_loss"] < self.best["loss"]:
            self.best = {"step": self.step, "loss": found["valid_loss"]}
            self._keep()
        entry = {"step": self.step, "train_loss": loss} | found | {"lr": rate}
        entry["seconds"] = time.perf_counter() - began
        self.curve.append(entry)
        return entry

    def _to_the_end(self, log: Path, progress: Progress, save: Callable[[], None]) -> None:
        """Train to the end, a line of the log per validation, with `save` at its pace."""
        pace = CheckpointSchedule()
        with open(log, "a", encoding="utf-8") as stream:
            while not self.finished:
                entry = self.interval_entry(progress)
                stream.write(", ".join(f"{key} {value:.6g}" for key, value in entry.items()))
                stream.write("\n")
                stream.flush()
                pace.checkpoint(save, last=self.finished)


@dataclass(frozen=True)
class BatchOrder:
    """Which frames each step trains on: every pass in an order of its own, a rest left out.

    A pure function of seed and step, so that a training can be taken up anywhere.
    """

    seed: int
    frames: int
    batch_size: int

    @property
    def per_epoch(self) -> int:
        """Steps of a pass over the frames."""
        return self.frames // self.batch_size

    def total(self, steps: int) -> int:
        """As many steps as whole passes fit into so many; these, if not even one does."""
        passes = steps * self.batch_size // self.frames
        return passes * self.per_epoch if passes else min(steps, self.per_epoch)

    def epoch(self, number: int) -> NDArray[np.int64]:
        """Frames of each step of a pass, (steps, batch_size)."""
        order = np.random.default_rng([self.seed, number]).permutation(self.frames)
        return order[: self.per_epoch * self.batch_size].reshape(-1, self.batch_size)
