"""FCHL19* as a baseline: the search, predictions, and the model file."""

from __future__ import annotations

import functools
import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from baselines.config import parse
from baselines.fchl.config import FCHLConfig
from baselines.fchl.features import Features, Reduction
from baselines.fchl.lightning import Lightning
from baselines.fchl.sorf import Sorf
from baselines.fchl.training import Problem, criterion, trained
from baselines.predicted import Predicted
from baselines.protocol import LOG_FILE, Baseline, FitResult
from baselines.toolkit.identity import SearchFile, identity_of
from baselines.toolkit.neighbours import check_cutoff
from baselines.toolkit.torch_files import read_model, write
from teadata import Frames
from teadata.errors import MissingExtraError, TeaError
from teadata.typing import Progress

if TYPE_CHECKING:
    from torch import Tensor

FORMAT = "tea-benchmark FCHL19* 1"

MODEL_KEYS = (
    "config", "elements", "energies", "vectors", "signs", "phases", "sigma", "coefficients",
)  # fmt: skip

SEARCH_FILE = "search.json"
"""In the workdir: the training's identity, and the validation errors of every width so far."""


@functools.cache
def _load() -> None:
    """Make sure that the backend can be imported."""
    for package in ("torch", "vesin", "numba"):
        try:
            importlib.import_module(package)
        except ImportError:
            raise MissingExtraError(package, "fchl", "FCHL19*") from None


class Ready(NamedTuple):
    """The trained state on the device: problem, features, coefficients (N_f, 1)."""

    problem: Problem
    features: Features | Lightning
    coefficients: Tensor


class FCHL(Baseline[FCHLConfig, dict[str, Any]]):
    """An FCHL19* force field of some elements; trained is what :data:`MODEL_KEYS` lists."""

    title = "FCHL19*"
    model_file = "model.pt"

    def _fit(self, train: Frames, valid: Frames, workdir: Path, progress: Progress) -> FitResult:
        """Solve for each width and regularisation, and keep the best on the validation frames.

        After each width the workdir holds the search so far, so that an interrupted search goes
        on with the next width, and ends with the same model.

        Raises
        ------
        DataError
            If the search in the workdir is another training's.
        UsageError
            If no two atoms are within the cutoff.
        TeaError
            If no width and regularisation has a solution.
        """
        _load()
        check_cutoff(train, "rcut", self.config.rcut)
        problem = Problem.of(self.config, self.seed, self.device, train)
        search = _Search(self, workdir, identity_of(self.config, self.seed, train, valid))
        wide = self.config.search_size
        if wide is not None and wide < len(train) and len(self.config.sigmas) > 1:
            for sigma in self.config.sigmas:
                search.step(problem, sigma, train[:wide], valid[:wide], progress)
            search.step(problem, search.best(wide)["sigma"], train, valid, progress)
        else:
            for sigma in self.config.sigmas:
                search.step(problem, sigma, train, valid, progress)
        best = search.best(len(train))
        self.use(_read(workdir / self.model_file))
        errors = {key: best[key] for key in best if key.startswith(("energy", "force"))}
        return FitResult({"sigma": best["sigma"], "lambda": best["lambda"]}, errors, search.curve)

    def _build(self, trained: dict[str, Any]) -> Ready:
        _load()
        now = {"dtype": self.config.dtype, "batch_size": self.config.batch_size}
        settings = parse(FCHLConfig, trained["config"] | now, "settings of a trained FCHL19*")
        reduction = Reduction(trained["vectors"])
        problem = Problem(
            settings, self.seed, self.device, trained["elements"],
            trained["energies"].numpy(), reduction,
        )  # fmt: skip
        sorf = Sorf(trained["signs"], trained["phases"], trained["sigma"])
        features = problem.featurised(sorf)
        return Ready(problem, features, trained["coefficients"][:, None].to(self.device))

    def _predict(self, trained: dict[str, Any], frames: Frames, progress: Progress) -> Predicted:  # noqa: ARG002
        """Predict energies, forces and, of frames with a cell, stress.

        Raises
        ------
        DataError
            If the frames have elements that the model was not trained on.
        """
        ready: Ready = self.built()
        return ready.problem.predict(ready.features, ready.coefficients, frames, progress)[0]

    def _save(self, trained: dict[str, Any], path: Path) -> None:
        """Write settings, projections, random features and coefficients to a torch file."""
        _write(path, trained)

    @classmethod
    def load(cls, path: Path, config: FCHLConfig, device: str = "cpu") -> Self:
        """Read a model that :meth:`save` wrote; its representation is the file's.

        Raises
        ------
        DataError
            If the file is not such a model.
        """
        _load()
        model = cls(config, device=device)
        model.use(_read(path))
        return model


class _Search:
    """A search for the width, and as much of it as a workdir already holds."""

    def __init__(self, model: FCHL, workdir: Path, identity: dict[str, Any]) -> None:
        self.model, self.workdir = model, workdir
        kind = "the search of an FCHL19* training"
        self.file = SearchFile(workdir / SEARCH_FILE, identity, kind, ("curve", "lost"))
        found = self.file.read()
        self.curve: list[dict[str, float]] = found["curve"]
        self.lost: list[dict[str, Any]] = found["lost"]

    def best(self, frames: int) -> dict[str, float]:
        """Return the best entry of the trainings with so many frames.

        Raises
        ------
        TeaError
            If there is none, because nothing had a solution.
        """
        entries = [entry for entry in self.curve if entry["frames"] == frames]
        if not entries:
            reasons = "; ".join(dict.fromkeys(item["reason"] for item in self.lost))
            raise TeaError(
                f"FCHL19*: none of the sigmas and lambdas has a solution for {frames} frames: "
                f"{reasons}; look for labels that are not finite, raise lambdas, or set solver: "
                f"svd, and remove {self.workdir / SEARCH_FILE} or train in another folder"
            )
        return min(entries, key=criterion)

    def step(
        self, problem: Problem, sigma: float, train: Frames, valid: Frames, progress: Progress
    ) -> None:
        """Solve and validate for a width, unless that is done; keep the model if it is the best.

        A lambda without a solution is named in the log and left out.  Of trainings with
        different numbers of frames the later counts.
        """
        count = float(len(train))
        done = [entry for entry in self.curve if entry["frames"] == count]
        tried = [*done, *(item for item in self.lost if item["frames"] == count)]
        if any(entry["sigma"] == sigma for entry in tried):
            return
        entries, coefficients, lost = problem.validated(sigma, train, valid, progress)
        if entries:
            best = min(range(len(entries)), key=lambda k: criterion(entries[k]))
            if all(criterion(entries[best]) < criterion(entry) for entry in done):
                state = trained(problem, sigma, coefficients[:, best])
                _write(self.workdir / self.model.model_file, state)
        self.curve += entries
        self.lost += [
            {"sigma": sigma, "lambda": value, "frames": count, "reason": reason}
            for value, reason in lost.items()
        ]
        with open(self.workdir / LOG_FILE, "a", encoding="utf-8") as log:
            log.writelines(
                ", ".join(f"{key} {value:.6g}" for key, value in entry.items()) + "\n"
                for entry in entries
            )
            log.writelines(
                f"sigma {sigma:g}, lambda {value:g}, frames {count:g}: left out, {reason}\n"
                for value, reason in lost.items()
            )
        self.file.write(curve=self.curve, lost=self.lost)


def _write(path: Path, values: dict[str, Any]) -> None:
    write(path, {"format": FORMAT} | values)


def _read(path: Path) -> dict[str, Any]:
    return read_model(path, "an FCHL19* model", FORMAT, MODEL_KEYS, FCHLConfig)
