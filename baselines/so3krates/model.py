"""SO3krates as a baseline: training, prediction, files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from baselines.predicted import Predicted
from baselines.protocol import Baseline, FitResult
from baselines.so3krates import session as backend
from baselines.so3krates.config import ARCHITECTURE, SO3kratesConfig
from baselines.toolkit import array_files
from baselines.toolkit.composition import composition_energy
from baselines.toolkit.devices import frames_at_once, in_batches
from baselines.toolkit.labels import validation_errors
from baselines.toolkit.structures import stress_of
from teadata import Frames
from teadata.typing import Progress
from teadata.units import EV

if TYPE_CHECKING:
    from baselines.so3krates.inference import Potential

FORMAT = "tea-benchmark SO3krates 1"

EVERY_ELEMENT = range(1, 100)
"""What a model of the original implementation may be asked for: its embedding has these rows."""


class SO3krates(Baseline[SO3kratesConfig, dict[str, Any]]):
    """An SO3krates force field of some elements.

    Trained are ``weights`` by the original's names, ``elements``, and their ``energies`` in
    kcal/mol.
    """

    title = "SO3krates"
    model_file = "model.npz"

    def _fit(self, train: Frames, valid: Frames, workdir: Path, progress: Progress) -> FitResult:
        """Train, and keep the weights of the validation of lowest loss.

        The workdir holds checkpoints, from which an interrupted training ends, on a CPU, with
        the very weights of an uninterrupted one.

        Raises
        ------
        DataError
            If there are fewer frames than a batch, or the checkpoint is another training's.
        TeaError
            If the loss is not a number, again and again.
        """
        with backend.session(self.config, self.device):
            from baselines.so3krates import reference
            from baselines.so3krates.training import Training

            training = Training(self.config, self.seed, train, valid)
            training.run(workdir, progress)
            weights = reference.to_reference(backend.host(training.kept), self.config)
            self.use(training.trained(weights))
        self.save(workdir / self.model_file)
        errors = validation_errors(self.predict(valid), valid)
        return FitResult(training.selected, errors, training.curve)

    def _build(self, trained: dict[str, Any]) -> Potential:
        from baselines.so3krates.inference import Potential

        return Potential(self.config, self.device, trained["weights"])

    def _predict(self, trained: dict[str, Any], frames: Frames, progress: Progress) -> Predicted:
        """Predict energies, forces and, of frames with a cell, stress.

        The pairs of a single frame are kept for the next one, see
        :class:`baselines.so3krates.kept_pairs.KeptPairs`.

        Raises
        ------
        DataError
            If the frames have elements that the model was not trained on.
        """
        offset = composition_energy(frames, trained["elements"], trained["energies"], self.title)
        network: Potential = self.built()
        from baselines.so3krates.neighbours import places

        evaluate = network.predict if len(frames) != 1 else network.follow
        energies = np.empty(len(frames))
        forces = np.empty(frames.positions.shape)
        virials = np.empty((len(frames), 3, 3))
        least = self.config.valid_batch_size
        # as many as there are places for: empty ones would cost as much
        most = places(frames_at_once(self.device, least, frames.n_atoms))
        batches = in_batches(lambda part: evaluate(frames[part]), len(frames), most, least)
        for part, outcome in batches:
            energies[part] = outcome.energies * EV + offset
            forces[part] = outcome.forces * EV
            virials[part] = outcome.virials * EV
            progress("predict", part.stop, len(frames))
        return Predicted(energies, forces, stress_of(virials, frames))

    def _save(self, trained: dict[str, Any], path: Path) -> None:
        """Write settings, weights by the original's names, and energies of the elements."""
        array_files.write(path, FORMAT, self.config, trained)

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
        model.use(trained)
        model._check(str(path))
        return model

    def _check(self, source: str) -> None:
        """Refuse weights that do not fit the network of the settings."""
        with backend.session(self.config, self.device):
            from baselines.so3krates import reference

            reference.to_network(self.trained()["weights"], self.config, source)


def from_reference(
    params: Mapping[str, Any], cfg: Mapping[str, Any], device: str = "cpu"
) -> SO3krates:
    """Make a model with the weights of one of the original implementation (mlff).

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
    model.use({"weights": weights, "elements": elements, "energies": np.zeros(len(elements))})
    model._check("params")
    return model
