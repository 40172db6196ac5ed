"""The loop over epochs: resumable, and with an end to its patience."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from baselines.mace import backend
from baselines.mace.config import MACEConfig
from baselines.protocol import LOG_FILE
from baselines.toolkit.composition import composition_energy
from baselines.toolkit.identity import check_identity, identity_of
from baselines.toolkit.stepwise import CheckpointSchedule
from baselines.toolkit.torch_files import read, write
from teadata import Frames, TeaError
from teadata.errors import DataError
from teadata.typing import Progress
from teadata.units import EV

CHECKPOINT_FILE = "checkpoint.pt"

KERNELS = {
    True: "with cuEquivariance's kernels",
    False: "without cuEquivariance's kernels",
}

CHANGE = {
    True: "python -m pip install cuequivariance-torch cuequivariance-ops-torch-cu12",
    False: "python -m pip uninstall cuequivariance-torch",
}
"""The command that makes the packages fit a checkpoint with these kernels, or without."""


class Steps:
    """Takes what mace-torch logs of each training step: the loss, and that it was done."""

    def __init__(self, progress: Progress, total: int, log: Path) -> None:
        self.progress, self.total, self.log_file = progress, total, log
        self.task, self.before = "epoch 1", 0
        self.losses: list[float] = []

    def start(self, task: str, before: int) -> None:
        """Begin an epoch after `before` steps."""
        self.task, self.before, self.losses = task, before, []

    def log(self, step: dict[str, Any]) -> None:
        """Take one step.

        Raises
        ------
        TeaError
            If its loss is not a number.
        """
        loss = float(step["loss"])
        if not math.isfinite(loss):
            raise TeaError(
                f"the loss became {loss} in step {len(self.losses) + 1} of {self.task}; lower lr, "
                f"set clip_grad, look for unphysical frames, and see {self.log_file}"
            )
        self.losses.append(loss)
        self.progress(self.task, self.before + len(self.losses), self.total)


class Training:
    """A training at some epoch.

    Parameters
    ----------
    config
        The settings.
    seed, device
        Seed of weights and of the order of frames; where to train.
    train, valid
        In kcal/mol and Å.

    Attributes
    ----------
    accelerated
        Whether it uses cuEquivariance's kernels.
    curve
        An entry per epoch.
    best
        ``{"epoch", "loss", "state"}`` of the epoch of lowest validation loss, the state on the
        CPU and with averaged weights; empty before the first.
    """

    def __init__(
        self, config: MACEConfig, seed: int, device: str, train: Frames, valid: Frames
    ) -> None:
        import torch
        from mace.modules import compute_avg_num_neighbors
        from mace.tools.scripts_utils import (
            LRScheduler,
            get_loss_fn,
            get_optimizer,
            get_params_options,
        )
        from torch_ema import ExponentialMovingAverage

        self.config, self.seed, self.device = config, seed, device
        self.identity = identity_of(config, seed, train, valid)
        self.numbers, self.energies = backend.atomic_energies(train)
        self.args = backend.namespace(config, seed, device)
        offset = composition_energy(train, self.numbers, self.energies, "MACE")
        train_set, valid_set = (
            backend.graphs(frames, self.numbers, config.r_max, offset) for frames in (train, valid)
        )
        self.train_loader = backend.loader(train_set, config.batch_size, seed)
        self.valid_loader = backend.loader(valid_set, config.valid_batch_size)
        # In this order, as mace_run_train: each of the two passes over the frames draws from
        # the generator that also orders them in the epochs to come.
        torch.manual_seed(seed)
        self.args.avg_num_neighbors = compute_avg_num_neighbors(self.train_loader)
        model = backend.network(self.args, self.numbers, labelled=self.train_loader)
        backend.keep_on(device, self.train_loader, self.valid_loader)
        self.accelerated = backend.can_accelerate(config, device)
        self.model = backend.accelerated(model, config, device)
        self.loss = get_loss_fn(self.args, dipole_only=False, compute_dipole=False)
        self.optimizer = get_optimizer(self.args, get_params_options(self.args, self.model))
        self.scheduler = LRScheduler(self.optimizer, self.args)
        self.ema = (
            ExponentialMovingAverage(self.model.parameters(), decay=config.ema_decay)
            if config.ema_decay is not None
            else None
        )
        self.curve: list[dict[str, float]] = []
        self.best: dict[str, Any] = {}

    @property
    def finished(self) -> bool:
        """Whether patience or the epochs are at their end."""
        epoch = len(self.curve)
        return epoch >= self.config.max_num_epochs or (
            bool(self.best) and epoch - self.best["epoch"] >= self.config.patience
        )

    def _outputs(self) -> dict[str, Any]:
        return {
            "device": self.args.device,
            "output_args": {"forces": True, "virials": False, "stress": False},
        }

    def _averaged(self) -> AbstractContextManager[Any]:
        return nullcontext() if self.ema is None else self.ema.average_parameters()

    def epoch(self, steps: Steps) -> dict[str, float]:
        """Train for one epoch, validate, and return the new entry of the curve.

        Raises
        ------
        TeaError
            If a loss is not a number.
        """
        from mace.tools.train import evaluate, train_one_epoch

        start, done = time.perf_counter(), len(self.curve)
        rate = self.optimizer.param_groups[0]["lr"]
        steps.start(self._task(), done * len(self.train_loader))
        train_one_epoch(
            model=self.model,
            loss_fn=self.loss,
            data_loader=self.train_loader,
            optimizer=self.optimizer,
            epoch=done,
            max_grad_norm=self.config.clip_grad,
            ema=self.ema,
            logger=steps,
            distributed=False,
            **self._outputs(),
        )
        with self._averaged():
            loss, metrics = evaluate(
                model=self.model,
                loss_fn=self.loss,
                data_loader=self.valid_loader,
                **self._outputs(),
            )
            if not math.isfinite(loss):
                raise TeaError(
                    f"the validation loss became {loss} in epoch {done + 1}; lower lr, set "
                    f"clip_grad, and see {steps.log_file}"
                )
            if not self.best or loss < self.best["loss"]:
                state = {k: v.detach().cpu().clone() for k, v in self.model.state_dict().items()}
                self.best = {"epoch": done + 1, "loss": loss, "state": state}
        self.scheduler.step(metrics=loss)
        entry = {
            "epoch": done + 1,
            "train_loss": sum(steps.losses) / len(steps.losses),
            "valid_loss": loss,
            "energy_mae": float(metrics["mae_e"]) * EV,
            "energy_rmse": float(metrics["rmse_e"]) * EV,
            "force_mae": float(metrics["mae_f"]) * EV,
            "force_rmse": float(metrics["rmse_f"]) * EV,
            "lr": rate,
            "seconds": time.perf_counter() - start,
        }
        self.curve.append(entry)
        logging.info(", ".join(f"{key} {value:.6g}" for key, value in entry.items()))
        return entry

    def _task(self) -> str:
        """Name the epoch for the progress bar: its number, and the best error before it."""
        name = f"epoch {len(self.curve) + 1}"
        if not self.best:
            return name
        error = self.curve[self.best["epoch"] - 1]["force_mae"]
        return f"{name}, best valid F MAE {error:.3f} kcal/mol/Å"

    def state(self) -> dict[str, Any]:
        """Collect all that the epochs to come depend on; tensors, numbers and text only."""
        import torch

        return self.identity | {
            "accelerated": self.accelerated,
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scheduler": self.scheduler.state_dict(),
            "ema": self.ema and self.ema.state_dict(),
            "order": self.train_loader.generator.get_state(),
            "random": torch.get_rng_state(),
            "curve": self.curve,
            "best": self.best,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go back to where :meth:`state` was taken."""
        import torch

        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.scheduler.load_state_dict(state["scheduler"])
        if self.ema is not None:
            self.ema.load_state_dict(state["ema"])
        self.train_loader.generator.set_state(state["order"].cpu())
        torch.set_rng_state(state["random"].cpu())
        self.curve, self.best = state["curve"], state["best"]

    def run(self, workdir: Path, progress: Progress) -> Iterator[dict[str, float]]:
        """Train to the end from the checkpoint there is, with checkpoints on the way.

        Raises
        ------
        DataError
            If the checkpoint cannot be read, or is another training's.
        TeaError
            If a loss is not a number.
        """
        path = workdir / CHECKPOINT_FILE
        if path.exists():
            self.restore(self._checkpoint(path))
            logging.info("taken up after epoch %d", len(self.curve))
        total = self.config.max_num_epochs * len(self.train_loader)
        steps = Steps(progress, total, workdir / LOG_FILE)
        pace = CheckpointSchedule()
        while not self.finished:
            yield self.epoch(steps)
            pace.checkpoint(lambda: write(path, self.state()), last=self.finished)

    def _checkpoint(self, path: Path) -> dict[str, Any]:
        state = read(path, "a checkpoint of a MACE training; remove it to start from the beginning")
        check_identity(path, self.identity, state)
        # the weights of an accelerated network have another layout and other names
        before = bool(state.get("accelerated", False))
        if before != self.accelerated:
            found, wanted = KERNELS[before], KERNELS[self.accelerated]
            raise DataError(
                f"{path}: expected the checkpoint of a training {wanted}, as is installed now; "
                f"found one {found}; to go on, `{CHANGE[before]}`, or remove the "
                "checkpoint to start from the beginning"
            )
        return state
