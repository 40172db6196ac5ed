"""From frames to coefficients: offsets, normal equations, and the choice of σ and λ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from baselines.fchl.config import FCHLConfig
from baselines.fchl.dispatch import representation
from baselines.fchl.features import Features, Reduction
from baselines.fchl.regression import NormalEquations, Solutions
from baselines.fchl.sorf import Sorf
from baselines.predicted import Predicted
from baselines.toolkit.composition import composition_energy, least_norm_energies
from baselines.toolkit.devices import frames_at_once, in_batches
from baselines.toolkit.labels import validation_errors
from teadata import Frames
from teadata.typing import Progress

if TYPE_CHECKING:
    from torch import Tensor

    from teadata.typing import Floats

REDUCTION_FRAMES = 1024
"""Training frames at most whose environments give the principal axes, as in QML-Lightning."""

FRAMES_ON_GPU, ROWS_ON_GPU = 64, 1 << 30
"""Frames, and bytes of their rows, that are made at once on a GPU, if the settings say fewer."""


class Validated(NamedTuple):
    """A width on the validation frames: an entry of errors for each of k lambdas.

    ``coefficients`` (N_f, k); ``lost`` says of each other lambda why it has no solution.
    """

    entries: list[dict[str, float]]
    coefficients: Tensor
    lost: dict[float, str]


@dataclass
class Problem:
    """What all kernel widths have in common.

    Parameters
    ----------
    config, seed, device
        The settings; of the random features; where to calculate.
    elements
        Atomic numbers, rising.
    energies
        (E,) the elements' energies in kcal/mol.
    reduction
        Principal axes of their representations.
    """

    config: FCHLConfig
    seed: int
    device: str
    elements: list[int]
    energies: Floats
    reduction: Reduction

    @classmethod
    def of(cls, config: FCHLConfig, seed: int, device: str, train: Frames) -> Problem:
        """Compute offsets and principal axes of training frames."""
        elements = [int(z) for z in np.unique(train.numbers)]
        chosen = np.random.default_rng(seed).permutation(len(train))[:REDUCTION_FRAMES]
        reduction = Reduction.of(
            representation(config, elements, device),
            train[np.sort(chosen)],
            config.npcas,
            config.batch_size,
        )
        energies = least_norm_energies(train, elements)
        return cls(config, seed, device, elements, energies, reduction)

    def sorf(self, sigma: float) -> Sorf:
        """Draw the random features of a width; signs and phases are the same for each."""
        config = self.config
        return Sorf.draw(
            len(self.elements), config.npcas, config.nstacks, config.ntransforms, sigma, self.seed
        )

    def features(self, sigma: float) -> Features:
        """Make the features of a width."""
        return Features(self.config, self.elements, self.reduction, self.sorf(sigma), self.device)

    def solve(self, features: Features, train: Frames, progress: Progress, task: str) -> Solutions:
        """Solve for the coefficients (N_f, k) in kcal/mol, of each lambda that has a solution."""
        import torch

        equations = NormalEquations(self.config.features, self.device)
        offset = composition_energy(train, self.elements, self.energies, "FCHL19*")
        step = self._rows_at_once(train.n_atoms)
        for start in range(0, len(train), step):
            part = train[start : start + step]
            energy, force = features.rows(part)
            if self.config.fit_energies:
                target = torch.from_numpy(part.energies - offset).to(self.device)
                equations.add(energy, target)
            targets = torch.tensor(part.forces).to(self.device)
            equations.add(force.flatten(0, 1), targets.flatten())
            progress(task, min(start + step, len(train)), len(train))
        return equations.solve(self.config.lambdas, self.config.solver)

    def _rows_at_once(self, atoms: int) -> int:
        """Frames whose rows are made at once: those of the settings, on a GPU more if they fit."""
        least = self.config.batch_size
        if self.device == "cpu":
            return least
        return max(least, min(FRAMES_ON_GPU, ROWS_ON_GPU // (3 * atoms * self.config.features * 8)))

    def predict(
        self, features: Features, coefficients: Tensor, frames: Frames, progress: Progress
    ) -> list[Predicted]:
        """Predict frames with each of k sets of coefficients (N_f, k)."""
        offset = composition_energy(frames, self.elements, self.energies, "FCHL19*")
        count, sets = len(frames), coefficients.shape[1]
        energies = np.empty((sets, count))
        forces = np.empty((sets, *frames.positions.shape))
        virials = np.empty((sets, count, 3, 3))
        least = self.config.batch_size
        batches = in_batches(
            lambda part: features.predict(frames[part], coefficients),
            count,
            frames_at_once(self.device, least, frames.n_atoms),
            least,
        )
        for part, outcome in batches:
            energies[:, part], forces[:, part], virials[:, part] = (
                values.cpu().numpy() for values in outcome
            )
            progress("predict", part.stop, count)
        if frames.cell is None:
            return [Predicted(energies[k] + offset, forces[k]) for k in range(sets)]
        volumes = frames.volumes[:, None, None]
        return [
            Predicted(energies[k] + offset, forces[k], virials[k] / volumes) for k in range(sets)
        ]

    def validated(
        self, sigma: float, train: Frames, valid: Frames, progress: Progress
    ) -> Validated:
        """Train and validate a width with every lambda."""
        features = self.features(sigma)
        found = self.solve(features, train, progress, f"sigma {sigma:g}")
        predicted = self.predict(features, found.coefficients, valid, progress)
        entries = [
            {"sigma": sigma, "lambda": value, "frames": float(len(train))}
            | validation_errors(each, valid)
            for value, each in zip(found.lambdas, predicted, strict=True)
        ]
        return Validated(entries, found.coefficients, found.lost)


def criterion(entry: dict[str, float]) -> float:
    """Return the number that is minimised: ½ (energy MAE + force MAE), as in QML-Lightning."""
    return 0.5 * (entry["energy_mae"] + entry["force_mae"])


def trained(problem: Problem, sigma: float, coefficients: Tensor) -> dict[str, Any]:
    """Collect what predictions need of a training: tensors, numbers and text only."""
    import torch

    sorf = problem.sorf(sigma)
    return {
        "config": problem.config.model_dump(mode="json"),
        "elements": problem.elements,
        "energies": torch.from_numpy(problem.energies),
        "vectors": problem.reduction.vectors.cpu(),
        "signs": sorf.signs.to(torch.int8),
        "phases": sorf.phases,
        "sigma": sigma,
        "coefficients": coefficients.cpu(),
    }
