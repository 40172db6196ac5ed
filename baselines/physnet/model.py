"""PhysNet as a baseline: training, prediction, files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np

from baselines.physnet import reference
from baselines.physnet import session as backend
from baselines.physnet.config import ARCHITECTURE, PhysNetConfig
from baselines.physnet.parameters import ELEMENTS
from baselines.predicted import Predicted
from baselines.protocol import Baseline, FitResult
from baselines.toolkit import array_files
from baselines.toolkit.composition import composition_energy
from baselines.toolkit.labels import check_labels, validation_errors
from teadata import Frames, TeaError
from teadata.typing import Floats, Progress, no_progress
from teadata.units import EV

FORMAT = "tea-benchmark PhysNet 1"


class Charged(NamedTuple):
    """Energies (N,) in kcal/mol, forces (N, A, 3) in kcal/mol/Å, and charges (N, A) in e."""

    energies: Floats
    forces: Floats
    charges: Floats


class PhysNet(Baseline[PhysNetConfig]):
    """A PhysNet force field of some elements, for systems that are not periodic."""

    model_file = "model.npz"

    def __init__(self, config: PhysNetConfig, seed: int = 0, device: str = "cpu") -> None:
        super().__init__(config, seed, device)
        self._trained: dict[str, Any] | None = None
        self._network: Any = None

    def __getstate__(self) -> dict[str, Any]:
        """What is pickled: the weights, of which the network is built again when needed."""
        return self.__dict__ | {"_network": None}

    def fit(
        self, train: Frames, valid: Frames, workdir: Path, progress: Progress = no_progress
    ) -> FitResult:
        """Train, and keep the averaged weights of the validation of lowest loss.

        See :meth:`Baseline.fit`.  The workdir holds a checkpoint, from which an interrupted
        training ends, on a CPU, with the very weights of an uninterrupted one.

        Raises
        ------
        DataError
            If the frames are periodic or fewer than a batch, a label is not finite, or the
            checkpoint is another training's.
        TeaError
            If the loss is not a number.
        """
        check_labels(train, "training")
        check_labels(valid, "validation")
        with backend.session(self.device):
            from baselines.physnet.data import check_not_periodic
            from baselines.physnet.training import Training

            check_not_periodic(train)
            training = Training(self.config, self.seed, train, valid)
            training.run(workdir, progress)
        self._use(training.weights(), training.elements, training.energies)
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
        """Parameters by the original's names, elements, and their energies in kcal/mol.

        Raises
        ------
        TeaError
            If it is not trained.
        """
        if self._trained is None:
            raise TeaError("this PhysNet model is not trained: call fit, or load one")
        return self._trained

    def network(self) -> Any:
        """The traced potential, :class:`baselines.physnet.inference.Potential`."""
        values = self.trained()
        if self._network is None:
            backend.load()
            from baselines.physnet.inference import Potential

            self._network = Potential(
                self.config, self.device, values["weights"], values["elements"]
            )
        return self._network

    def predict_charged(self, frames: Frames, progress: Progress = no_progress) -> Charged:
        """Energies, forces and the atoms' charges, which add up to the total one.

        Raises
        ------
        DataError
            If the frames are periodic, have elements that the model was not trained on, or two
            atoms at the same place.
        """
        values = self.trained()
        offset = composition_energy(frames, values["elements"], values["energies"], "PhysNet")
        network = self.network()
        from baselines.physnet.data import check_not_periodic

        check_not_periodic(frames)
        count, atoms = len(frames), frames.n_atoms
        made = Charged(np.empty(count), np.empty((count, atoms, 3)), np.empty((count, atoms)))
        for start in range(0, count, self.config.valid_batch_size):
            part = slice(start, start + self.config.valid_batch_size)
            found = network.predict(frames[part])
            made.energies[part] = found.energies * EV + offset
            made.forces[part] = found.forces.reshape(-1, atoms, 3) * EV
            made.charges[part] = found.charges.reshape(-1, atoms)
            progress("predict", min(part.stop, count), count)
        return made

    def predict(self, frames: Frames, progress: Progress = no_progress) -> Predicted:
        """Energies and forces; see :meth:`Baseline.predict`.

        Raises
        ------
        DataError
            As :meth:`predict_charged`.
        """
        found = self.predict_charged(frames, progress)
        return Predicted(found.energies, found.forces)

    def save(self, path: Path) -> None:
        """Write settings, parameters by the original's names, and energies of the elements."""
        if self._trained is None:
            raise TeaError("this PhysNet model is not trained: there is nothing to save")
        array_files.write(path, FORMAT, self.config, self._trained)

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
        model._use(**trained)
        return model

    def calculator(self) -> Any:
        """An ASE calculator (eV, eV/Å) with charges (e) and dipole moment (e Å).

        Raises
        ------
        MissingExtraError
            If ASE is not installed.
        """
        from baselines.physnet.calculator import PhysNetCalculator

        return PhysNetCalculator(self)


def from_reference(
    params: Mapping[str, Any],
    cfg: Mapping[str, Any],
    total_charge: float = 0.0,
    device: str = "cpu",
) -> PhysNet:
    """A model with the parameters of one of the original implementation.

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
    model._use(reference.checked(params, config, "params"), elements, np.zeros(len(elements)))
    return model
