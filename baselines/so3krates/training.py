"""The loop over steps: compiled beforehand, resumable, and with the best weights kept."""

from __future__ import annotations

import math
import time
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

from baselines.composition import composition_energy
from baselines.order import Order
from baselines.protocol import LOG_FILE, Progress
from baselines.so3krates import offsets
from baselines.so3krates.checkpoints import Checkpoints
from baselines.so3krates.config import SO3kratesConfig
from baselines.so3krates.data import Labelled, Resident
from baselines.so3krates.network import Network
from baselines.so3krates.pairs import joined
from baselines.so3krates.potential import evaluate
from teadata import Frames, TeaError
from teadata.errors import DataError
from teadata.units import EV

Array = Any

CHUNK = 16
"""Steps between two looks at what the device has done; it is one such chunk ahead."""

CHECKPOINT_COST = 0.01
"""Share of the training time that checkpoints may take; one is made after a validation at most."""

RESTARTS = 3
"""After so many returns to the best weights in a row, a training gives up."""


class State(NamedTuple):
    """What a step changes: weights, their moving average (or None), state of the optimiser."""

    weights: Any
    average: Any
    optimiser: Any


def learning_rate(config: SO3kratesConfig, step: Array) -> Array:
    """That of the step after so many."""
    return config.lr * config.lr_decay ** (step / config.lr_decay_steps)


def optimiser(config: SO3kratesConfig) -> optax.GradientTransformation:
    """Adam with the published constants, and a schedule that goes on when Adam starts anew."""
    clip = [] if config.clip_grad is None else [optax.clip_by_global_norm(config.clip_grad)]
    return optax.chain(
        *clip,
        optax.scale_by_adam(b1=0.9, b2=0.999, eps=1e-8),
        optax.scale_by_learning_rate(partial(learning_rate, config)),
    )


def loss_function(
    config: SO3kratesConfig, definition: Any, numbers: Array, weights: Any, batch: Labelled
) -> tuple[Array, tuple[Array, Array]]:
    """Loss of a batch, and the errors of energies (B,) in eV and of forces (B, A, 3) in eV/Å.

    w_E · mean (ΔE)² + w_F · mean (ΔF)² over frames and force components, w_E + w_F = 1.
    """
    frames = len(batch.energies)
    graph = joined(batch.listed, len(numbers))
    found = evaluate(definition, weights, jnp.tile(numbers, frames), graph, frames)
    energy, force = found.energies - batch.energies, found.forces - batch.forces
    total = config.energy_weight + config.forces_weight
    loss = config.energy_weight / total * jnp.mean(
        energy**2
    ) + config.forces_weight / total * jnp.mean(force**2)
    return loss, (energy, force)


class Training:
    """A training at some step.

    Parameters
    ----------
    config
        The settings.
    seed
        Of the initial weights and of the order of the frames.
    train, valid
        Frames of one system, in kcal/mol and Å.

    Attributes
    ----------
    curve
        An entry per validation.
    best
        ``{"step", "loss"}`` of the validation of lowest loss; its weights are in `kept`.
    steps
        The compiled training steps, by length of neighbour lists.
    """

    def __init__(self, config: SO3kratesConfig, seed: int, train: Frames, valid: Frames) -> None:
        if len(train) < config.batch_size:
            raise DataError(
                f"{len(train)} training frames, expected at least {config.batch_size}: a batch "
                "that is not full is not trained on; take more frames (--size), or lower "
                "batch_size"
            )
        self.config, self.seed = config, seed
        self.elements, self.energies = offsets.element_energies(config, train)
        offset = composition_energy(train, self.elements, self.energies, "SO3krates")
        self.train = Resident.of(config, train, offset, config.buckets)
        self.valid = Resident.of(config, valid, offset, 1)
        self.order = Order(seed, len(train), config.batch_size)
        self.total = self._total()
        self.interval = min(config.eval_every or self.order.per_epoch, self.total)
        self.numbers = jnp.asarray(train.numbers, jnp.int32)
        self.definition, weights = nnx.split(Network(config, nnx.Rngs(seed)))
        self.optimiser = optimiser(config)
        average = None if config.ema_decay is None else jax.tree.map(jnp.copy, weights)
        self.state = State(weights, average, self.optimiser.init(weights))
        self.kept = jax.tree.map(jnp.copy, weights)
        self.step = 0
        self.curve: list[dict[str, float]] = []
        self.best: dict[str, float] = {}
        self.restarts = 0
        self.steps: dict[int, Any] = {}

    def _total(self) -> int:
        """Steps of the whole training; it ends before the learning rate is too low."""
        config, total = self.config, self.order.total(self.config.steps)
        if config.lr_stop is None or config.lr_decay == 1:
            return total
        if config.lr <= config.lr_stop:
            raise DataError(f"lr is {config.lr}, not above lr_stop, {config.lr_stop}")
        allowed = config.lr_decay_steps * math.log(config.lr_stop / config.lr, config.lr_decay)
        return min(total, math.ceil(allowed))

    # -- compiled functions

    def _step(
        self, state: State, seen: Array, frames: Labelled, chosen: Array, *, length: int
    ) -> tuple[State, Array]:
        """One step of training; the loss is added to those seen."""
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
        """Sums over frames of (ΔE)², |ΔE|, mean (ΔF)² and mean |ΔF|, (4,)."""
        batch = frames.batch(chosen, self.valid.buckets[-1])
        loss = partial(loss_function, self.config, self.definition, self.numbers)
        _, (energy, force) = loss(weights, batch)
        per_frame = jnp.stack(
            [energy**2, abs(energy), (force**2).mean((1, 2)), abs(force).mean((1, 2))]
        )
        return jnp.where(used, per_frame, 0.0).sum(axis=1)

    # -- the loop

    @property
    def finished(self) -> bool:
        """Whether all steps are done."""
        return self.step >= self.total

    def _validation(self) -> dict[str, float]:
        """Loss, MAE and RMSE on the validation frames, in kcal/mol but for the loss (eV)."""
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
        return {
            "valid_loss": float(
                (config.energy_weight * means[0] + config.forces_weight * means[2]) / total
            ),
            "energy_mae": float(means[1]) * EV,
            "energy_rmse": math.sqrt(means[0]) * EV,
            "force_mae": float(means[3]) * EV,
            "force_rmse": math.sqrt(means[2]) * EV,
        }

    def _task(self) -> str:
        if not self.best:
            return "steps"
        error = next(e["force_mae"] for e in self.curve if e["step"] == self.best["step"])
        return f"steps, best valid F MAE {error:.3f} kcal/mol/Å"

    def _advance(self, progress: Progress) -> float:
        """Train to the next validation; the mean loss."""
        start, stop = self.step, min(self.total, (self.step // self.interval + 1) * self.interval)
        seen = jnp.zeros((), self.config.dtype)
        task, behind = self._task(), None
        while self.step < stop:
            number, first = divmod(self.step, self.order.per_epoch)
            for chosen in self.order.epoch(number)[first : first + stop - self.step]:
                compiled = self.steps[self.train.length(chosen)]
                self.state, seen = compiled(
                    self.state, seen, self.train.frames, jnp.asarray(chosen, jnp.int32)
                )
                self.step += 1
                if self.step % CHUNK == 0 or self.step == stop:
                    # Wait for the chunk before, while the device is at this one.
                    if behind is not None:
                        behind.block_until_ready()
                    behind = seen + 0
                    progress(task, self.step, self.total)
        return float(seen) / (stop - start)

    def interval_entry(self, progress: Progress) -> dict[str, float]:
        """Train to the next validation and validate; the entry of the curve.

        Raises
        ------
        TeaError
            If losses are no numbers, again and again.
        """
        began = time.perf_counter()
        rate = float(learning_rate(self.config, self.step))
        loss = self._advance(progress)
        found = self._validation()
        entry = {"step": self.step, "train_loss": loss} | found | {"lr": rate}
        if math.isfinite(loss) and math.isfinite(found["valid_loss"]):
            self.restarts = 0
            if not self.best or found["valid_loss"] < self.best["loss"]:
                self.best = {"step": self.step, "loss": found["valid_loss"]}
                weights = self.state.weights if self.state.average is None else self.state.average
                self.kept = jax.tree.map(jnp.copy, weights)
        else:
            self._restart()
        entry["seconds"] = time.perf_counter() - began
        self.curve.append(entry)
        return entry

    def _restart(self) -> None:
        """Back to the best weights, with a new optimiser, whose schedule goes on."""
        self.restarts += 1
        if self.restarts > RESTARTS or not self.best:
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
        identity = {"config": self.config.model_dump(mode="json"), "seed": self.seed}
        checkpoints = Checkpoints(workdir, identity)
        try:
            self._restore(checkpoints)
            if self.finished:
                return
            self.compile()
            written, cost = time.perf_counter(), 0.0
            with open(workdir / LOG_FILE, "a", encoding="utf-8") as log:
                while not self.finished:
                    entry = self.interval_entry(progress)
                    log.write(", ".join(f"{key} {value:.6g}" for key, value in entry.items()))
                    log.write("\n")
                    log.flush()
                    start = time.perf_counter()
                    if self.finished or (start - written) * CHECKPOINT_COST >= cost:
                        notes = {"curve": self.curve, "best": self.best, "restarts": self.restarts}
                        checkpoints.save(self.step, (self.state, self.kept), notes)
                        written = time.perf_counter()
                        cost = written - start
        finally:
            checkpoints.close()

    def _restore(self, checkpoints: Checkpoints) -> None:
        found = checkpoints.restore((self.state, self.kept))
        if found is None:
            return
        self.step, (self.state, self.kept), notes = found
        self.curve, self.best, self.restarts = (
            notes[name] for name in ("curve", "best", "restarts")
        )
