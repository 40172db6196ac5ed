"""What trainings by steps share: batches, validations, the log, and the pace of checkpoints."""

from __future__ import annotations

import math
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from baselines.toolkit.composition import composition_energy
from baselines.toolkit.identity import Settings, identity_of
from baselines.toolkit.neighbours import check_cutoff
from teadata import Frames
from teadata.errors import DataError
from teadata.typing import Floats, Progress
from teadata.units import EV

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


class CheckpointSchedule:
    """Decides when a checkpoint is due, so that all of them cost about 1 % of the time."""

    def __init__(self) -> None:
        self.written, self.cost = time.perf_counter(), 0.0

    def checkpoint(self, save: Callable[[], None], last: bool) -> None:
        """Call `save` if it is due, or if it is the last."""
        start = time.perf_counter()
        if last or (start - self.written) * CHECKPOINT_COST >= self.cost:
            save()
            self.written = time.perf_counter()
            self.cost = self.written - start


class StepSettings(Settings, Protocol):
    """Settings that every training by steps has.

    Attributes
    ----------
    batch_size
        Frames per step.
    steps
        How many at most; whole passes over the frames are made, see :class:`BatchOrder`.
    eval_every
        Steps between validations; None: a pass over the frames.
    r_cut
        Distance in Å within which atoms are neighbours.
    """

    @property
    def batch_size(self) -> int: ...  # noqa: D102
    @property
    def steps(self) -> int: ...  # noqa: D102
    @property
    def eval_every(self) -> int | None: ...  # noqa: D102
    @property
    def r_cut(self) -> float: ...  # noqa: D102


SettingsT = TypeVar("SettingsT", bound=StepSettings)


class TrainingLoop(ABC, Generic[SettingsT]):
    """A training at some step.

    Parameters
    ----------
    config
        The settings.
    seed
        Of the initial weights and of the order of the frames.
    train, valid
        Frames of one system, in kcal/mol and Å.
    elements, energies
        Atomic numbers, and the energies (E,) of these elements in kcal/mol.
    title
        Name of the model in messages.

    Attributes
    ----------
    identity
        What a checkpoint must have in common: see :func:`baselines.toolkit.identity.identity_of`.
    offset
        What the elements' energies add up to in a frame, in kcal/mol.
    step, total
        Steps that are done, and that there are in all.
    curve
        An entry per validation.
    best
        ``{"step", "loss"}`` of the validation of lowest loss.

    Raises
    ------
    DataError
        If there are fewer training frames than a batch has, or the validation frames have
        other elements.
    UsageError
        If no two atoms are within the cutoff.
    """

    def __init__(
        self,
        config: SettingsT,
        seed: int,
        train: Frames,
        valid: Frames,
        elements: list[int],
        energies: Floats,
        title: str,
    ) -> None:
        check_batch(len(train), config.batch_size)
        check_cutoff(train, "r_cut", config.r_cut)
        self.config, self.seed = config, seed
        self.identity = identity_of(config, seed, train, valid)
        self.elements, self.energies = elements, energies
        self.offset = composition_energy(train, elements, energies, title)
        composition_energy(valid, elements, energies, title)
        self.order = BatchOrder(seed, len(train), config.batch_size)
        self.total = self.order.total(config.steps)
        self.eval_every = config.eval_every or self.order.per_epoch
        self.step = 0
        self.curve: list[dict[str, float]] = []
        self.best: dict[str, float] = {}

    @abstractmethod
    def _advance(self, progress: Progress) -> float:
        """Train with :meth:`_batches`, and return the mean loss."""

    @abstractmethod
    def _validation(self) -> dict[str, float]:
        """Validate: see :func:`validation_entry`."""

    @abstractmethod
    def _rate(self) -> float:
        """Return the learning rate of the next step."""

    @abstractmethod
    def _keep(self) -> None:
        """Keep the weights, which are the best so far."""

    @abstractmethod
    def _on_nan(self) -> None:
        """Recover from a loss that is not finite, or raise an error that says so."""

    @property
    def finished(self) -> bool:
        """Whether all steps are done."""
        return self.step >= self.total

    @property
    def selected(self) -> dict[str, Any]:
        """The step of the best validation, and the number of steps done."""
        return {"step": int(self.best["step"]), "steps": self.step}

    def trained(self, weights: dict[str, Any]) -> dict[str, Any]:
        """Join weights with the elements and their energies: the trained state of a model."""
        return {"weights": weights, "elements": self.elements, "energies": self.energies}

    def _task(self) -> str:
        if not self.best:
            return "steps"
        error = next(e["force_mae"] for e in self.curve if e["step"] == self.best["step"])
        return f"steps, best valid F MAE {error:.3f} kcal/mol/Å"

    def _batches(self, progress: Progress) -> Iterator[NDArray[np.int64]]:
        """Yield the frames of every step to the next validation, (batch_size,), and count them."""
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
        """Train to the next validation, validate, and return the new entry of the curve.

        Raises
        ------
        TeaError
            If the loss is not a number, and that cannot be mended.
        """
        began, rate = time.perf_counter(), self._rate()
        loss = self._advance(progress)
        validated = self._validation()
        if not math.isfinite(loss + validated["valid_loss"]):
            self._on_nan()
        elif not self.best or validated["valid_loss"] < self.best["loss"]:
            self.best = {"step": self.step, "loss": validated["valid_loss"]}
            self._keep()
        entry = {"step": self.step, "train_loss": loss} | validated | {"lr": rate}
        entry["seconds"] = time.perf_counter() - began
        self.curve.append(entry)
        return entry

    def _to_the_end(self, log: Path, progress: Progress, save: Callable[[], None]) -> None:
        """Train to the end; log a line per validation, and `save` now and then."""
        schedule = CheckpointSchedule()
        with open(log, "a", encoding="utf-8") as stream:
            while not self.finished:
                entry = self.interval_entry(progress)
                stream.write(", ".join(f"{key} {value:.6g}" for key, value in entry.items()))
                stream.write("\n")
                stream.flush()
                schedule.checkpoint(save, last=self.finished)


def validation_entry(
    loss: float, energy_mae: float, energy_mse: float, force_mae: float, force_mse: float
) -> dict[str, float]:
    """Make the part of the curve's entry that a validation gives.

    Parameters
    ----------
    loss
        In the units of the model's loss.
    energy_mae, energy_mse, force_mae, force_mse
        Mean absolute and mean squared errors in eV and eV/Å, and their squares.

    Returns
    -------
    dict
        ``valid_loss``, and MAE and RMSE in kcal/mol and kcal/mol/Å.
    """
    return {
        "valid_loss": float(loss),
        "energy_mae": float(energy_mae) * EV,
        "energy_rmse": math.sqrt(energy_mse) * EV,
        "force_mae": float(force_mae) * EV,
        "force_rmse": math.sqrt(force_mse) * EV,
    }


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
        """Round `steps` down to whole passes; less than one pass is kept as it is."""
        passes = steps * self.batch_size // self.frames
        return passes * self.per_epoch if passes else min(steps, self.per_epoch)

    def epoch(self, number: int) -> NDArray[np.int64]:
        """Draw the frames of each step of a pass, (steps, batch_size)."""
        order = np.random.default_rng([self.seed, number]).permutation(self.frames)
        return order[: self.per_epoch * self.batch_size].reshape(-1, self.batch_size)
