"""What the classical potentials have in common: one element, and a file of parameters."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import Any, ClassVar, Generic, Self, TypeVar

import numpy as np
from pydantic import ValidationError

from baselines.parametric.objective import WeightedConfig
from baselines.predicted import Predicted
from baselines.protocol import Baseline
from baselines.toolkit.composition import element_index
from teadata import Frames
from teadata.errors import DataError
from teadata.files import write_text
from teadata.schema import StrictModel
from teadata.typing import Progress

ATOMS_AT_ONCE = 4096
"""Atoms, all frames together, whose pairs are in memory at the same time."""


class Parameters(StrictModel):
    """The parameters of a fitted potential.

    Parameters
    ----------
    format
        Of the file: which potential of this package, and its version.
    element
        Atomic number.
    energy_per_atom
        Energy of an atom without neighbours, in kcal/mol.
    """

    format: str
    element: int
    energy_per_atom: float


ConfigT = TypeVar("ConfigT", bound=WeightedConfig)
ParametersT = TypeVar("ParametersT", bound=Parameters)


class Parametrised(Baseline[ConfigT, ParametersT], Generic[ConfigT, ParametersT]):
    """A classical potential of one element; trained are its parameters.

    Attributes
    ----------
    layout
        ``format`` of its file.
    parameters_class
        Class of its parameters.
    """

    model_file = "model.json"
    layout: ClassVar[str]
    parameters_class: ClassVar[type[Parameters]]

    @abstractmethod
    def _evaluate(self, fitted: ParametersT, frames: Frames) -> Predicted:
        """Predict some frames whose pairs fit into memory."""

    def _predict(self, trained: ParametersT, frames: Frames, progress: Progress) -> Predicted:
        """Predict energies, forces and, of frames with a cell, stress.

        The atoms may be of any number.
        """
        element_index(frames, [trained.element], self.title)
        if len(frames) == 0:
            return Predicted(np.empty(0), np.empty(frames.forces.shape))
        step = max(1, ATOMS_AT_ONCE // frames.n_atoms)
        parts = []
        for start in range(0, len(frames), step):
            parts.append(self._evaluate(trained, frames[start : start + step]))
            progress("predict", min(start + step, len(frames)), len(frames))
        stress = [part.stress for part in parts if part.stress is not None]
        return Predicted(
            np.concatenate([part.energies for part in parts]),
            np.concatenate([part.forces for part in parts]),
            np.concatenate(stress) if stress else None,
        )

    def _save(self, trained: ParametersT, path: Path) -> None:
        """Write the parameters as JSON; lengths in Å, energies in kcal/mol."""
        write_text(path, trained.model_dump_json(indent=1) + "\n")

    @classmethod
    def load(cls, path: Path, config: ConfigT, device: str = "cpu") -> Self:
        """Read a file that :meth:`save` wrote.

        Raises
        ------
        DataError
            If the file is not such a model.
        """
        expected = f"parameters of a {cls.title} potential of this package ({cls.layout!r})"
        try:
            values: Any = cls.parameters_class.model_validate_json(path.read_bytes())
        except (OSError, ValidationError) as error:
            raise DataError(f"{path}: expected {expected} ({error})") from None
        if values.format != cls.layout:
            raise DataError(f"{path}: expected {expected}, found {values.format!r}")
        model = cls(config, device=device)
        model.use(values)
        return model
