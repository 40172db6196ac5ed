"""MACE as a baseline: training, prediction, files."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

import numpy as np

from baselines.mace import backend
from baselines.mace.config import MACEConfig
from baselines.mace.training import Training
from baselines.predicted import Predicted
from baselines.protocol import LOG_FILE, Baseline, FitResult
from baselines.toolkit.composition import composition_energy
from baselines.toolkit.devices import frames_at_once, in_batches
from baselines.toolkit.labels import validation_errors
from baselines.toolkit.neighbours import check_cutoff
from baselines.toolkit.stepwise import check_batch
from baselines.toolkit.structures import stress_of, volumes
from baselines.toolkit.torch_files import read_model, write
from teadata import Frames
from teadata.files import atomic_write
from teadata.typing import Progress
from teadata.units import EV

FORMAT = "tea-benchmark MACE 1"

MODEL_KEYS = ("config", "numbers", "atomic_energies", "avg_num_neighbors", "state")


class MACE(Baseline[MACEConfig, dict[str, Any]]):
    """A MACE force field of some elements; trained is what :data:`MODEL_KEYS` lists."""

    title = "MACE"
    model_file = "model.pt"

    def _fit(self, train: Frames, valid: Frames, workdir: Path, progress: Progress) -> FitResult:
        """Train, and keep the averaged weights of the epoch of lowest validation loss.

        After an epoch the workdir holds a checkpoint, from which an interrupted training ends,
        on a CPU, with the very weights of an uninterrupted one.

        Raises
        ------
        DataError
            If there are fewer frames than a batch, or the checkpoint is another training's.
        UsageError
            If no two atoms are within the cutoff.
        TeaError
            If a loss is not a number.
        """
        check_batch(len(train), self.config.batch_size)
        check_cutoff(train, "r_max", self.config.r_max)
        with backend.backend(self.config, self.device, workdir / LOG_FILE):
            training = Training(self.config, self.seed, self.device, train, valid)
            for _ in training.run(workdir, progress):
                pass
            self.use(_trained(training))
            self._built = training.model.requires_grad_(False)
        self.save(workdir / self.model_file)
        return FitResult(
            {"epoch": training.best["epoch"], "epochs": len(training.curve)}
            | ({"kernels": "cuEquivariance"} if training.accelerated else {}),
            validation_errors(self.predict(valid), valid),
            training.curve,
        )

    def _build(self, trained: dict[str, Any]) -> Any:
        """Build the network, within the block of :func:`baselines.mace.backend.backend`."""
        args = backend.namespace(self.config, self.seed, self.device)
        args.avg_num_neighbors = trained["avg_num_neighbors"]
        built = backend.network(args, trained["numbers"], state=trained["state"])
        return backend.accelerated(built, self.config, self.device).requires_grad_(False)

    def _predict(self, trained: dict[str, Any], frames: Frames, progress: Progress) -> Predicted:
        """Predict energies, forces and, of frames with a cell, stress.

        Raises
        ------
        DataError
            If the frames have elements that the model was not trained on.
        """
        with backend.backend(self.config, self.device):
            network, numbers = self.built(), trained["numbers"]
            energies = np.empty(len(frames))
            forces = np.empty(frames.positions.shape)
            virials = np.zeros((len(frames), 3, 3))
            energies_of = trained["atomic_energies"].numpy()
            offset = composition_energy(frames, numbers, energies_of, self.title)
            least = self.config.valid_batch_size
            most = frames_at_once(self.device, least, frames.n_atoms)

            def evaluate(part: slice) -> dict[str, Any]:
                return self._batch(network, frames[part], numbers)

            for part, outputs in in_batches(evaluate, len(frames), most, least):
                energies[part] = (outputs["energy"] + offset) * EV
                forces[part] = outputs["forces"].reshape(forces[part].shape) * EV
                if "virials" in outputs:
                    virials[part] = outputs["virials"] * -EV
                progress("predict", part.stop, len(frames))
        # Not mace-torch's stress: of a slab its cell is another one than ours.
        return Predicted(energies, forces, stress_of(virials, frames))

    def _batch(self, network: Any, frames: Frames, numbers: list[int]) -> dict[str, Any]:
        """Compute interaction energies (n,), forces (n·A, 3) and virials (n, 3, 3) in eV and Å."""
        inputs = backend.inputs(frames, numbers, self.config.r_max, self.device)
        outputs = network(inputs, compute_virials=volumes(frames) is not None)
        return {
            name: outputs[name].detach().cpu().numpy().astype(np.float64)
            for name in ("energy", "forces", "virials")
            if outputs[name] is not None
        }

    def _save(self, trained: dict[str, Any], path: Path) -> None:
        """Write weights and architecture, as tensors, numbers and text."""
        write(path, {"format": FORMAT} | trained)

    @classmethod
    def load(cls, path: Path, config: MACEConfig, device: str = "cpu") -> Self:
        """Read a model that :meth:`save` wrote; its architecture is the file's.

        Raises
        ------
        DataError
            If the file is not such a model.
        """
        with backend.backend(config, device):
            trained = read_model(path, "a MACE model", FORMAT, MODEL_KEYS, MACEConfig)
        settings = MACEConfig.model_validate(trained["config"])
        model = cls(settings, device=device)
        model.use(trained)
        return model

    def torch_sim_model(self) -> Any:
        """Make a model of torch-sim: total energies in eV, forces in eV/Å.

        Raises
        ------
        MissingExtraError
            If torch-sim is not installed.
        """
        from baselines.mace.torch_sim_model import torch_sim_model

        with backend.backend(self.config, self.device):
            trained = self.trained()
            energies = trained["atomic_energies"]
            return torch_sim_model(self.built(), self.device, trained["numbers"], energies)

    def export(self, path: Path) -> None:
        """Write a ``.model`` file of mace-torch, which its calculator and converters read.

        In the model's dtype, the energies of the elements included: of a float32 model the
        total energies are less exact there than here.
        """
        import torch

        with backend.backend(self.config, "cpu"):
            source = MACE(self.config)
            trained = self.trained()
            source.use(trained)
            network = source.built()
            energies = network.atomic_energies_fn.atomic_energies
            energies.copy_(trained["atomic_energies"].reshape(energies.shape))
            with atomic_write(path) as partial:
                torch.save(network, partial)


def _trained(training: Training) -> dict[str, Any]:
    """Collect what predictions need of a training; tensors, numbers and text only."""
    import torch

    training.model.load_state_dict(training.best["state"])
    state = backend.portable(training.model, training.config, training.device).state_dict()
    return {
        "config": training.config.model_dump(mode="json"),
        "numbers": training.numbers,
        "atomic_energies": torch.tensor(training.energies, dtype=torch.float64),
        "avg_num_neighbors": float(training.args.avg_num_neighbors),
        "state": {name: value.detach().cpu() for name, value in state.items()},
    }
