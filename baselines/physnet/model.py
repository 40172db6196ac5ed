"""PhysNet as a baseline: training, prediction, files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from baselines.physnet import reference
from baselines.physnet import session as backend
from baselines.physnet.config import ARCHITECTURE, PhysNetConfig
from baselines.physnet.parameters import ELEMENTS
from baselines.predicted import Predicted
from baselines.protocol import Baseline, FitResult
from baselines.toolkit import array_files
from baselines.toolkit.composition import composition_energy
from baselines.toolkit.devices import frames_at_once, in_batches
from baselines.toolkit.labels import validation_errors
from teadata import Frames
from teadata.typing import Progress
from teadata.units import EV

if TYPE_CHECKING:
    from baselines.physnet.inference import Potential

FORMAT = "tea-benchmark PhysNet 1"


class PhysNet(Baseline[PhysNetConfig, dict[str, Any]]):
    """A PhysNet force field of some elements, for systems that are not periodic.

    Trained are ``weights`` by the original's names, ``elements``, and their ``energies`` in
    kcal/mol.
    """

    title = "PhysNet"
    model_file = "model.npz"

    def _fit(self, train: Frames, valid: Frames, workdir: Path, progress: Progress) -> FitResult:
        """Train, and keep the averaged weights of the validation of lowest loss.

        The workdir holds a checkpoint, from which an interrupted training ends, on a CPU, with
        the very weights of an uninterrupted one.

        Raises
        ------
        DataError
            If the frames are periodic or fewer than a batch, or the checkpoint is another
            training's.
        TeaError
            If the loss is not a number.
        """
        with backend.session(self.device):
            from baselines.physnet.data import check_not_periodic
            from baselines.physnet.training import Training

            check_not_periodic(train)
            training = Training(self.config, self.seed, train, valid)
            training.run(workdir, progress)
        self.use(training.trained(training.weights()))
        self.save(workdir / self.model_file)
        errors = validation_errors(self.predict(valid), valid)
        return FitResult(training.selected, errors, training.curve)

    def _build(self, trained: dict[str, Any]) -> Potential:
        backend.load()
        from baselines.physnet.inference import Potential

        return Potential(self.config, self.device, trained["weights"], trained["elements"])

    def _predict(self, trained: dict[str, Any], frames: Frames, progress: Progress) -> Predicted:
        """Predict energies, forces and the atoms' charges, which add up to the total one.

        Raises
        ------
        DataError
            If the frames are periodic, or have elements that the model was not trained on.
        """
        offset = composition_energy(frames, trained["elements"], trained["energies"], self.title)
        network: Potential = self.built()
        from baselines.physnet.data import check_not_periodic

        check_not_periodic(frames)
        count, atoms = len(frames), frames.n_atoms
        energies, forces = np.empty(count), np.empty((count, atoms, 3))
        charges = np.empty((count, atoms))
        least = self.config.valid_batch_size
        most = frames_at_once(self.device, least, atoms)
        batches = in_batches(lambda part: network.predict(frames[part]), count, most, least)
        for part, outcome in batches:
            energies[part] = outcome.energies * EV + offset
            forces[part] = outcome.forces.reshape(-1, atoms, 3) * EV
            charges[part] = outcome.charges.reshape(-1, atoms)
            progress("predict", part.stop, count)
        return Predicted(energies, forces, charges=charges)

    def _save(self, trained: dict[str, Any], path: Path) -> None:
        """Write settings, parameters by the original's names, and energies of the elements."""
        array_files.write(path, FORMAT, self.config, trained)

    @classmethod
    def load(cls, path: Path, config: PhysNetConfig, device: str = "cpu") -> Self:
        """Read a model that :meth:`save` wrote; its architecture is the file's.

        Raises
        ------
        DataError
            If the file is not such a model.
        """
        stored, trained = array_files.read(path, "a PhysNet model", FORMAT, PhysNetConfig)
        network = {name: getattr(stored, name) for name in ARCHITECTURE}
        model = cls(config.model_copy(update=network), device=device)
        trained["weights"] = reference.checked(trained["weights"], model.config, str(path))
        model.use(trained)
        return model


def from_reference(
    params: Mapping[str, Any],
    cfg: Mapping[str, Any],
    total_charge: float = 0.0,
    device: str = "cpu",
) -> PhysNet:
    """Make a model with the parameters of one of the original implementation.

    Parameters
    ----------
    params
        Parameters by the names of its TensorFlow variables, raw: radial functions and learned
        coefficients of dispersion before their softplus.
    cfg
        Its settings: ``F``, ``K``, ``num_blocks``, ``num_residual_atomic``,
        ``num_residual_interaction``, ``num_residual_output``, ``sr_cut`` and ``lr_cut`` (Å; NaN
        or None: no cutoff), ``use_electrostatic``, ``use_dispersion``, and ``s6``, ``s8``,
        ``a1``, ``a2``, which say whether these are fixed; see
        :func:`baselines.physnet.reference.settings`.
    total_charge
        Charge in e of the systems that are predicted.
    device
        ``"cpu"`` or ``"cuda"``.

    Returns
    -------
    A trained model in float64, of any elements up to plutonium.  The original's energies are
    in eV; as with every baseline, ``predict`` gives kcal/mol and kcal/mol/Å,
    ``calculator()`` eV and eV/Å.

    Raises
    ------
    DataError
        If a setting is not valid, or a parameter is missing, unknown or of another shape.
    """
    config = reference.settings(params, cfg, total_charge)
    model = PhysNet(config, device=device)
    elements = list(range(1, ELEMENTS))
    weights = reference.checked(params, config, "params")
    model.use({"weights": weights, "elements": elements, "energies": np.zeros(len(elements))})
    return model
