"""The UF3 baseline."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

import numpy as np

from baselines.predicted import Predicted
from baselines.protocol import LOG_FILE, Baseline, FitResult
from baselines.toolkit.composition import element_index
from baselines.toolkit.labels import the_element, validation_errors
from baselines.uf3.config import UF3Config
from teadata import Frames, TeaError
from teadata.elements import SYMBOLS
from teadata.files import write_text
from teadata.typing import Progress, no_progress


class UF3(Baseline[UF3Config]):
    """A two- and three-body potential of splines, of one element."""

    model_file = "model.json"

    def __init__(self, config: UF3Config, seed: int = 0, device: str = "cpu") -> None:
        super().__init__(config, seed, device)
        self._model: Any = None

    def fit(
        self, train: Frames, valid: Frames, workdir: Path, progress: Progress = no_progress
    ) -> FitResult:
        """Solve uf3's regularised least squares.

        See :meth:`Baseline.fit`.  Nothing is random: the seed plays no part.  A fit that was
        interrupted begins again.  Stress is fitted as far as the frames have it.
        """
        element = the_element(train, valid, "UF3")
        from baselines.uf3 import backend

        model = backend.linear_model(self.config, SYMBOLS[element])
        backend.solve(model, train, self.config.weight, progress)
        self._model = model
        self.save(workdir / self.model_file)
        errors = validation_errors(self.predict(valid), valid)
        with open(workdir / LOG_FILE, "a", encoding="utf-8") as log:
            log.write(f"{model!r}\n{errors}\n")
        return FitResult({"coefficients": int(model.n_feats)}, errors, [errors])

    def predict(self, frames: Frames, progress: Progress = no_progress) -> Predicted:
        """Energies, forces and, of frames periodic in space, stress.

        See :meth:`Baseline.predict`.
        """
        if self._model is None:
            raise TeaError("this UF3 model is not trained: call fit, or load one")
        from baselines.uf3 import backend

        element_index(
            frames, [int(z) for z in self._model.bspline_config.chemical_system.numbers], "UF3"
        )
        if len(frames) == 0:
            return Predicted(np.empty(0), np.empty(frames.forces.shape))
        return backend.predict(self._model, frames, progress)

    def save(self, path: Path) -> None:
        """Write the potential as uf3's JSON, in eV and Å."""
        if self._model is None:
            raise TeaError("this UF3 model is not trained: there is nothing to save")
        from baselines.uf3 import backend

        write_text(path, backend.to_text(self._model) + "\n")

    @classmethod
    def load(cls, path: Path, config: UF3Config, device: str = "cpu") -> Self:
        """Read a potential that :meth:`save` or uf3 wrote; its basis is the file's.

        Raises
        ------
        DataError
            If the file is not one of one element.
        """
        from baselines.uf3 import backend

        model = cls(config, device=device)
        model._model = backend.from_file(path)
        return model
