"""The PACE baseline."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

import numpy as np
from pydantic import ValidationError

from baselines.pace.config import PACEConfig
from baselines.predicted import Predicted
from baselines.protocol import LOG_FILE, Baseline, FitResult
from baselines.toolkit.composition import composition_energy, least_norm_energies
from baselines.toolkit.labels import validation_errors
from baselines.toolkit.neighbours import pairs
from teadata import Frames
from teadata.elements import SYMBOLS
from teadata.errors import DataError
from teadata.files import write_text
from teadata.schema import StrictModel
from teadata.typing import Progress

FORMAT = "tea-benchmark PACE 1"


class PACEModel(StrictModel):
    """What is saved: elements, their energies in kcal/mol, the potential in python-ace's YAML."""

    format: str
    elements: list[int]
    energies: list[float]
    potential: str


class PACE(Baseline[PACEConfig, PACEModel]):
    """A linear atomic cluster expansion."""

    title = "PACE"
    model_file = "model.json"

    def _fit(self, train: Frames, valid: Frames, workdir: Path, progress: Progress) -> FitResult:
        """Solve for each regularisation, and keep the best on the validation frames.

        Nothing is random: the seed plays no part.  A fit that was interrupted begins again.
        Stress is predicted, but not fitted.

        Raises
        ------
        DataError
            If the frames are periodic along one or two directions.
        """
        from baselines.pace import backend

        _check_periodic(train, self.config.cutoff)
        _check_periodic(valid, self.config.cutoff)
        elements = sorted({int(z) for z in train.numbers})
        energies = least_norm_energies(train, elements)
        constant = composition_energy(train, elements, energies, "PACE")
        progress("design matrix", 0, 1)
        problem = backend.Problem(
            self.config, [SYMBOLS[z] for z in elements], train, np.full(len(train), constant)
        )
        progress("design matrix", 1, 1)
        core = self.config.core * _shortest(train, self.config.cutoff)
        best: tuple[float, PACEModel] | None = None
        curve = []
        for number, ridge in enumerate(self.config.ridges):
            trained = PACEModel(
                format=FORMAT,
                elements=elements,
                energies=energies.tolist(),
                potential=problem.solved(ridge, core),
            )
            self.use(trained)
            step = {"ridge": ridge, **validation_errors(self.predict(valid), valid)}
            curve.append(step)
            progress("fit", number + 1, len(self.config.ridges))
            with open(workdir / LOG_FILE, "a", encoding="utf-8") as log:
                log.write(", ".join(f"{key} {value:.6g}" for key, value in step.items()) + "\n")
            if best is None or step["force_rmse"] < best[0]:
                best = step["force_rmse"], trained
        assert best is not None
        self.use(best[1])
        self.save(workdir / self.model_file)
        chosen = next(step for step in curve if step["force_rmse"] == best[0])
        selected = {
            "ridge": chosen["ridge"], "functions": problem.functions, "core": core,
        }  # fmt: skip
        return FitResult(
            selected, {key: value for key, value in chosen.items() if key != "ridge"}, curve
        )

    def _build(self, trained: PACEModel) -> Any:
        """Make python-ace's calculator."""
        from baselines.pace import backend

        return backend.calculator(trained.potential)

    def _predict(self, trained: PACEModel, frames: Frames, progress: Progress) -> Predicted:
        """Predict energies, forces and, of frames with a cell, stress.

        Raises
        ------
        DataError
            If the frames are periodic along one or two directions, or have elements that the
            model was not trained on.
        """
        energies = np.array(trained.energies)
        constant = composition_energy(frames, trained.elements, energies, self.title)
        _check_periodic(frames, self.config.cutoff)
        if len(frames) == 0:
            return Predicted(np.empty(0), np.empty(frames.forces.shape))
        from baselines.pace import backend

        predicted = backend.predict(self.built(), frames, progress)
        return predicted._replace(energies=predicted.energies + constant)

    def _save(self, trained: PACEModel, path: Path) -> None:
        """Write the model as JSON; its ``potential`` is a potential file of python-ace."""
        write_text(path, trained.model_dump_json(indent=1) + "\n")

    @classmethod
    def load(cls, path: Path, config: PACEConfig, device: str = "cpu") -> Self:
        """Read a model that :meth:`save` wrote.

        Raises
        ------
        DataError
            If the file is not such a model.
        """
        expected = f"a PACE model of this package ({FORMAT!r})"
        try:
            trained = PACEModel.model_validate_json(path.read_bytes())
        except (OSError, ValidationError) as error:
            raise DataError(f"{path}: expected {expected} ({error})") from None
        if trained.format != FORMAT:
            raise DataError(f"{path}: expected {expected}, found {trained.format!r}")
        model = cls(config, device=device)
        model.use(trained)
        return model


def _check_periodic(frames: Frames, cutoff: float) -> None:
    """Refuse slabs and chains: python-ace knows three periodic directions, or none."""
    if not frames.periodic or frames.pbc.all():
        return
    opened = [axis for axis in range(3) if not frames.pbc[axis]]
    names = " and ".join("abc"[axis] for axis in opened)
    raise DataError(
        "PACE: python-ace takes frames that are periodic along three directions, or along none; "
        f"found pbc {frames.pbc.tolist()}; make them periodic along {names}, too, with more "
        f"vacuum there than the cutoff of {cutoff:g} Å (in ASE atoms.center(vacuum={cutoff:g}, "
        f"axis={opened}); atoms.pbc = True), or take another model"
    )


def _shortest(frames: Frames, cutoff: float) -> float:
    """Find the shortest distance in Å between two atoms of any frame."""
    shortest = []
    for row in range(len(frames)):
        *_, vectors = pairs(frames, row, cutoff)
        if len(vectors):
            shortest.append(float(np.sqrt((vectors**2).sum(axis=1)).min()))
    if not shortest:
        raise DataError(
            f"no two atoms of these {len(frames)} frames of {frames.formula} are within the cutoff "
            f"of {cutoff:g} Å: raise it"
        )
    return min(shortest)
