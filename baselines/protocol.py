"""What every baseline model can do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from baselines.config import ModelConfig
from teadata import Frames
from teaeval.metrics import errors

if TYPE_CHECKING:
    from ase.calculators.calculator import Calculator

Floats = NDArray[np.float64]
ConfigT = TypeVar("ConfigT", bound=ModelConfig)

MODEL_FILE = "model.npz"
"""Where in its workdir a fit leaves the trained model."""

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how much of it is done, and how much there is."""


def no_progress(task: str, done: int, total: int) -> None:
    """Report nothing."""


@dataclass(frozen=True)
class FitResult:
    """Outcome of a training.

    Parameters
    ----------
    selected
        What model selection chose, e.g. ``{"sigma": 20}``.
    valid
        Errors of the selected model on the validation frames, in kcal/mol and kcal/mol/Å:
        see :func:`validation_errors`.
    curve
        One entry per step of training or selection, in order.
    """

    selected: dict[str, Any]
    valid: dict[str, float]
    curve: list[dict[str, float]] = field(default_factory=list)


class Baseline(ABC, Generic[ConfigT]):
    """A model that trains on frames and predicts energies and forces.

    Parameters
    ----------
    config
        The validated settings.
    seed
        Seed of everything random in the training.
    """

    def __init__(self, config: ConfigT, seed: int = 0) -> None:
        self.config = config
        self.seed = seed

    @abstractmethod
    def fit(
        self, train: Frames, valid: Frames, workdir: Path, progress: Progress = no_progress
    ) -> FitResult:
        """Train, with model selection on the validation frames.

        Parameters
        ----------
        train, valid
            Frames of one system, in kcal/mol and Å.
        workdir
            An existing folder for logs, checkpoints and, under :data:`MODEL_FILE`, the
            trained model; a fit that was interrupted picks up what it finds there.
        progress
            Called as the training advances.

        Raises
        ------
        MissingExtraError
            If the backend is not installed.
        TeaError
            If these frames cannot be trained on, or not on this machine.
        """

    @abstractmethod
    def predict(self, frames: Frames, progress: Progress = no_progress) -> tuple[Floats, Floats]:
        """Energies (N,) in kcal/mol and forces (N, A, 3) in kcal/mol/Å of frames.

        The labels of the frames are not looked at.

        Raises
        ------
        DataError
            If the frames are not of the system the model was trained on.
        """

    @abstractmethod
    def save(self, path: Path) -> None:
        """Write the trained model to a file, in one step."""

    @classmethod
    @abstractmethod
    def load(cls, path: Path, config: ConfigT) -> Self:
        """Read a model that :meth:`save` wrote.

        Raises
        ------
        DataError
            If the file is not such a model.
        """

    def calculator(self) -> Calculator:
        """An ASE calculator of the trained model (eV, eV/Å).

        Raises
        ------
        MissingExtraError
            If ASE is not installed.
        """
        from baselines.calculator import BaselineCalculator

        return BaselineCalculator(self.predict)


def validation_errors(predicted: tuple[Floats, Floats], frames: Frames) -> dict[str, float]:
    """MAE and RMSE of energies (kcal/mol) and forces (kcal/mol/Å), for curves and records."""
    energy = errors(predicted[0], frames.energies)
    force = errors(predicted[1], frames.forces)
    return {
        "energy_mae": energy.mae,
        "energy_rmse": energy.rmse,
        "force_mae": force.mae,
        "force_rmse": force.rmse,
    }
