"""What every baseline model can do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Self, TypeVar

from baselines.config import ModelConfig
from baselines.predicted import Predicted
from baselines.toolkit.labels import check_labels
from baselines.toolkit.structures import check_structures
from teadata import Frames, TeaError
from teadata.output.display import html_fields
from teadata.seeds import check_seed
from teadata.typing import Progress, no_progress

if TYPE_CHECKING:
    from ase.calculators.calculator import Calculator

ConfigT = TypeVar("ConfigT", bound=ModelConfig)
TrainedT = TypeVar("TrainedT")

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
        see :func:`baselines.toolkit.labels.validation_errors`.
    curve
        One entry per step of training or selection, in order.
    """

    selected: dict[str, Any]
    valid: dict[str, float]
    curve: list[dict[str, float]] = field(default_factory=list)


class Baseline(ABC, Generic[ConfigT, TrainedT]):
    """A model that trains on frames and predicts energies and forces.

    A subclass says how in :meth:`_fit`, :meth:`_predict` and :meth:`_save`; what comes before
    them is the same for all and done here.

    Parameters
    ----------
    config
        The validated settings.
    seed
        Seed of everything random in the training, from 0 to
        :data:`teadata.seeds.LARGEST_SEED`.
    device
        ``"cpu"``, or ``"cuda"`` for a model that can use it.

    Attributes
    ----------
    title
        Name of the model in messages.
    model_file
        Name of the file or folder in its workdir in which a fit leaves the trained model.
    """

    title: ClassVar[str]
    model_file: ClassVar[str]

    def __init__(self, config: ConfigT, seed: int = 0, device: str = "cpu") -> None:
        self.config = config
        self.seed = check_seed(seed)
        self.device = device
        self._trained: TrainedT | None = None
        self._built: Any = None

    def __repr__(self) -> str:
        state = "trained" if self._trained is not None else "not trained"
        return f"{type(self).__name__}({self.title}, {state}, seed {self.seed}, {self.device})"

    def _repr_html_(self) -> str:
        fields = {
            "model": self.title,
            "trained": "yes" if self._trained is not None else "no",
            "seed": self.seed,
            "device": self.device,
        } | {name: str(value) for name, value in self.config}
        return html_fields(type(self).__name__, fields)

    def __getstate__(self) -> dict[str, Any]:
        """Pickle all but what was built of the trained state; it is built again when needed."""
        return self.__dict__ | {"_built": None}

    def use(self, trained: TrainedT) -> None:
        """Predict with this trained state from now on."""
        self._trained, self._built = trained, None

    def trained(self) -> TrainedT:
        """Return what training left: weights, parameters or the like, as a file holds them.

        Raises
        ------
        TeaError
            If the model is not trained.
        """
        return self._require("call fit, or load one")

    def _require(self, otherwise: str) -> TrainedT:
        if self._trained is None:
            raise TeaError(f"this {self.title} model is not trained: {otherwise}")
        return self._trained

    def built(self) -> Any:
        """Return what predictions need, e.g. a network; it is built when first asked for.

        Raises
        ------
        TeaError
            If the model is not trained.
        """
        trained = self.trained()
        if self._built is None:
            self._built = self._build(trained)
        return self._built

    def _build(self, trained: TrainedT) -> Any:
        """Build what predictions need of the trained state; by default they need it as it is."""
        return trained

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
        DataError
            If there are no frames, a label is not finite, or a frame is of no system: see
            :func:`baselines.toolkit.structures.check_structures`.
        TeaError
            If these frames cannot be trained on, or not on this machine.
        """
        check_labels(train, "training")
        check_labels(valid, "validation")
        check_structures(train)
        check_structures(valid)
        return self._fit(train, valid, workdir, progress)

    @abstractmethod
    def _fit(self, train: Frames, valid: Frames, workdir: Path, progress: Progress) -> FitResult:
        """Train on frames whose labels are checked."""

    def predict(self, frames: Frames, progress: Progress = no_progress) -> Predicted:
        """Predict energies, forces and, where the model has them, stress and charges.

        The labels of the frames are not looked at.

        Raises
        ------
        DataError
            If the frames are not of the system the model was trained on, or of no system: see
            :func:`baselines.toolkit.structures.check_structures`.
        TeaError
            If the model is not trained.
        """
        check_structures(frames)
        return self._predict(self.trained(), frames, progress)

    @abstractmethod
    def _predict(self, trained: TrainedT, frames: Frames, progress: Progress) -> Predicted:
        """Predict frames with the trained state."""

    def save(self, path: Path) -> None:
        """Write the trained model to a file or folder, in one step.

        Raises
        ------
        TeaError
            If the model is not trained.
        """
        self._save(self._require("there is nothing to save"), path)

    @abstractmethod
    def _save(self, trained: TrainedT, path: Path) -> None:
        """Write the trained state."""

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
        """Make an ASE calculator of the trained model (eV, eV/Å, eV/Å³); it can be pickled.

        Raises
        ------
        MissingExtraError
            If ASE is not installed.
        """
        from baselines.toolkit.calculator import BaselineCalculator

        return BaselineCalculator(self)
