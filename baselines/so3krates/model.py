"""SO3krates as a baseline: training, prediction, files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np

from baselines.predicted import Predicted
from baselines.protocol import Baseline, FitResult
from baselines.so3krates import session as backend
from baselines.so3krates.config import ARCHITECTURE, SO3kratesConfig
from baselines.toolkit import array_files
from baselines.toolkit.composition import composition_energy
from baselines.toolkit.labels import check_labels, validation_errors
from teadata import Frames, TeaError
from teadata.typing import Progress, no_progress
from teadata.units import EV

FORMAT = "tea-benchmark SO3krates 1"

EVERY_ELEMENT = range(1, 100)
"""What a model of the original implementation may be asked for: its embedding has these rows."""


class SO3krates(Baseline[SO3kratesConfig]):
    """An SO3krates force field of some elements."""

    model_file = "model.npz"

    def __init__(self, config: SO3kratesConfig, seed: int = 0, device: str = "cpu") -> None:
        super().__init__(config, seed, device)
        self._trained: dict[str, Any] | None = None
        self._network: Any = None

    def __getstate__(self) -> dict[str, Any]:
        """What is pickled: the weights, of which the network is built again when needed."""
        return self.__dict__ | {"_network": None}

    def fit(
        self, train: Frames, valid: Frames, workdir: Path, progress: Progress = no_progress
    ) -> FitResult:
        """Train, and keep the weights of the validation of lowest loss.

        See :meth:`Baseline.fit`.  The workdir holds checkpoints, from which an interrupted
        training ends, on a CPU, with the very weights of an uninterrupted one.

        Raises
        ------
        DataError
            If there are fewer frames than a batch, a label is not finite, or the checkpoint is
            another training's.
        TeaError
            If the loss is not a number, again and again.
        """
        check_labels(train, "training")
        check_labels(valid, "validation")
        with backend.session(self.config, self.device):
            from baselines.so3krates import reference
            from baselines.so3krates.training import Training

            training = Training(self.config, self.seed, train, valid)
            training.run(workdir, progress)
            weights = reference.to_reference(backend.host(training.kept), self.config)
            self._use(weights, training.elements, training.energies)
        self.save(workdir / self.model_file)
        return FitResult(
            {"step": int(training.best["step"]), "steps": training.step},
            validation_errors(self.predict(valid), valid),
            training.curve,
        )

    def _use(self, weights: dict[str, Any], elements: list[int], energies: Any) -> None:
        self._trained = {"weights": weights, "elements": elements, "energies": energies}
        self._network = None

    def trained(self) -> dict[str, Any]:
        """Weights by the original's names, elements, and their energies in kcal/mol.

        Raises
        ------
        TeaError
            If it is not trained.
        """
        if self._trained is None:
            raise TeaError("this SO3krates model is not trained: call fit, or load one")
        return self._trained

    def network(self) -> Any:
        """The compiled potential, :class:`baselines.so3krates.inference.Potential`."""
        weights = self.trained()["weights"]
        if self._network is None:
            from baselines.so3krates.inference import Potential

            self._network = Potential(self.config, self.device, weights)
        return self._network

    def offset(self, frames: Frames) -> float:
        """What is added to the network's energies of these frames, in kcal/mol.

        Raises
        ------
        DataError
            If the frames have elements that the model was not trained on.
        """
        values = self.trained()
        return composition_energy(frames, values["elements"], values["energies"], "SO3krates")

    def predict(self, frames: Frames, progress: Progress = no_progress) -> Predicted:
        """Energies, forces and, of frames with a cell, stress; see :meth:`Baseline.predict`.

        Raises
        ------
        DataError
            If the frames have elements that the model was not trained on, or two atoms at the
            same place.
        """
        offset = self.offset(frames)
        network = self.network()
        energies = np.empty(len(frames))
        forces = np.empty(frames.positions.shape)
        stress = None if frames.cell is None else np.empty((len(frames), 3, 3))
        for start in range(0, len(frames), self.config.valid_batch_size):
            part = slice(start, start + self.config.valid_batch_size)
            found = network.predict(frames[part])
            energies[part] = found.energies * EV + offset
            forces[part] = found.forces * EV
            if stress is not None:
                stress[part] = found.virials * EV / frames[part].volumes[:, None, None]
            progress("predict", min(part.stop, len(frames)), len(frames))
        return Predicted(energies, forces, stress)

    def save(self, path: Path) -> None:
        """Write settings, weights by the original's names, and energies of the elements."""
        if self._trained is None:
            raise TeaError("this SO3krates model is not trained: there is nothing to save")
        array_files.write(path, FORMAT, self.config, self._trained)

    @classmethod
    def load(cls, path: Path, config: SO3kratesConfig, device: str = "cpu") -> Self:
        """Read a model that :meth:`save` wrote; its architecture is the file's.

        Raises
        ------
        DataError
            If the file is not such a model.
        """
        backend.load()
        stored, trained = array_files.read(path, "an SO3krates model", FORMAT, SO3kratesConfig)
        network = {name: getattr(stored, name) for name in ARCHITECTURE}
        model = cls(config.model_copy(update=network), device=device)
        model._use(**trained)
        model._check(str(path))
        return model

    def _check(self, source: str) -> None:
        """Whether the weights are those of such a network."""
        with backend.session(self.config, self.device):
            from baselines.so3krates import reference

            reference.to_network(self.trained()["weights"], self.config, source)

    def calculator(self) -> Any:
        """An ASE calculator (eV, eV/Å, eV/Å³) that keeps its neighbour list as the atoms move.

        Raises
        ------
        MissingExtraError
            If ASE is not installed.
        """
        from baselines.so3krates.calculator import SO3kratesCalculator

        return SO3kratesCalculator(self)


def from_reference(
    params: Mapping[str, Any], cfg: Mapping[str, Any], device: str = "cpu"
) -> SO3krates:
    """A model with the weights of one of the original implementation (mlff).

    Parameters
    ----------
    params
        Weights by their path in the original's parameters, its parts joined by slashes:
        ``layers_0/FeatureBlock_0/…``.
    cfg
        Its settings: ``F``, ``L``, ``H``, ``degrees``, ``r_cut`` (Å), ``residual_mlp`` (or
        ``residual_mlp_1`` and ``residual_mlp_2``), ``zbl``, ``layer_norm``,
        ``sphc_normalization``, ``n_rbf``, ``cutoff_fn``.  Without ``n_rbf`` it is seen in the
        weights; without ``cutoff_fn`` it is half a cosine, with ``zbl`` PhysNet's.
    device
        ``"cpu"`` or ``"cuda"``.

    Returns
    -------
    A trained model in float64, of any elements.  The original's energies are in eV; as with
    every baseline, ``predict`` gives kcal/mol and kcal/mol/Å, ``calculator()`` eV and eV/Å.

    Raises
    ------
    DataError
        If a setting is not valid, or a weight is missing, unknown or of another shape.
    MissingExtraError
        If the backend is not installed.
    """
    backend.load()
    from baselines.so3krates import reference

    config = reference.settings(params, cfg)
    model = SO3krates(config, device=device)
    weights = {name: np.asarray(value) for name, value in params.items()}
    elements = list(EVERY_ELEMENT)
    model._use(weights, elements, np.zeros(len(elements)))
    model._check("params")
    return model
