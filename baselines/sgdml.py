"""sGDML, through the sgdml package's own training code.

Symmetric gradient-domain machine learning (Chmiela et al., Nat. Commun. 9, 3887, 2018;
Comput. Phys. Commun. 240, 38, 2019), with the analytic solver.  The length scale σ is the
one of lowest force RMSE on the validation set; as in sGDML's command line, the search goes
upwards and stops once that error rises.
"""

from __future__ import annotations

import functools
import importlib
import json
import logging
import multiprocessing
import os
import signal
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.pool import Pool
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import Field, field_validator

from baselines.config import ModelConfig
from baselines.protocol import (
    LOG_FILE,
    Baseline,
    FitResult,
    Predicted,
    Progress,
    no_progress,
    validation_errors,
)
from teadata import Frames, TeaError
from teadata.errors import DataError, MissingExtraError
from teadata.formats import npz
from teadata.provenance import replacing, write_text

# What GDMLPredict reads of a model; none of it is a pickled object.
MODEL_KEYS = ("type", "z", "sig", "c", "std", "perms", "tril_perms_lin", "R_desc", "R_d_desc_alpha")

PATIENCE = 5.0
"""Seconds that a pool has to end by itself."""

# sgdml adds descriptors and labels to the kernel matrix when it chooses a solver.
SMALL_ARRAYS = 1.02

# Where OpenBLAS 0.3.30 with two threads was seen to fail: factorising 12 600 rows was right, a
# product and factorisation of 20 000 crashed, 25 200 gave NaN or crashed; one thread was right.
OPENBLAS_THREADED_ROWS = 16_000


class SGDMLConfig(ModelConfig):
    """Settings of an sGDML training.

    Parameters
    ----------
    sigmas
        Length scales to search, rising.
    lam
        Regularisation strength λ.
    symmetries
        Whether permutational symmetries are recovered from the training frames (sGDML) or
        not (GDML).
    """

    dtype: Literal["float64"] = "float64"
    sigmas: Annotated[list[Annotated[int, Field(gt=0)]], Field(min_length=1)]
    lam: Annotated[float, Field(gt=0)]
    symmetries: bool

    @field_validator("sigmas")
    @classmethod
    def _rising(cls, sigmas: list[int]) -> list[int]:
        if sorted(set(sigmas)) != sigmas:
            raise ValueError("expected rising values without repetition")
        return sigmas


_fits_under_way = 0


@functools.cache
def _watch_forks() -> None:
    def ignore_in_worker() -> None:
        if _fits_under_way:
            signal.signal(signal.SIGINT, signal.SIG_IGN)

    os.register_at_fork(after_in_child=ignore_in_worker)


def _end(pool: Pool) -> None:
    """End a pool's processes, also where one stopped with a lock that `terminate` waits for."""

    def end() -> None:
        pool.terminate()
        pool.join()

    ending = threading.Thread(target=end, daemon=True)
    ending.start()
    ending.join(PATIENCE)
    if ending.is_alive():
        for worker in multiprocessing.active_children():
            worker.kill()


@contextmanager
def _interrupts_for_the_parent_only() -> Iterator[None]:
    """Let sgdml's workers ignore Ctrl-C, on which each would print a traceback.

    Its pool is ended here: left running, it would print one when the interpreter exits.
    """
    global _fits_under_way
    _watch_forks()
    _fits_under_way += 1
    try:
        yield
    except KeyboardInterrupt as interrupt:
        for frame, _ in traceback.walk_tb(interrupt.__traceback__):
            for value in frame.f_locals.values():
                if isinstance(value, Pool):
                    _end(value)
        raise
    finally:
        _fits_under_way -= 1


@contextmanager
def _backend(log: Path | None) -> Iterator[Any]:
    """The sgdml package, with its messages sent to a log file instead of the terminal."""
    previous = logging.getLoggerClass()
    try:
        importlib.import_module("torch")  # first: under sgdml's logger class it would chatter
        import sgdml.predict
        import sgdml.train
    except ImportError:
        raise MissingExtraError("sgdml", "sgdml", "sGDML") from None
    finally:
        logging.setLoggerClass(previous)  # sgdml installs its own class for every logger
    loggers = [logging.getLogger(name) for name in ("sgdml.train", "sgdml.predict")]
    handler = logging.NullHandler() if log is None else logging.FileHandler(log, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    before = [(list(logger.handlers), logger.propagate) for logger in loggers]
    for logger in loggers:
        logger.handlers, logger.propagate = [handler], False
    try:
        yield sgdml
    finally:
        for logger, (handlers, propagate) in zip(loggers, before, strict=True):
            logger.handlers, logger.propagate = handlers, propagate
        handler.close()


def _check_memory(frames: int, atoms: int) -> int:
    """The memory in GiB that sgdml may use; an error if the analytic solver needs more."""
    import psutil
    from sgdml.solvers.analytic import Analytic

    memory = psutil.virtual_memory()
    total = memory.total // 2**30  # as sgdml counts: above it, it takes the iterative solver
    available = min(memory.available / 2**30, total)
    needed = SMALL_ARRAYS * Analytic.est_memory_requirement(frames, atoms) / 2**30
    if needed >= available:
        affordable = int((available * 2**30 / 24 / SMALL_ARRAYS) ** 0.5 / (3 * atoms))
        raise TeaError(
            f"sGDML's analytic solver needs about {needed:.0f} GiB of memory for {frames} frames "
            f"of {atoms} atoms, {available:.0f} GiB are available; train on at most {affordable} "
            "frames (--size), or on a machine with more memory"
        )
    return int(total)


@contextmanager
def _sound_blas(rows: int) -> Iterator[None]:
    """Hold OpenBLAS to one thread for matrices that it has failed on with more."""
    from threadpoolctl import ThreadpoolController

    controller = ThreadpoolController().select(internal_api="openblas")
    with controller.limit(limits=1 if rows > OPENBLAS_THREADED_ROWS else None):
        yield


class SGDML(Baseline[SGDMLConfig]):
    """An sGDML force field of one molecule."""

    model_file = "model.npz"

    def __init__(self, config: SGDMLConfig, seed: int = 0, device: str = "cpu") -> None:
        super().__init__(config, seed, device)
        self._model: dict[str, Any] | None = None
        self._predictor: Any = None

    def fit(
        self, train: Frames, valid: Frames, workdir: Path, progress: Progress = no_progress
    ) -> FitResult:
        """Train one model per σ and keep the one of lowest validation force RMSE.

        See :meth:`Baseline.fit`.  After each σ the workdir holds the best model so far, so
        that an interrupted search goes on with the next σ.
        """
        with _backend(workdir / LOG_FILE) as sgdml:
            memory = _check_memory(len(train), train.n_atoms)
            np.random.seed(self.seed)  # noqa: NPY002 -- sgdml draws from NumPy's global generator
            trainer = sgdml.train.GDMLTrain(max_memory=memory, use_torch=False)
            try:
                with _sound_blas(train.forces.size), _interrupts_for_the_parent_only():
                    return self._search(trainer, train, valid, workdir, progress)
            except np.linalg.LinAlgError as error:
                raise TeaError(
                    f"sgdml could not solve for the coefficients ({error}); expected finite labels "
                    "and a positive definite kernel matrix: look for NaN and for frames that occur "
                    f"twice, raise lam (now {self.config.lam:g}), and see {workdir / LOG_FILE}"
                ) from None
            finally:
                del trainer  # sgdml allows one instance at a time

    def _search(
        self, trainer: Any, train: Frames, valid: Frames, workdir: Path, progress: Progress
    ) -> FitResult:
        curve_file, best_file = workdir / "sigmas.json", workdir / self.model_file
        curve: list[dict[str, float]] = []
        if curve_file.is_file() and best_file.is_file():
            curve = json.loads(curve_file.read_text(encoding="utf-8"))
        best = min(curve, key=lambda step: step["force_rmse"], default=None)
        task = None
        for sigma in self.config.sigmas[len(curve) :]:
            if len(curve) > 1 and curve[-1]["force_rmse"] > curve[-2]["force_rmse"]:
                break
            label = f"sigma {sigma}"
            task = task or self._task(trainer, train, valid, progress)
            model = trainer.train(task | {"sig": sigma}, callback=_relay(label, progress))
            if model["solver_name"] != "analytic":
                raise TeaError(f"sgdml took its {model['solver_name']} solver, expected analytic")
            self._use(model)
            step = {"sigma": sigma} | validation_errors(self.predict(valid), valid)
            if best is None or step["force_rmse"] < best["force_rmse"]:
                best = step
                self.save(best_file)
            curve.append(step)
            write_text(curve_file, json.dumps(curve, indent=1))
        assert best is not None
        self._use(_read_model(best_file))
        valid_errors = {key: value for key, value in best.items() if key != "sigma"}
        assert self._model is not None
        permutations = len(self._model["perms"])
        return FitResult(
            {"sigma": best["sigma"], "permutations": permutations}, valid_errors, curve
        )

    def _task(
        self, trainer: Any, train: Frames, valid: Frames, progress: Progress
    ) -> dict[str, Any]:
        """The training task for sGDML: these frames, all of them, in this order."""
        datasets = [
            {key: np.asarray(value) for key, value in npz.arrays(frames, name=name).items()}
            for frames, name in ((train, "train"), (valid, "valid"))
        ]
        task: dict[str, Any] = trainer.create_task(
            datasets[0],
            len(train),
            datasets[1],
            len(valid),
            sig=self.config.sigmas[0],
            lam=self.config.lam,
            use_sym=self.config.symmetries,
            callback=_relay("symmetries", progress),
        )
        return task

    def _use(self, model: dict[str, Any]) -> None:
        self._model, self._predictor = model, None

    def predict(self, frames: Frames, progress: Progress = no_progress) -> Predicted:
        """Energies and forces of frames, see :meth:`Baseline.predict`."""
        if self._model is None:
            raise TeaError("this sGDML model is not trained: call fit, or load one")
        if not np.array_equal(frames.numbers, self._model["z"]):
            raise DataError(
                f"this sGDML model was trained on {len(self._model['z'])} atoms in another order "
                f"or of other elements than these frames of {frames.formula}"
            )
        energies, forces = np.empty(len(frames)), np.empty(frames.forces.shape)
        with _backend(None) as sgdml:
            if self._predictor is None:
                self._predictor = sgdml.predict.GDMLPredict(self._model, use_torch=False)
            for start in range(0, len(frames), 100):
                part = slice(start, start + 100)
                flat = np.array(frames.positions[part]).reshape(-1, 3 * frames.n_atoms)
                e, f = self._predictor.predict(flat)
                energies[part], forces[part] = e, f.reshape(-1, frames.n_atoms, 3)
                progress("predict", min(start + 100, len(frames)), len(frames))
        return Predicted(energies, forces)

    def save(self, path: Path) -> None:
        """Write the model as an sGDML model file, which the ``sgdml`` command reads too."""
        if self._model is None:
            raise TeaError("this sGDML model is not trained: there is nothing to save")
        with replacing(path) as partial, open(partial, "wb") as stream:
            np.savez_compressed(stream, **self._model)

    @classmethod
    def load(cls, path: Path, config: SGDMLConfig, device: str = "cpu") -> Self:
        """Read an sGDML model file; pickled objects in it are never loaded.

        Raises
        ------
        DataError
            If the file is not an sGDML model.
        """
        model = cls(config, device=device)
        model._use(_read_model(path))
        return model


def _read_model(path: Path) -> dict[str, Any]:
    model = npz.load_arrays(path, MODEL_KEYS, ["lattice"])
    if str(model["type"]) != "m":
        raise DataError(f"{path}: not an sGDML model file")
    return model


def _relay(label: str, progress: Progress) -> Any:
    """The callback for sGDML that reports as ours does."""

    def callback(current: int, total: int = 1, disp_str: str = "", **_: Any) -> None:
        text = " ".join(disp_str.split())
        progress(f"{label}: {text}" if text else label, int(current), int(total))

    return callback
