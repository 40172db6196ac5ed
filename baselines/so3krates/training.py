"""The loop over steps: compiled beforehand, resumable, and with the best weights kept."""

from __future__ import annotations

import math
from functools import partial
from itertools import takewhile
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

from baselines.protocol import LOG_FILE
from baselines.so3krates.checkpoints import Checkpoints
from baselines.so3krates.config import SO3kratesConfig
from baselines.so3krates.data import Labelled, Resident, element_energies
from baselines.so3krates.network import Network
from baselines.so3krates.pairs import joined
from baselines.so3krates.potential import evaluate
from baselines.toolkit.stepwise import CHUNK, TrainingLoop, validation_entry
from teadata import Frames, TeaError
from teadata.errors import DataError
from teadata.typing import Progress

Array = Any

RESTARTS = 3
"""Returns to the best weights in a row after which a training gives up."""


class State(NamedTuple):
    """The state that a step changes: weights, their moving average (or None), optimiser."""

    weights: Any
    average: Any
    optimiser: Any


def learning_rate(config: SO3kratesConfig, step: Array) -> Array:
    """Return the learning rate at `step`."""
    return config.lr * config.lr_decay ** (step / config.lr_decay_steps)


def optimiser(config: SO3kratesConfig) -> optax.GradientTransformation:
    """Make Adam with the published constants; its schedule goes on when Adam starts anew."""
    clip = [] if config.clip_grad is None else [optax.clip_by_global_norm(config.clip_grad)]
    return optax.chain(
        *clip,
        optax.scale_by_adam(b1=0.9, b2=0.999, eps=1e-8),
        optax.scale_by_learning_rate(partial(learning_rate, config)),
    )


def loss_function(
    config: SO3kratesConfig, definition: Any, numbers: Array, weights: Any, batch: Labelled
) -> tuple[Array, tuple[Array, Array]]:
    """Compute the loss of a batch, and its errors: energies (B,) in eV, forces (B, A, 3) in eV/Å.

    w_E · mean (ΔE)² + w_F · mean (ΔF)² over frames and force components, w_E + w_F = 1.
    """
    frames = len(batch.energies)
    graph = joined(batch.listed, len(numbers))
    outcome = evaluate(definition, weights, jnp.tile(numbers, frames), graph, frames)
    energy, force = outcome.energies - batch.energies, outcome.forces - batch.forces
    total = config.energy_weight + config.forces_weight
    loss = config.energy_weight / total * jnp.mean(
        energy**2
    ) + config.forces_weight / total * jnp.mean(force**2)
    return loss, (energy, force)


class Training(TrainingLoop[SO3kratesConfig]):
    """A training at some step.

    Parameters
    ----------
    config, seed, train, valid
        See :class:`baselines.toolkit.stepwise.TrainingLoop`.

    Attributes
    ----------
    kept
        Weights of the validation of lowest loss.
    steps
        The compiled training steps, by length of neighbour lists.
    """

    def __init__(self, config: SO3kratesConfig, seed: int, train: Frames, valid: Frames) -> None:
        elements, energies = element_energies(config, train)
        super().__init__(config, seed, train, valid, elements, energies, "SO3krates")
        self.train = Resident.of(config, train, self.offset, config.buckets)
        self.valid = Resident.of(config, valid, self.offset, 1)
        self.total = min(self.total, self._allowed())
        self.numbers = jnp.asarray(train.numbers, jnp.int32)
        self.definition, weights = nnx.split(Network(config, nnx.Rngs(seed)))
        self.optimiser = optimiser(config)
        average = None if config.ema_decay is None else jax.tree.map(jnp.copy, weights)
        self.state = State(weights, average, self.optimiser.init(weights))
        self.kept = jax.tree.map(jnp.copy, weights)
        self.steps: dict[int, Any] = {}

    def _allowed(self) -> int:
        """Count the steps before the learning rate is too low."""
        config = self.config
        if config.lr_stop is None or config.lr_decay == 1:
            return self.total
        if config.lr <= config.lr_stop:
            raise DataError(f"lr is {config.lr}, not above lr_stop, {config.lr_stop}")
        allowed = config.lr_decay_steps * math.log(config.lr_stop / config.lr, config.lr_decay)
        return math.ceil(allowed)

    # -- compiled functions

    def _step(
        self, state: State, seen: Array, frames: Labelled, chosen: Array, *, length: int
    ) -> tuple[State, Array]:
        """Take one step of training; its loss is added to the sum of those before."""
        loss = partial(loss_function, self.config, self.definition, self.numbers)
        batch = frames.batch(chosen, length)
        (value, _), slopes = jax.value_and_grad(loss, has_aux=True)(state.weights, batch)
        updates, inner = self.optimiser.update(slopes, state.optimiser, state.weights)
        weights = optax.apply_updates(state.weights, updates)
        average, decay = state.average, self.config.ema_decay
        if decay is not None:
            average = jax.tree.map(lambda a, w: decay * a + (1 - decay) * w, average, weights)
        return State(weights, average, inner), seen + value

    def compile(self) -> None:
        """Compile the step for every length there is, and the validation.

        A compiled function refuses any other shape: the loop cannot compile again.
        """
        seen = jnp.zeros((), self.config.dtype)
        chosen = jnp.zeros(self.config.batch_size, jnp.int32)
        for length in self.train.buckets:
            step = jax.jit(partial(self._step, length=length), donate_argnums=(0, 1))
            self.steps[length] = step.lower(self.state, seen, self.train.frames, chosen).compile()
        count = min(self.config.valid_batch_size, len(self.valid))
        self.validate = (
            jax.jit(self._errors)
            .lower(
                self.state.weights, self.valid.frames, jnp.zeros(count, jnp.int32),
                jnp.zeros(count, bool),
            )
            .compile()
        )  # fmt: skip

    def _errors(self, weights: Any, frames: Labelled, chosen: Array, used: Array) -> Array:
        """Sum (ΔE)², |ΔE|, mean (ΔF)² and mean |ΔF| over frames, (4,)."""
        batch = frames.batch(chosen, self.valid.buckets[-1])
        loss = partial(loss_function, self.config, self.definition, self.numbers)
        _, (energy, force) = loss(weights, batch)
        per_frame = jnp.stack(
            [energy**2, abs(energy), (force**2).mean((1, 2)), abs(force).mean((1, 2))]
        )
        return jnp.where(used, per_frame, 0.0).sum(axis=1)

    # -- the loop

    def _validation(self) -> dict[str, float]:
        """Validate the weights, or their average; the loss is in eV."""
        config, count = self.config, min(self.config.valid_batch_size, len(self.valid))
        weights = self.state.weights if config.ema_decay is None else self.state.average
        sums = []
        for start in range(0, len(self.valid), count):
            chosen = np.arange(start, start + count)
            used = chosen < len(self.valid)
            sums.append(
                self.validate(
                    weights, self.valid.frames,
                    jnp.asarray(np.where(used, chosen, 0), jnp.int32), jnp.asarray(used),
                )
            )  # fmt: skip
        means = np.sum([np.asarray(each, np.float64) for each in sums], axis=0) / len(self.valid)
        total = config.energy_weight + config.forces_weight
        loss = (config.energy_weight * means[0] + config.forces_weight * means[2]) / total
        return validation_entry(loss, means[1], means[0], means[3], means[2])

    def _rate(self) -> float:
        return float(learning_rate(self.config, self.step))

    def _advance(self, progress: Progress) -> float:
        start, behind = self.step, None
        seen = jnp.zeros((), self.config.dtype)
        for number, chosen in enumerate(self._batches(progress), 1):
            compiled = self.steps[self.train.length(chosen)]
            self.state, seen = compiled(
                self.state, seen, self.train.frames, jnp.asarray(chosen, jnp.int32)
            )
            if number % CHUNK == 0:
                # Wait for the chunk before, while the device is at this one.
                if behind is not None:
                    behind.block_until_ready()
                behind = seen + 0
        return float(seen) / (self.step - start)

    def _keep(self) -> None:
        weights = self.state.weights if self.state.average is None else self.state.average
        self.kept = jax.tree.map(jnp.copy, weights)

    def _on_nan(self) -> None:
        """Go back to the best weights, with a new optimiser whose schedule goes on."""
        restarts = 1 + len(list(takewhile(_wrong, reversed(self.curve))))
        if restarts > RESTARTS or not self.best:
            raise TeaError(
                f"the loss is not a number before step {self.step}, and going back to the best "
                "weights did not help; lower lr, set clip_grad, or look for unphysical frames"
            )
        fresh = self.optimiser.init(self.kept)
        inner = (*fresh[:-1], self.state.optimiser[-1])
        weights = jax.tree.map(jnp.copy, self.kept)
        average = None if self.state.average is None else jax.tree.map(jnp.copy, self.kept)
        self.state = State(weights, average, inner)

    def run(self, workdir: Path, progress: Progress) -> None:
        """Train to the end from the checkpoint there is, with checkpoints on the way.

        Raises
        ------
        DataError
            If the checkpoint cannot be read, or is another training's.
        TeaError
            If losses are no numbers, again and again.
        """
        checkpoints = Checkpoints(workdir, self.identity)
        try:
            self._restore(checkpoints)
            if self.finished:
                return
            self.compile()
            self._to_the_end(workdir / LOG_FILE, progress, lambda: self._save(checkpoints))
        finally:
            checkpoints.close()

    def _save(self, checkpoints: Checkpoints) -> None:
        notes = {"curve": self.curve, "best": self.best}
        checkpoints.save(self.step, (self.state, self.kept), notes)

    def _restore(self, checkpoints: Checkpoints) -> None:
        restored = checkpoints.restore((self.state, self.kept))
        if restored is None:
            return
        self.step, (self.state, self.kept), notes = restored
        self.curve, self.best = notes["curve"], notes["best"]


def _wrong(entry: dict[str, float]) -> bool:
    """Tell whether a loss of an entry of the curve is not finite."""
    return not math.isfinite(entry["train_loss"] + entry["valid_loss"])
