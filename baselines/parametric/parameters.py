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
from teadata import Frames, TeaError
from teadata.errors import DataError
from teadata.files import write_text
from teadata.schema import StrictModel
from teadata.typing import Progress, no_progress

ATOMS_AT_ONCE = 4096
"""Atoms, all frames together, whose pairs are in memory at the same time."""


class Parameters(StrictModel):
    """What a fitted potential is.

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


class Parametrised(Baseline[ConfigT], Generic[ConfigT, ParametersT]):
    """A classical potential of one element.

    Attributes
    ----------
    title
        Its name in errors.
    layout
        ``format`` of its file.
    parameters_class
        Class of its parameters.
    """

    model_file = "model.json"
    title: ClassVar[str]
    layout: ClassVar[str]
    parameters_class: ClassVar[type[Parameters]]

    def __init__(self, config: ConfigT, seed: int = 0, device: str = "cpu") -> None:
        super().__init__(config, seed, device)
        self._parameters: ParametersT | None = None

    @property
    def parameters(self) -> ParametersT:
        """The fitted parameters.

        Raises
        ------
        TeaError
            If there are none yet.
        """
        if self._parameters is None:
            raise TeaError(f"this {self.title} potential is not trained: call fit, or load one")
        return self._parameters

    @abstractmethod
    def _predict(self, frames: Frames) -> Predicted:
        """What the parameters say of some frames that fit into memory."""

    def predict(self, frames: Frames, progress: Progress = no_progress) -> Predicted:
        """Energies, forces and, of frames periodic in space, stress.

        See :meth:`Baseline.predict`; the atoms may be of any number.
        """
        element_index(frames, [self.parameters.element], self.title)
        if len(frames) == 0:
            return Predicted(np.empty(0), np.empty(frames.forces.shape))
        step = max(1, ATOMS_AT_ONCE // frames.n_atoms)
        parts = []
        for start in range(0, len(frames), step):
            parts.append(self._predict(frames[start : start + step]))
            progress("predict", min(start + step, len(frames)), len(frames))
        energies, forces, stress = zip(*parts, strict=True)
        return Predicted(
            np.concatenate(energies),
            np.concatenate(forces),
            None if stress[0] is None else np.concatenate(stress),
        )

    def save(self, path: Path) -> None:
        """Write the parameters as JSON; lengths in Å, energies in kcal/mol."""
        write_text(path, self.parameters.model_dump_json(indent=1) + "\n")

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
        model._parameters = values
        return model
