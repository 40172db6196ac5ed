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
from teadata import Frames
from teadata.elements import SYMBOLS
from teadata.files import write_text
from teadata.typing import Progress


class UF3(Baseline[UF3Config, Any]):
    """A two- and three-body potential of splines, of one element; trained is uf3's model."""

    title = "UF3"
    model_file = "model.json"

    def _fit(self, train: Frames, valid: Frames, workdir: Path, progress: Progress) -> FitResult:
        """Solve uf3's regularised least squares.

        Nothing is random: the seed plays no part.  A fit that was interrupted begins again.
        Stress is fitted as far as the frames have it.
        """
        element = the_element(train, valid, self.title)
        from baselines.uf3 import backend

        model = backend.linear_model(self.config, SYMBOLS[element])
        backend.solve(model, train, self.config.weight, progress)
        self.use(model)
        self.save(workdir / self.model_file)
        errors = validation_errors(self.predict(valid), valid)
        with open(workdir / LOG_FILE, "a", encoding="utf-8") as log:
            log.write(f"{model!r}\n{errors}\n")
        return FitResult({"coefficients": int(model.n_feats)}, errors, [errors])

    def _predict(self, trained: Any, frames: Frames, progress: Progress) -> Predicted:
        """Predict energies, forces and, of frames with a cell, stress."""
        from baselines.uf3 import backend

        elements = [int(z) for z in trained.bspline_config.chemical_system.numbers]
        element_index(frames, elements, self.title)
        if len(frames) == 0:
            return Predicted(np.empty(0), np.empty(frames.forces.shape))
        return backend.predict(trained, frames, progress)

    def _save(self, trained: Any, path: Path) -> None:
        """Write the potential as uf3's JSON, in eV and Å."""
        from baselines.uf3 import backend

        write_text(path, backend.to_text(trained) + "\n")

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
        model.use(backend.from_file(path))
        return model
