"""A pair potential of one element, linear in its parameters.

E = A e₀ + Σ_{i<j} Σ_k c_k (ℓ/r_ij)^k for A atoms; e₀ and c_k by least squares on energies and
forces.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Self

import numpy as np
from pydantic import Field, ValidationError

from baselines.config import ModelConfig
from baselines.predicted import Predicted
from baselines.protocol import LOG_FILE, Baseline, FitResult
from baselines.toolkit.labels import validation_errors
from teadata import Frames
from teadata.errors import DataError
from teadata.files import write_text
from teadata.schema import StrictModel
from teadata.typing import Floats, Progress

FRAMES_AT_ONCE = 256
"""Frames whose pairs are in memory at the same time."""


class PairConfig(ModelConfig):
    """Settings of the potential.

    Parameters
    ----------
    exponents
        Powers k of the inverse distance.
    length
        ℓ, in Å: it keeps the terms of similar size, and changes nothing else.
    force_weight
        Weight of a force component relative to the energy of an atom, in Å.
    """

    exponents: Annotated[list[Annotated[int, Field(gt=0)]], Field(min_length=1)]
    length: Annotated[float, Field(gt=0)]
    force_weight: Annotated[float, Field(gt=0)] = 1.0


class Parameters(StrictModel):
    """What training leaves, in kcal/mol: the element, e₀, and a coefficient of each exponent."""

    element: int
    energy: float
    coefficients: list[float]


class Pair(Baseline[PairConfig, Parameters]):
    """The potential."""

    title = "Pair"
    model_file = "pair.json"

    def _fit(self, train: Frames, valid: Frames, workdir: Path, progress: Progress) -> FitResult:
        """Solve the least-squares problem; there is nothing to select and nothing to resume."""
        element = _element(train)
        energies, forces = self._terms(train)
        weight, atoms = self.config.force_weight, train.n_atoms
        constant = np.ones((len(train), 1))
        matrix = np.concatenate(
            [
                np.concatenate([energies / atoms, constant], axis=1),
                weight * np.pad(forces.reshape(-1, forces.shape[-1]), [(0, 0), (0, 1)]),
            ]
        )
        target = np.concatenate([train.energies / atoms, weight * train.forces.ravel()])
        solution, *_, singular = np.linalg.lstsq(matrix, target, rcond=1e-10)
        self.use(
            Parameters(
                element=element,
                energy=float(solution[-1]),
                coefficients=solution[:-1].tolist(),
            )
        )
        progress("fit", 1, 1)
        self.save(workdir / self.model_file)
        condition = float(singular[0] / singular[-1])
        write_text(workdir / LOG_FILE, f"condition of the least squares: {condition:.3g}\n")
        found = validation_errors(self.predict(valid), valid)
        return FitResult({"terms": len(self.config.exponents)}, found, [{"step": 1.0, **found}])

    def _predict(self, trained: Parameters, frames: Frames, progress: Progress) -> Predicted:
        """Predict energies and forces."""
        if _element(frames) != trained.element:
            raise DataError(f"{frames!r} are not of the element that the potential was fitted to")
        energies = np.full(len(frames), frames.n_atoms * trained.energy)
        forces = np.empty(frames.forces.shape)
        for start in range(0, len(frames), FRAMES_AT_ONCE):
            rows = slice(start, start + FRAMES_AT_ONCE)
            of_energies, of_forces = self._terms(frames[rows])
            energies[rows] += of_energies @ trained.coefficients
            forces[rows] = of_forces @ trained.coefficients
            progress("predict", min(rows.stop, len(frames)), len(frames))
        return Predicted(energies, forces)

    def _terms(self, frames: Frames) -> tuple[Floats, Floats]:
        """Terms of the energies (n, K) and of the forces (n, A, 3, K), for coefficients of 1."""
        first, second = np.triu_indices(frames.n_atoms, 1)
        apart = frames.positions[:, second] - frames.positions[:, first]
        distance = np.linalg.norm(apart, axis=2)[:, :, None]
        powers = np.array(self.config.exponents)
        terms = (self.config.length / distance) ** powers
        on_second = (apart / distance**2)[..., None] * (powers * terms)[:, :, None, :]
        pairs = np.arange(len(first))
        signs = np.zeros((frames.n_atoms, len(pairs)))
        signs[second, pairs], signs[first, pairs] = 1, -1
        return terms.sum(axis=1), np.einsum("ap,npxk->naxk", signs, on_second)

    def _save(self, trained: Parameters, path: Path) -> None:
        """Write the parameters as JSON."""
        write_text(path, trained.model_dump_json(indent=1) + "\n")

    @classmethod
    def load(cls, path: Path, config: PairConfig, device: str = "cpu") -> Self:
        """Read the parameters.

        Raises
        ------
        DataError
            If the file does not hold them.
        """
        try:
            trained = Parameters.model_validate_json(path.read_bytes())
        except (OSError, ValidationError) as error:
            raise DataError(f"{path}: expected parameters of a pair potential ({error})") from None
        model = cls(config, device=device)
        model.use(trained)
        return model


def _element(frames: Frames) -> int:
    """The one element of frames without a cell."""
    elements = {int(number) for number in frames.numbers}
    if len(elements) > 1 or frames.periodic:
        raise DataError(f"the pair potential is for one element without a cell, not {frames!r}")
    return elements.pop()
