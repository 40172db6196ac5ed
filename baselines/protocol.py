"""What every baseline model can do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Self, TypeVar

from baselines.config import ModelConfig
from baselines.predicted import Predicted
from teadata import Frames
from teadata.typing import Progress, no_progress

if TYPE_CHECKING:
    from ase.calculators.calculator import Calculator

ConfigT = TypeVar("ConfigT", bound=ModelConfig)

LOG_FILE = "train.log"
"""Where in its workdir a fit logs what it and its backend do."""


@dataclass(frozen=True)
class FitResult:
    """Outcome of a training.

    Parameters
    ----------
    selected
        What model selection chose, e.g. ``{"sigma": 20}`` or ``{"epoch": 37}``.
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
    device
        ``"cpu"``, or ``"cuda"`` for a model that can use it.

    Attributes
    ----------
    model_file
        Name of the file or folder in its workdir in which a fit leaves the trained model.
    """

    model_file: ClassVar[str]

    def __init__(self, config: ConfigT, seed: int = 0, device: str = "cpu") -> None:
        self.config = config
        self.seed = seed
        self.device = device

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
            An existing folder for the log (:data:`LOG_FILE`), checkpoints and, as
            :attr:`model_file`, the trained model; a fit that was interrupted picks up what
            it finds there.
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
    def predict(self, frames: Frames, progress: Progress = no_progress) -> Predicted:
        """Energies, forces and, where the model has it, stress of frames.

        The labels of the frames are not looked at.

        Raises
        ------
        DataError
            If the frames are not of the system the model was trained on.
        """

    @abstractmethod
    def save(self, path: Path) -> None:
        """Write the trained model to a file or folder, in one step."""

    @classmethod
    @abstractmethod
    def load(cls, path: Path, config: ConfigT, device: str = "cpu") -> Self:
        """Read a model that :meth:`save` wrote.

        Raises
        ------
        DataError
            If the file is not such a model.
        """

    def calculator(self) -> Calculator:
        """An ASE calculator of the trained model (eV, eV/Å, eV/Å³); it can be pickled.

        Raises
        ------
        MissingExtraError
            If ASE is not installed.
        """
        from baselines.toolkit.calculator import BaselineCalculator

        return BaselineCalculator(self)
