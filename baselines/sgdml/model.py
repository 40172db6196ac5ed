"""The model: a search for σ, predictions, and the model file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from baselines.predicted import Predicted
from baselines.protocol import LOG_FILE, Baseline, FitResult
from baselines.sgdml.backend import backend, sound_blas, workers
from baselines.sgdml.config import SGDMLConfig
from baselines.toolkit.identity import SearchFile, identity_of
from baselines.toolkit.labels import validation_errors
from baselines.toolkit.seeding import numpy_seeded
from baselines.toolkit.structures import volumes
from teadata import Frames, TeaError
from teadata.errors import DataError
from teadata.files import atomic_write
from teadata.formats import npz
from teadata.typing import Floats, Progress

if TYPE_CHECKING:
    from baselines.sgdml.solvers import Predictor

# What GDMLPredict reads of a model; none of it is a pickled object.
MODEL_KEYS = ("type", "z", "sig", "c", "std", "perms", "tril_perms_lin", "R_desc", "R_d_desc_alpha")

SEARCH_FILE = "sigmas.json"
"""In the workdir: the training's identity, and the validation errors of every σ so far."""

CHECKPOINT_FILE = "solver.npz"
"""In the workdir: the state of the iterative solver, while it works on one σ."""

BATCH = 100
"""Frames that are predicted between two reports of progress."""

SAME_CELL = 1e-6
"""Å by which lattice vectors may differ from the model's."""


class SGDML(Baseline[SGDMLConfig, dict[str, Any]]):
    """An sGDML force field of one molecule, or of one periodic cell; trained is sgdml's model."""

    title = "sGDML"
    model_file = "model.npz"

    def _fit(self, train: Frames, valid: Frames, workdir: Path, progress: Progress) -> FitResult:
        """Train one model per σ and keep the one of lowest validation force RMSE.

        After each σ the workdir holds the best model so far, so
        that an interrupted search goes on with the next σ; the iterative solver goes on from
        its last checkpoint.

        Raises
        ------
        DataError
            If the frames have different cells, or what is in the workdir is another training's.
        """
        _check_lattice(valid, _lattice(train))
        identity = identity_of(self.config, self.seed, train, valid)
        kind = "the search of an sGDML training"
        search = SearchFile(workdir / SEARCH_FILE, identity, kind, ("curve",))
        search.read()  # before sgdml's trainer is made, of which there can be one at a time
        with backend(workdir / LOG_FILE, self.device):
            from baselines.sgdml.factors import factorising_on
            from baselines.sgdml.solvers import check_checkpoint, trainer

            check_checkpoint(workdir / CHECKPOINT_FILE, identity)
            try:
                with (
                    numpy_seeded(self.seed),
                    sound_blas(train.forces.size),
                    factorising_on(self.device),
                    workers(),
                    trainer(self.config, len(train), train.n_atoms, self.by_torch()) as sgdml,
                ):
                    return self._search(sgdml, train, valid, workdir, search, progress)
            except np.linalg.LinAlgError as error:
                raise TeaError(
                    f"sgdml could not solve for the coefficients ({error}); expected a positive "
                    "definite kernel matrix: look for frames that occur twice, raise lam (now "
                    f"{self.config.lam:g}), and see {workdir / LOG_FILE}"
                ) from None

    def by_torch(self) -> bool:
        """Tell whether sgdml calculates with torch, which is slower on a CPU."""
        if self.device == "cpu":
            return False
        import torch

        if not torch.cuda.is_available():
            raise TeaError(f"device {self.device!r}: torch finds no CUDA device; use --device cpu")
        return True

    def _search(
        self,
        trainer: Any,
        train: Frames,
        valid: Frames,
        workdir: Path,
        search: SearchFile,
        progress: Progress,
    ) -> FitResult:
        best_file = workdir / self.model_file
        curve: list[dict[str, float]] = search.read()["curve"] if best_file.is_file() else []
        best = min(curve, key=lambda step: step["force_rmse"], default=None)
        task = None
        for sigma in self.config.sigmas[len(curve) :]:
            if _rises(curve):
                break
            task = task or self._task(trainer, train, valid, progress)
            outcome = self._train(trainer, task | {"sig": sigma}, workdir, search, progress)
            step = {"sigma": sigma} | outcome | validation_errors(self.predict(valid), valid)
            if best is None or step["force_rmse"] < best["force_rmse"]:
                best = step
                self.save(best_file)
            curve.append(step)
            search.write(curve=curve)
            (workdir / CHECKPOINT_FILE).unlink(missing_ok=True)
        assert best is not None
        self.use(_read_model(best_file))
        valid_errors = {key: best[key] for key in best if key.startswith(("energy", "force"))}
        selected: dict[str, Any] = {key: best[key] for key in best if key not in valid_errors}
        selected |= {"solver": self.config.solver, "permutations": len(self.trained()["perms"])}
        return FitResult(selected, valid_errors, curve)

    def _task(
        self, trainer: Any, train: Frames, valid: Frames, progress: Progress
    ) -> dict[str, Any]:
        """Make the training task for sGDML: these frames, all of them, in this order."""
        from baselines.sgdml.solvers import Relay

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
            callback=Relay("symmetries", progress),
        )
        return task

    def _train(
        self,
        trainer: Any,
        task: dict[str, Any],
        workdir: Path,
        search: SearchFile,
        progress: Progress,
    ) -> dict[str, float]:
        """Train at the task's σ, and return what the iterative solver needed for it."""
        from baselines.sgdml.solvers import Relay, outcome, resumed, whole_frames

        iterative, sigma = self.config.solver == "iterative", task["sig"]
        checkpoint = workdir / CHECKPOINT_FILE
        if iterative:
            if self.config.inducing == "frames":
                frames, atoms = task["R_train"].shape[:2]
                task |= whole_frames(frames, atoms, trainer._max_memory, self.seed)
            task |= resumed(checkpoint, sigma)
        relay = Relay(f"sigma {sigma}", progress, sigma, checkpoint, search.identity)
        model = trainer.train(task, callback=relay)
        self.use(model)
        return outcome(model) if iterative else {}

    def _predict(self, trained: dict[str, Any], frames: Frames, progress: Progress) -> Predicted:
        """Predict energies and forces of frames.

        Raises
        ------
        DataError
            If the frames are of other atoms or another cell than the training frames.
        """
        if not np.array_equal(frames.numbers, trained["z"]):
            raise DataError(
                f"this sGDML model was trained on {len(trained['z'])} atoms in another order "
                f"or of other elements than these frames of {frames.formula}"
            )
        _check_lattice(frames, trained.get("lattice"))
        energies, forces = np.empty(len(frames)), np.empty(frames.forces.shape)
        with self._calculating(len(frames)):
            for start in range(0, len(frames), BATCH):
                part = slice(start, start + BATCH)
                energies[part], forces[part] = self._batch(frames.positions[part])
                progress("predict", min(start + BATCH, len(frames)), len(frames))
        return Predicted(energies, forces)

    def _build(self, trained: dict[str, Any]) -> Predictor:
        """Make sgdml's predictor, without a pool."""
        with backend(None, self.device):
            from baselines.sgdml.solvers import Predictor

            predictor = Predictor(trained, use_torch=self.by_torch())
            predictor.prepare_parallel()
        return predictor

    @contextmanager
    def _calculating(self, frames: int) -> Iterator[None]:
        """Open a pool for the block if that many frames are worth one."""
        predictor = self.built()
        if not (predictor.use_torch or predictor.shares(frames)):
            yield  # a step of a simulation would wait for the rest longer than for its forces
            return
        with backend(None, self.device), workers():
            predictor.prepare_parallel(frames)
            try:
                yield
            finally:
                predictor.prepare_parallel()

    def _batch(self, positions: Floats) -> tuple[Floats, Floats]:
        predictor = self.built()
        if predictor.use_torch:
            import torch

            # sgdml's own call would round the positions to float32 on the way.
            there = torch.tensor(positions, device=predictor.torch_device)
            energies, forces = predictor.torch_predict(there)
            return energies.cpu().numpy(), forces.cpu().numpy()
        e, f = predictor.predict(np.array(positions).reshape(len(positions), -1))
        return e, f.reshape(positions.shape)

    def _save(self, trained: dict[str, Any], path: Path) -> None:
        """Write the model as an sGDML model file, which the ``sgdml`` command reads too."""
        with atomic_write(path) as partial, open(partial, "wb") as stream:
            np.savez_compressed(stream, **trained)

    @classmethod
    def load(cls, path: Path, config: SGDMLConfig, device: str = "cpu") -> Self:
        """Read an sGDML model file; pickled objects in it are never loaded.

        Raises
        ------
        DataError
            If the file is not an sGDML model.
        """
        model = cls(config, device=device)
        model.use(_read_model(path))
        return model


def _read_model(path: Path) -> dict[str, Any]:
    model = npz.load_arrays(path, MODEL_KEYS, ["lattice"])
    if str(model["type"]) != "m":
        raise DataError(f"{path}: not an sGDML model file")
    return model


def _lattice(frames: Frames) -> Floats | None:
    """Return the one cell of the frames, vectors as columns; None where nothing is periodic."""
    if frames.cell is None or not frames.periodic:
        return None
    other = (frames.cell != frames.cell[0]).any(axis=(1, 2))
    if other.any():
        raise DataError(
            f"sGDML knows one cell, but {np.count_nonzero(other)} of these {len(frames)} frames "
            f"have another one than the first, e.g. frame {frames.ids[np.argmax(other)]}; expected "
            "frames of constant cell: use another model"
        )
    if volumes(frames) is None:
        raise DataError(
            "sGDML needs three cell vectors of periodic frames, and found "
            f"{frames.cell[0].tolist()} Å; give the direction that is not periodic one, too, "
            "longer than the atoms reach (in ASE atoms.center(vacuum=10, axis=2))"
        )
    lattice: Floats = frames.cell[0].T
    return lattice


def _check_lattice(frames: Frames, lattice: Floats | None) -> None:
    """Refuse frames of another cell than the model's."""
    given = _lattice(frames)
    if given is None or lattice is None:
        same = given is lattice
    else:
        same = np.allclose(given, lattice, rtol=0, atol=SAME_CELL)
    if not same:
        raise DataError(
            "an sGDML model knows the one cell it was trained with: expected "
            f"{_spelled(lattice)}, found {_spelled(given)}"
        )


def _spelled(lattice: Floats | None) -> str:
    if lattice is None:
        return "no cell"
    return f"lattice vectors {np.round(lattice.T, 4).tolist()} Å"


def _rises(curve: list[dict[str, float]]) -> bool:
    """Whether the search is over: the error rises, and a solver has converged before.

    The rule of the ``sgdml`` command: errors of solvers that gave up say nothing of σ.
    """
    if len(curve) < 2 or not any(step.get("converged", 1) for step in curve):
        return False
    return curve[-1]["force_rmse"] > curve[-2]["force_rmse"]
