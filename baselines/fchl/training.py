"""From frames to coefficients: offsets, normal equations, and the choice of σ and λ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from baselines.fchl.config import FCHLConfig
from baselines.fchl.dispatch import representation
from baselines.fchl.features import Features, Reduction
from baselines.fchl.lightning import Lightning
from baselines.fchl.regression import Solutions
from baselines.fchl.sorf import Sorf
from baselines.predicted import Predicted
from baselines.toolkit.composition import composition_energy, least_norm_energies
from baselines.toolkit.devices import frames_at_once, in_batches
from baselines.toolkit.labels import validation_errors
from baselines.toolkit.structures import stress_of
from teadata import Frames
from teadata.typing import Progress

if TYPE_CHECKING:
    from torch import Tensor

    from teadata.typing import Floats

REDUCTION_FRAMES = 1024
"""Training frames at most whose environments give the principal axes, as in QML-Lightning."""


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
        some = train[np.sort(chosen)]
        if config.backend == "qml-lightning":
            sorf = _drawn(config, len(elements), config.sigmas[0], seed)
            reduction = Lightning(config, elements, None, sorf, device).reduce(some, seed)
        else:
            reduction = Reduction.of(
                representation(config, elements, device), some, config.npcas, config.batch_size
            )
        energies = least_norm_energies(train, elements)
        return cls(config, seed, device, elements, energies, reduction)

    def sorf(self, sigma: float) -> Sorf:
        """Draw the random features of a width; signs and phases are the same for each."""
        return _drawn(self.config, len(self.elements), sigma, self.seed)

    def features(self, sigma: float) -> Features | Lightning:
        """Make the features of a width."""
        return self.featurised(self.sorf(sigma))

    def featurised(self, sorf: Sorf) -> Features | Lightning:
        """Make the features of a draw."""
        if self.config.backend == "qml-lightning":
            return Lightning(self.config, self.elements, self.reduction, sorf, self.device)
        return Features(self.config, self.elements, self.reduction, sorf, self.device)

    def solve(
        self, features: Features | Lightning, train: Frames, progress: Progress, task: str
    ) -> Solutions:
        """Solve for the coefficients (N_f, k) in kcal/mol, of each lambda that has a solution."""
        energies = None
        if self.config.fit_energies:
            offset = composition_energy(train, self.elements, self.energies, "FCHL19*")
            energies = train.energies - offset
        equations = features.equations(train, energies, progress, task)
        return equations.solve(self.config.lambdas, self.config.solver)

    def predict(
        self,
        features: Features | Lightning,
        coefficients: Tensor,
        frames: Frames,
        progress: Progress,
    ) -> list[Predicted]:
        """Predict frames with each of k sets of coefficients (N_f, k)."""
        offset = composition_energy(frames, self.elements, self.energies, "FCHL19*")
        count, sets = len(frames), coefficients.shape[1]
        energies = np.empty((sets, count))
        forces = np.empty((sets, *frames.positions.shape))
        virials = None if frames.cell is None else np.empty((sets, count, 3, 3))
        least = self.config.batch_size
        batches = in_batches(
            lambda part: features.predict(frames[part], coefficients),
            count,
            frames_at_once(self.device, least, frames.n_atoms),
            least,
        )
        for part, (energy, force, virial) in batches:
            energies[:, part], forces[:, part] = energy.cpu().numpy(), force.cpu().numpy()
            if virial is None:  # QML-Lightning has none
                virials = None
            elif virials is not None:
                virials[:, part] = virial.cpu().numpy()
            progress("predict", part.stop, count)
        if virials is None:
            return [Predicted(energies[k] + offset, forces[k]) for k in range(sets)]
        return [
            Predicted(energies[k] + offset, forces[k], stress_of(virials[k], frames))
            for k in range(sets)
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


def _drawn(config: FCHLConfig, elements: int, sigma: float, seed: int) -> Sorf:
    return Sorf.draw(elements, config.npcas, config.nstacks, config.ntransforms, sigma, seed)


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
