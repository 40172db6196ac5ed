"""The solvers of sgdml, told which one is wanted, how accurate, and when to leave checkpoints.

sgdml takes the analytic solver if it believes that the memory suffices, else the iterative
one.  Here the user chooses, and too little memory is an error.
"""

from __future__ import annotations

import json
import math
import multiprocessing
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import sgdml.solvers.iterative
import sgdml.train
from sgdml.predict import GDMLPredict
from sgdml.solvers.analytic import Analytic
from sgdml.solvers.iterative import Iterative

from baselines.sgdml.config import SGDMLConfig
from baselines.toolkit.identity import check_identity
from teadata import TeaError
from teadata.files import atomic_write
from teadata.formats import npz
from teadata.typing import Progress

CHECKPOINT_SECONDS = 60.0
"""Least time between two checkpoints of the iterative solver."""

CACHE = 1_000_000
"""Bytes of training descriptors that a worker takes up at once, to find them in its cache."""

POOL_PAYS = 10_000_000
"""Pairs of distances, of predicted and training frames, above which a pool saves time."""

CHECKPOINT_KEYS = ("sigma", "alphas", "iterations", "inducing_pts_idxs")

# sgdml adds descriptors and labels to the kernel matrix when it chooses a solver.
SMALL_ARRAYS = 1.02

GIB = 2**30


class Predictor(GDMLPredict):  # type: ignore[misc]
    """sgdml's predictor, with one worker per core for large batches and none for small ones.

    sgdml benchmarks itself at every training instead, writes the result into its installed
    package, and leaves a core to the main process, which only waits.
    """

    def __init__(self, model: dict[str, Any], **options: Any) -> None:
        super().__init__(model, **(options | {"max_processes": 1}))

    def prepare_parallel(self, n_bulk: int = 1, **_: Any) -> None:
        """Open the pool, or end it if one process is enough."""
        if self.use_torch:
            return
        shared = self.shares(n_bulk)
        self._set_chunk_size(max(1, CACHE // (8 * self.n_atoms * (self.n_atoms - 1) // 2)))
        self._set_bulk_mp(shared)
        self._set_num_workers(multiprocessing.cpu_count() if shared else 0)

    def shares(self, n_bulk: int) -> bool:
        """Tell whether `n_bulk` frames are enough work for a pool."""
        work = n_bulk * self.n_train * len(self.tril_perms_lin)
        return not self.use_torch and work > POOL_PAYS and n_bulk > multiprocessing.cpu_count() > 1


def analytic_memory(frames: int, atoms: int) -> float:
    """Estimate the GiB that the analytic solver needs; refuse if the machine has less free."""
    memory = psutil.virtual_memory()
    available = memory.available / GIB
    needed: float = SMALL_ARRAYS * Analytic.est_memory_requirement(frames, atoms) / GIB
    if needed >= available:
        affordable = int((available * GIB / 24 / SMALL_ARRAYS) ** 0.5 / (3 * atoms))
        raise TeaError(
            f"sGDML's analytic solver needs about {needed:.0f} GiB of memory for {frames} frames "
            f"of {atoms} atoms, {available:.0f} GiB are available; train on at most {affordable} "
            "frames (--size), choose 'solver: iterative', or use a machine with more memory"
        )
    return needed


def iterative_memory(frames: int, atoms: int, allowed: float) -> float:
    """Choose the GiB that the iterative solver takes; refuse if too few are allowed or free.

    The fewest are those of a preconditioner built from the columns of one frame.
    """
    least, most = (Iterative.est_memory_requirement(frames, k, atoms) / GIB for k in (1, frames))
    available = psutil.virtual_memory().available / GIB
    if allowed < least:
        raise TeaError(
            f"preconditioner_memory: sGDML's iterative solver needs at least {least:.1f} GiB for "
            f"{frames} frames of {atoms} atoms, the configuration allows {allowed:g}; raise it"
        )
    needed: float = min(allowed, most)
    if needed >= available:
        raise TeaError(
            f"sGDML's iterative solver may take {needed:.1f} GiB for its preconditioner, "
            f"{available:.1f} GiB of memory are available; lower preconditioner_memory (at least "
            f"{least:.1f} for {frames} frames of {atoms} atoms; the solver then needs more steps)"
        )
    return needed


class Relay:
    """A callback for sgdml that reports progress, and keeps what a kill would lose.

    Parameters
    ----------
    label
        What is being done.
    progress
        Whom to tell.
    sigma
        Length scale of the model that is trained.
    checkpoint
        File for the state of the iterative solver.
    identity
        What a training must have in common with this one to take that up.
    """

    def __init__(
        self,
        label: str,
        progress: Progress,
        sigma: int = 0,
        checkpoint: Path | None = None,
        identity: dict[str, Any] | None = None,
    ) -> None:
        self.label, self.progress = label, progress
        self.sigma, self.checkpoint, self.identity = sigma, checkpoint, identity or {}
        self._saved = time.monotonic()

    def __call__(self, current: int, total: int = 1, disp_str: str = "", **more: Any) -> None:
        """Take sgdml's report."""
        caller = sys._getframe(1)
        solving = caller.f_code.co_name == "_cg_status"
        speed = more.get("sec_disp_str") if solving else None
        text = " ".join(f"{disp_str} {speed or ''}".split())
        self.progress(f"{self.label}: {text}" if text else self.label, int(current), int(total))
        if solving and self.checkpoint is not None:
            self._keep(caller.f_locals | {"iterations": caller.f_globals["num_iters"]})

    def _keep(self, state: dict[str, Any]) -> None:
        # sgdml's own checkpoints wait for a step whose number divides by its momentary speed:
        # at some speeds for hours.
        if not np.isfinite(state["xk"]).all():
            raise np.linalg.LinAlgError("the iterative solver diverged")
        if self.checkpoint is None or time.monotonic() < self._saved + CHECKPOINT_SECONDS:
            return
        with atomic_write(self.checkpoint) as partial, open(partial, "wb") as stream:
            np.savez(
                stream,
                sigma=self.sigma,
                alphas=-state["xk"],
                iterations=state["iterations"] + 1,
                inducing_pts_idxs=state["inducing_pts_idxs"],
                identity=json.dumps(self.identity),
            )
        self._saved = time.monotonic()


def check_checkpoint(checkpoint: Path, identity: dict[str, Any]) -> None:
    """Refuse a checkpoint of another training.

    Raises
    ------
    DataError
        If there is one.
    """
    if checkpoint.is_file():
        state = npz.load_arrays(checkpoint, CHECKPOINT_KEYS, ["identity"])
        check_identity(checkpoint, identity, json.loads(str(state.get("identity", "{}"))))


def resumed(checkpoint: Path, sigma: int) -> dict[str, Any]:
    """Read what a checkpoint adds to sgdml's task, if there is one of this σ."""
    if not checkpoint.is_file():
        return {}
    state = npz.load_arrays(checkpoint, CHECKPOINT_KEYS)
    if int(state["sigma"]) != sigma:
        return {}
    return {
        "alphas0_F": state["alphas"],
        "solver_iters": int(state["iterations"]),
        "inducing_pts_idxs": state["inducing_pts_idxs"],
    }


def whole_frames(frames: int, atoms: int, memory: float, seed: int) -> dict[str, Any]:
    """Draw as many whole frames as the preconditioner has memory for, and list their columns."""
    count = Iterative.max_n_inducing_pts(frames, atoms, memory * GIB)
    drawn = np.sort(np.random.default_rng(seed).choice(frames, count, replace=False))
    columns = drawn[:, None] * 3 * atoms + np.arange(3 * atoms)
    return {"inducing_pts_idxs": columns.ravel()}


@contextmanager
def trainer(settings: SGDMLConfig, frames: int, atoms: int, use_torch: bool) -> Iterator[Any]:
    """Make sgdml's trainer, restricted to the solver of the settings.

    Raises
    ------
    TeaError
        If that solver has too little memory.
    """

    class Asked(Iterative):  # type: ignore[misc]
        def solve(self, *args: Any, **kwargs: Any) -> Any:
            solved = super().solve(*args, **(kwargs | {"tol": settings.tolerance}))
            self.gdml_predict.prepare_parallel()  # no pool is left behind
            return solved

    class Chosen(Analytic):  # type: ignore[misc]
        @staticmethod
        def est_memory_requirement(n_train: int, n_atoms: int) -> float:
            return 0.0 if settings.solver == "analytic" else math.inf

    if settings.solver == "analytic":
        memory = analytic_memory(frames, atoms)
    else:
        memory = iterative_memory(frames, atoms, settings.preconditioner_memory)
    made = sgdml.train.GDMLTrain(use_torch=use_torch)
    made._max_memory = memory  # its argument is cut to whole GiB of the machine's memory
    if made._max_processes > 1:
        made._max_processes += 1  # it counts itself, though it only waits for its workers
    before = sgdml.train.Analytic, sgdml.train.Iterative, sgdml.solvers.iterative.GDMLPredict
    sgdml.train.Analytic, sgdml.train.Iterative = Chosen, Asked
    sgdml.train.GDMLPredict = sgdml.solvers.iterative.GDMLPredict = Predictor
    try:
        yield made
    finally:
        sgdml.train.Analytic, sgdml.train.Iterative = before[:2]
        sgdml.train.GDMLPredict = sgdml.solvers.iterative.GDMLPredict = before[2]
        del made  # sgdml allows one instance at a time


def outcome(model: dict[str, Any]) -> dict[str, float]:
    """Summarise how the iterative solver ended.

    Returns
    -------
    dict
        ``iterations``; ``residual``, relative to the labels; ``converged``, 1 if that is
        within the tolerance and 0 if the solver gave up before; ``inducing_columns`` of the
        kernel matrix that the preconditioner was built from.
    """
    residual = float(model["solver_resid"] / model["norm_y_train"])
    return {
        "iterations": int(model["solver_iters"]),
        "residual": residual,
        "converged": int(residual <= model["solver_tol"]),
        "inducing_columns": len(model["inducing_pts_idxs"]),
    }
