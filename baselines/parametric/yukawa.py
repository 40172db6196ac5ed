"""A Yukawa pair potential, fitted to energies, forces and stress.

φ(r) = A exp(−κr)/r, as between the ions of a one-component plasma that its electrons screen
(Hamaguchi, Farouki, Dubin, Phys. Rev. E 56, 4671, 1997), and an energy per atom.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Self

import numpy as np
from pydantic import Field, model_validator

from baselines.fields import Positive
from baselines.parametric.objective import WeightedConfig, labels, weighted
from baselines.parametric.parameters import Parameters, Parametrised
from baselines.predicted import Predicted
from baselines.protocol import LOG_FILE, FitResult
from baselines.toolkit.labels import the_element, validation_errors
from baselines.toolkit.neighbours import AllPairs, all_pairs
from baselines.toolkit.structures import stress_of
from teadata import Frames
from teadata.errors import DataError, MissingExtraError
from teadata.typing import Floats, Progress


class YukawaConfig(WeightedConfig):
    """Settings of a Yukawa potential.

    Parameters
    ----------
    cutoff
        Å.
    switch
        Å before the cutoff over which the potential falls to zero, times
        ½(1 + cos(π(r − cutoff + switch)/switch)).
    kappa
        Least and largest inverse screening length κ to search, in 1/Å.
    grid
        Values of κ, evenly spaced on a logarithmic scale, that are tried before the best one
        is refined.
    """

    cutoff: Positive
    switch: Positive
    kappa: tuple[Positive, Positive]
    grid: Annotated[int, Field(ge=3)]

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.switch > self.cutoff:
            raise ValueError(f"switch {self.switch:g} Å is more than the cutoff {self.cutoff:g} Å")
        if self.kappa[0] >= self.kappa[1]:
            raise ValueError(f"kappa: expected a rising pair, found {list(self.kappa)}")
        return self


class YukawaParameters(Parameters):
    """A Yukawa potential: κ in 1/Å, A in kcal/mol·Å, lengths in Å."""

    kappa: float
    amplitude: float
    cutoff: float
    switch: float


def sums(near: AllPairs, values: Floats, slopes: Floats, frames: Frames) -> Predicted:
    """Sum a pair potential to energies, forces and stress.

    Parameters
    ----------
    near
        Pairs of the frames.
    values, slopes
        (P,) potential and its derivative at their lengths, in kcal/mol and kcal/mol/Å.
    frames
        The frames.
    """
    count, atoms = len(frames), frames.n_atoms
    frame = near.first // atoms
    energies = np.bincount(frame, values, count) / 2
    pulls = near.vectors * (slopes / near.lengths)[:, None]
    forces = np.empty((count, atoms, 3))
    for axis in range(3):
        summed = np.bincount(near.first, pulls[:, axis], count * atoms)
        forces[..., axis] = summed.reshape(count, atoms)
    virials = np.empty((count, 3, 3))
    for a in range(3):
        for b in range(a, 3):
            products = np.bincount(frame, pulls[:, a] * near.vectors[:, b], count) / 2
            virials[:, a, b] = virials[:, b, a] = products
    return Predicted(energies, forces, stress_of(virials, frames))


def unit_yukawa(
    distances: Floats, kappa: float, cutoff: float, switch: float
) -> tuple[Floats, Floats]:
    """exp(−κr)/r, switched off before the cutoff, in 1/Å, and its derivative in 1/Å².

    Parameters
    ----------
    distances
        (P,) below the cutoff, in Å.
    kappa
        1/Å.
    cutoff, switch
        Å.
    """
    bare = np.exp(-kappa * distances) / distances
    slope = -bare * (kappa + 1 / distances)
    angle = np.pi * np.maximum(distances - (cutoff - switch), 0) / switch
    factor, factor_slope = (1 + np.cos(angle)) / 2, -np.pi / (2 * switch) * np.sin(angle)
    return bare * factor, slope * factor + bare * factor_slope


class Yukawa(Parametrised[YukawaConfig, YukawaParameters]):
    """A Yukawa potential of one element."""

    title = "Yukawa"
    layout = "tea-benchmark Yukawa 1"
    parameters_class = YukawaParameters

    def _fit(self, train: Frames, valid: Frames, workdir: Path, progress: Progress) -> FitResult:
        """Find κ by a search, and for each κ the amplitude and energy by least squares.

        Nothing is random: the seed plays no part.  It takes seconds, and begins again after an
        interruption.

        Raises
        ------
        DataError
            If there is more than one element, or no κ for which the atoms repel.
        """
        element = the_element(train, valid, self.title)
        search = _Search(self.config, train, progress)
        kappa = search.best()
        amplitude, energy_per_atom, loss = search.solve(kappa)
        if amplitude <= 0:
            raise DataError(
                f"a Yukawa potential repels, and none with κ from {self.config.kappa[0]:g} to "
                f"{self.config.kappa[1]:g} 1/Å fits these {len(train)} frames of {train.formula} "
                "better than no potential at all: take another model"
            )
        fitted = YukawaParameters(
            format=self.layout, element=element, energy_per_atom=energy_per_atom, kappa=kappa,
            amplitude=amplitude, cutoff=self.config.cutoff, switch=self.config.switch,
        )  # fmt: skip
        self.use(fitted)
        self.save(workdir / self.model_file)
        with open(workdir / LOG_FILE, "a", encoding="utf-8") as log:
            log.writelines(
                ", ".join(f"{key} {value:.6g}" for key, value in step.items()) + "\n"
                for step in search.curve
            )
        selected = {"kappa": kappa, "amplitude": amplitude, "loss": loss}
        return FitResult(selected, validation_errors(self.predict(valid), valid), search.curve)

    def _evaluate(self, fitted: YukawaParameters, frames: Frames) -> Predicted:
        near = all_pairs(frames, fitted.cutoff)
        values, slopes = unit_yukawa(near.lengths, fitted.kappa, fitted.cutoff, fitted.switch)
        pairs = sums(near, fitted.amplitude * values, fitted.amplitude * slopes, frames)
        return pairs._replace(energies=pairs.energies + frames.n_atoms * fitted.energy_per_atom)


class _Search:
    """The search for κ: A and the energy per atom follow by least squares."""

    def __init__(self, config: YukawaConfig, train: Frames, progress: Progress) -> None:
        self.config, self.train, self.progress = config, train, progress
        self.pairs = all_pairs(train, config.cutoff)
        self.target = weighted(labels(train), train, config)
        one = Predicted(np.full(len(train), float(train.n_atoms)), np.zeros_like(train.forces))
        stress = None if train.stress is None else np.zeros_like(train.stress)
        self.constant = weighted(one._replace(stress=stress), train, config)
        self.curve: list[dict[str, float]] = []

    def solve(self, kappa: float) -> tuple[float, float, float]:
        """Solve for one κ: amplitude (not negative), energy per atom, and loss."""
        config = self.config
        unit = unit_yukawa(self.pairs.lengths, kappa, config.cutoff, config.switch)
        columns = [weighted(sums(self.pairs, *unit, self.train), self.train, config), self.constant]
        # The columns may differ by many orders of magnitude: their condition would tell.
        scales = [max(float(np.linalg.norm(column)), 1e-300) for column in columns]
        design = np.stack(columns, axis=1) / scales
        solution = np.linalg.lstsq(design, self.target, rcond=None)[0]
        if solution[0] < 0:
            solution = np.array([0.0, design[:, 1] @ self.target])
        loss = float(((design @ solution - self.target) ** 2).sum())
        amplitude, energy = (float(value) for value in solution / scales)
        self.curve.append({"kappa": kappa, "amplitude": amplitude, "loss": loss})
        self.progress("fit", min(len(self.curve), config.grid), config.grid)
        return amplitude, energy, loss

    def best(self) -> float:
        """Find the κ of least loss: the best of the grid, refined between its neighbours."""
        try:
            from scipy.optimize import minimize_scalar
        except ImportError:
            raise MissingExtraError("scipy", "classical", "a Yukawa potential") from None
        least, most = np.log(self.config.kappa)
        grid = np.linspace(least, most, self.config.grid)
        losses = [self.solve(float(np.exp(step)))[2] for step in grid]
        best = int(np.argmin(losses))
        between = grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)]
        refined = minimize_scalar(
            lambda step: self.solve(float(np.exp(step)))[2], bounds=between, method="bounded"
        )
        return float(np.exp(refined.x if refined.fun < losses[best] else grid[best]))
