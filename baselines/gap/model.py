"""The SOAP/GAP baseline."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple, Self

import numpy as np

from baselines.gap import descriptors, fitting, potential
from baselines.gap.config import GAPConfig
from baselines.predicted import Predicted
from baselines.protocol import LOG_FILE, Baseline, FitResult
from baselines.toolkit.identity import SearchFile, identity_of
from baselines.toolkit.labels import validation_errors
from teadata import Frames
from teadata.errors import DataError
from teadata.files import replace_folder, staging
from teadata.typing import Progress
from teadata.units import EV

STAGES_FILE = "stages.json"
"""Where in its workdir a fit keeps the results of the stages that have finished."""

SCRATCH = ".fitting-"

SOAP_KERNELS = 2
"""SOAP kernels of each atom."""

TWO_BODY, WHOLE = 1.0, 2.0
"""Stages of a fit: the two-body kernel alone, and all kernels together."""


class GAPFolder(NamedTuple):
    """The folder of a potential, and the atomic numbers of its elements."""

    folder: Path
    elements: frozenset[int]


class GAP(Baseline[GAPConfig, GAPFolder]):
    """A two-body and SOAP Gaussian approximation potential; it stays in its folder."""

    title = "SOAP/GAP"
    model_file = "model"

    def _fit(self, train: Frames, valid: Frames, workdir: Path, progress: Progress) -> FitResult:
        """Fit in two stages for each pair of σ, and keep the best on the validation frames.

        First the two-body kernel alone, whose residual gives the
        weight δ of the SOAP kernels; then all kernels together.  Stages that have finished
        are not repeated when an interrupted fit is taken up; the one that was running is.

        Raises
        ------
        DataError
            If the stages in the workdir are another training's.
        """
        fitting.executable()
        for left in workdir.glob(f"{SCRATCH}*"):  # by a fit that was killed
            shutil.rmtree(left, ignore_errors=True)
        pairs = descriptors.pairs(train, self.config)
        delta = _weight(train.energies - train.energies.mean(), sum(p.counted for p in pairs))
        identity = identity_of(self.config, self.seed, train, valid)
        kind = "the stages of a GAP fit"
        stages = SearchFile(workdir / STAGES_FILE, identity, kind, ("curve",))
        curve = _finished(stages, workdir / self.model_file)
        search = list(itertools.product(self.config.sigma_energy, self.config.sigma_force))
        for number, (sigma_energy, sigma_force) in enumerate(search):
            sigmas = {"sigma_energy": sigma_energy, "sigma_force": sigma_force}
            name = f" {number + 1}/{len(search)}" if len(search) > 1 else ""
            two_body = [descriptors.two_body(pair, self.config, delta / EV) for pair in pairs]
            if len(curve) <= 2 * number:
                fit = self._fit_of(train, two_body, sigmas, self.config.two_body_sigma_factor)
                with self._fitted(fit, train, workdir, progress, f"two-body fit{name}") as model:
                    rest = model.predict(train, progress).energies - train.energies
                    step = {
                        "stage": TWO_BODY,
                        **sigmas,
                        "delta_two_body": delta,
                        "delta_soap": _weight(rest, SOAP_KERNELS * train.n_atoms * len(train)),
                        **validation_errors(model.predict(valid, progress), valid),
                    }
                curve.append(step)
                stages.write(curve=curve)
            if len(curve) <= 2 * number + 1:
                weights = {key: curve[2 * number][key] for key in ("delta_two_body", "delta_soap")}
                soaps = descriptors.all_soaps(
                    train.numbers.tolist(), self.config, weights["delta_soap"] / EV
                )
                fit = self._fit_of(train, two_body + soaps, sigmas)
                with self._fitted(fit, train, workdir, progress, f"SOAP fit{name}") as model:
                    step = {
                        "stage": WHOLE,
                        **sigmas,
                        **weights,
                        **validation_errors(model.predict(valid, progress), valid),
                    }
                    best = _best(curve)
                    if best is None or step["force_rmse"] < best["force_rmse"]:
                        model.save(workdir / self.model_file)
                curve.append(step)
                stages.write(curve=curve)
        best = _best(curve)
        assert best is not None
        self.use(_checked(workdir / self.model_file))
        chosen = ("sigma_energy", "sigma_force", "delta_two_body", "delta_soap")
        selected: dict[str, Any] = {key: best[key] for key in chosen}
        selected["sparse"] = potential.sparse_points(workdir / self.model_file)
        errors = {key: best[key] for key in best if key not in (*chosen, "stage")}
        return FitResult(selected, errors, curve)

    def _fit_of(
        self, train: Frames, kernels: list[str], sigmas: dict[str, float], factor: float = 1.0
    ) -> fitting.Fit:
        return fitting.Fit(
            kernels,
            float(train.energies.mean()) / train.n_atoms,
            factor * sigmas["sigma_energy"],
            factor * sigmas["sigma_force"],
            self.config.jitter,
            self.seed,
        )

    @contextmanager
    def _fitted(
        self, fit: fitting.Fit, train: Frames, workdir: Path, progress: Progress, task: str
    ) -> Iterator[GAP]:
        """Fit a model in a folder that is removed after the block."""
        with TemporaryDirectory(dir=workdir, prefix=SCRATCH) as scratch:
            folder = Path(scratch) / self.model_file
            folder.mkdir()
            fitting.run(fit, train, folder, workdir / LOG_FILE, progress, task)
            model = type(self)(self.config, self.seed)
            model.use(GAPFolder(folder, frozenset(int(z) for z in train.numbers)))
            yield model

    def _build(self, trained: GAPFolder) -> Any:
        """Let QUIP read the potential."""
        return potential.load(trained.folder)

    def _predict(self, trained: GAPFolder, frames: Frames, progress: Progress) -> Predicted:
        """Predict energies, forces and, of frames with a cell, stress.

        The atoms may be of any number and order.
        """
        if unknown := potential.unknown_elements(frames, trained.elements):
            raise DataError(
                f"this GAP was not trained on {', '.join(unknown)}, which these frames of "
                f"{frames.formula} have"
            )
        if len(frames) == 0:
            return Predicted(np.empty(0), np.empty(frames.forces.shape))
        if self._built is None and not (trained.folder / potential.GAP_FILE).is_file():
            raise DataError(f"{trained.folder}: the files of this GAP are gone; load it again")
        workers = potential.processes(frames)
        if workers > 1:
            return potential.predict_in_processes(trained.folder, frames, workers, progress)
        return potential.predict(self.built(), frames, progress)

    def _save(self, trained: GAPFolder, path: Path) -> None:
        """Write the model as a folder: ``gap.xml``, and its sparse points beside it."""
        _replace_folder(trained.folder, path)

    @classmethod
    def load(cls, path: Path, config: GAPConfig, device: str = "cpu") -> Self:
        """Read a model folder; it may have been renamed, moved or copied.

        The model reads its files when it first predicts, and keeps no copy of them.

        Raises
        ------
        DataError
            If the folder is not a GAP's, or a file of it is missing.
        """
        model = cls(config, device=device)
        model.use(_checked(path))
        return model


def _checked(folder: Path) -> GAPFolder:
    """Make sure that a folder is a GAP's."""
    elements = potential.check(folder)
    return GAPFolder(folder.resolve(), elements)


def _weight(energies: Any, count: int) -> float:
    """Compute the weight δ of kernels in kcal/mol: the energy left for each descriptor.

    The sum of the absolute `energies` (N,) in kcal/mol over the number of descriptors.
    """
    return float(np.abs(energies).sum() / max(count, 1))


def _finished(stages: SearchFile, model: Path) -> list[dict[str, float]]:
    """Read the results of the stages that an interrupted fit finished."""
    curve = stages.read()["curve"]
    # Between the removal of a model and its successor's arrival there is none: search again.
    return curve if model.is_dir() else curve[:1]


def _best(curve: list[dict[str, float]]) -> dict[str, float] | None:
    whole = [step for step in curve if step["stage"] == WHOLE]
    return min(whole, key=lambda step: step["force_rmse"], default=None)


def _replace_folder(source: Path, path: Path) -> None:
    """Copy a folder to where another may be, so that `path` never holds half of it."""
    try:
        with staging(path.parent) as place:
            shutil.copytree(source, place / path.name)
            replace_folder(place / path.name, path, place)
    except OSError as error:
        raise DataError(f"{path}: cannot be written ({error.strerror or error})") from None
