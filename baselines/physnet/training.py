"""The loop over steps: traced once, resumable, and with the best average of the weights kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from baselines.physnet import inference, parameters
from baselines.physnet.checkpoints import Checkpoint
from baselines.physnet.config import PhysNetConfig
from baselines.physnet.data import Labelled, batch, labelled
from baselines.physnet.optimiser import State, learning_rate, updated
from baselines.physnet.potential import Outcome, with_forces
from baselines.protocol import LOG_FILE
from baselines.toolkit.stepwise import CHUNK, TrainingLoop, validation_entry
from teadata import Frames, TeaError
from teadata.typing import Progress
from teadata.units import EV

Tensor = Any


def loss_of(
    config: PhysNetConfig, outcome: Outcome, totals: Tensor, energies: Tensor, forces: Tensor
) -> Tensor:
    """Compute the loss of a batch from mean absolute errors (eV, eV/Å, e) and the penalty.

    Parameters
    ----------
    config
        The settings.
    outcome
        What the model says of B frames of n atoms in all.
    totals
        (B,) sums of their charges before these are corrected, in e.
    energies, forces
        Labels (B,) in eV and (n, 3) in eV/Å.
    """
    return (
        tf.reduce_mean(tf.abs(outcome.energies - energies))
        + config.forces_weight * tf.reduce_mean(tf.abs(outcome.forces - forces))
        + config.charge_weight * tf.reduce_mean(tf.abs(totals - config.total_charge))
        + config.nh_weight * outcome.outputs.penalty
    )


class Training(TrainingLoop[PhysNetConfig]):
    """A training at some step.

    Parameters
    ----------
    config, seed, train, valid
        See :class:`baselines.toolkit.stepwise.TrainingLoop`.

    Attributes
    ----------
    kept
        Averaged weights of the validation of lowest loss.
    step_function, errors_function
        One step of training, and errors of some frames; each is traced once.
    """

    def __init__(self, config: PhysNetConfig, seed: int, train: Frames, valid: Frames) -> None:
        elements: list[int] = np.unique(train.numbers).tolist()
        # Their mean is taken off the energies, the same share of it for every atom.
        energies = np.full(len(elements), train.energies.mean() / train.n_atoms)
        super().__init__(config, seed, train, valid, elements, energies, "PhysNet")
        self.train = labelled(config, train, self.offset)
        self.valid = labelled(config, valid, self.offset)
        self.tables = inference.tables(self.elements, config.dtype)
        self.one, self.other = (
            tf.constant(end, tf.int32) for end in np.triu_indices(train.n_atoms, 1)
        )
        self._make_functions()
        start = self._initial(train)
        nothing = np.zeros_like(start)
        self.state = State(*map(tf.Variable, (start, start, nothing, nothing, nothing)))
        self.kept = self.state.average.numpy()

    def _initial(self, train: Frames) -> Any:
        """Draw the parameters before training, as one vector.

        The elements' energies take what dispersion adds to every frame off again, so that the
        energies that are to be learned have the mean zero.
        """
        config = self.config
        scale = 1.0
        if config.scale_by == "std":
            scale = float(train.energies.std()) / EV / train.n_atoms or 1.0
        start = parameters.initial(config, self.seed, 0.0, scale)
        vector = tf.constant(parameters.joined(config, start), config.dtype)
        added = float(np.mean(self._of_frames(vector, self.train)[:, 0]))
        start = parameters.initial(config, self.seed, -added / train.n_atoms, scale)
        return parameters.joined(config, start).astype(config.dtype)

    # -- what TensorFlow calculates

    def _outcome(
        self, vector: Tensor, frames: Labelled, chosen: Tensor
    ) -> tuple[Outcome, Tensor, Tensor, Tensor]:
        """Evaluate some frames: outcome, labels of energies and forces, and sums of charges."""
        graph = batch(self.config, frames, chosen, self.one, self.other)
        weights = parameters.tensors(self.config, vector)
        outcome = with_forces(self.config, weights, self.tables, graph)
        totals = tf.reduce_sum(tf.reshape(outcome.uncorrected, [tf.shape(chosen)[0], -1]), axis=1)
        energies = tf.gather(frames.energies, chosen)
        forces = tf.reshape(tf.gather(frames.forces, chosen), [-1, 3])
        return outcome, energies, forces, totals

    def _step(self, chosen: Tensor, step: Tensor) -> Tensor:
        """Take one step of training with some frames, and return its loss."""
        config, state = self.config, self.state
        vector = state.weights.read_value()
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(vector)
            outcome, energies, forces, totals = self._outcome(vector, self.train, chosen)
            loss = loss_of(config, outcome, totals, energies, forces)
        slope = tape.gradient(loss, vector)
        after = updated(config, State(*(part.read_value() for part in state)), slope, step)
        for part, value in zip(state, after, strict=True):
            part.assign(value)
        return loss

    def _errors(self, vector: Tensor, frames: Labelled, chosen: Tensor) -> Tensor:
        """Compute for some frames (B, 6): energy, ΔE, mean |ΔF| and (ΔF)², |ΔQ|, penalty."""
        outcome, energies, forces, totals = self._outcome(vector, frames, chosen)
        wrong = tf.reshape(outcome.forces - forces, [tf.shape(chosen)[0], -1])
        return tf.stack(
            [
                outcome.energies,
                outcome.energies - energies,
                tf.reduce_mean(tf.abs(wrong), axis=1),
                tf.reduce_mean(wrong**2, axis=1),
                tf.abs(totals - self.config.total_charge),
                tf.fill(tf.shape(totals), outcome.outputs.penalty),
            ],
            axis=1,
        )

    def _make_functions(self) -> None:
        config = self.config
        self.step_function = tf.function(
            self._step,
            autograph=False,
            jit_compile=config.jit_compile,
            input_signature=[
                tf.TensorSpec([config.batch_size], tf.int32), tf.TensorSpec([], tf.float64)
            ],
        )  # fmt: skip
        of_frames = Labelled(
            tf.TensorSpec(self.train.numbers.shape, tf.int32),
            *(tf.TensorSpec([None, *part.shape[1:]], part.dtype) for part in self.train[1:4]),
            *(tf.TensorSpec([None, None], tf.int32) for _ in range(2)),
        )
        self.errors_function = tf.function(
            self._errors,
            autograph=False,
            input_signature=[
                tf.TensorSpec([None], config.dtype), of_frames, tf.TensorSpec([None], tf.int32)
            ],
        )  # fmt: skip

    def _of_frames(self, vector: Tensor, frames: Labelled) -> Any:
        """Compute :meth:`_errors` of all frames, (N, 6)."""
        count, size = len(frames.energies), self.config.valid_batch_size
        parts = [
            self.errors_function(vector, frames, tf.range(start, min(start + size, count)))
            for start in range(0, count, size)
        ]
        return np.concatenate([np.asarray(part, np.float64) for part in parts])

    # -- the loop

    @property
    def finished(self) -> bool:
        """Whether all steps are done, or `patience` validations in a row were no better."""
        patience = self.config.patience
        if self.step >= self.total:
            return True
        if patience is None or not self.best:
            return False
        return sum(entry["step"] > self.best["step"] for entry in self.curve) >= patience

    def weights(self) -> dict[str, Any]:
        """Return the kept parameters by name."""
        return parameters.named(self.config, self.kept)

    def _validation(self) -> dict[str, float]:
        """Validate the averaged weights; the loss is in eV."""
        config = self.config
        errors = self._of_frames(self.state.average.read_value(), self.valid)
        _, energy, force, square, charge, penalty = errors.T
        energy_mae, force_mae = np.abs(energy).mean(), force.mean()
        loss = (
            energy_mae
            + config.forces_weight * force_mae
            + config.charge_weight * charge.mean()
            + config.nh_weight * penalty.mean()
        )
        return validation_entry(loss, energy_mae, (energy**2).mean(), force_mae, square.mean())

    def _rate(self) -> float:
        return float(learning_rate(self.config, self.step))

    def _advance(self, progress: Progress) -> float:
        losses: list[float] = []
        ahead: list[Tensor] = []
        for chosen in self._batches(progress):
            step = tf.constant(self.step, tf.float64)
            ahead.append(self.step_function(tf.constant(chosen, tf.int32), step))
            if len(ahead) == 2 * CHUNK:
                # Wait for the chunk before, while the device is at this one: what XLA compiled
                # returns at once, and every step that waits to be run has its own state in memory.
                losses.extend(map(float, ahead[:CHUNK]))
                del ahead[:CHUNK]
        return float(np.mean([*losses, *map(float, ahead)]))

    def _keep(self) -> None:
        self.kept = self.state.average.numpy()

    def _on_nan(self) -> None:
        raise TeaError(
            f"the loss is not a number before step {self.step}; lower lr or clip_grad, or look "
            "for unphysical frames"
        )

    def run(self, workdir: Path, progress: Progress) -> None:
        """Train to the end from the checkpoint there is, with checkpoints on the way.

        Raises
        ------
        DataError
            If the checkpoint cannot be read, or is another training's.
        TeaError
            If the loss is not a number.
        """
        checkpoint = Checkpoint(workdir, self.identity)
        self._restore(checkpoint)
        self._to_the_end(workdir / LOG_FILE, progress, lambda: self._save(checkpoint))

    def _save(self, checkpoint: Checkpoint) -> None:
        arrays = {name: part.numpy() for name, part in self.state._asdict().items()}
        checkpoint.save(arrays | {"kept": self.kept}, {"curve": self.curve, "best": self.best})

    def _restore(self, checkpoint: Checkpoint) -> None:
        restored = checkpoint.restore()
        if restored is None:
            return
        arrays, notes = restored
        for name, part in self.state._asdict().items():
            part.assign(arrays[name])
        self.kept, self.curve, self.best = arrays["kept"], notes["curve"], notes["best"]
        self.step = int(self.curve[-1]["step"])
