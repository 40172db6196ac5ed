"""How often intervals hold the truth, and p-values are small, on errors whose truth is known.

    python benchmarks/calibration.py [--samples 20000]

prints the table of docs/metrics.md.  Errors are of trajectories of correlated frames, of two
models that are equally good; U trajectories are a test set.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from teadata.typing import Floats
from teaeval.defaults import SIGN_PATTERNS
from teaeval.metrics.jackknife import Jackknife
from teaeval.metrics.sign_flips import SignFlips
from teaeval.resampling import LEVEL, Resampling

UNITS = (5, 6, 8, 12, 21, 50)
LENGTH = 30
"""Mean number of frames of a trajectory."""
PART = 500
"""Test sets that are drawn at a time."""
CORRELATION = 0.8
"""Of the noise of one frame with that of the next."""
CASES = ("forces", "forces, unequal", "offsets", "energies, unequal")
"""Kinds of errors.

forces: each frame's error is a mean over many components; its size varies between trajectories and
within them.  The mean squares of trajectories have a coefficient of variation of 0.36; those of the
shipped prediction of mini-i have 0.39.
offsets: one number a frame, an offset of each trajectory that is normal about 0, and noise.
energies: offsets of one sign and a log-normal size, and noise.  The mean squares have a
coefficient of variation of about 1.6; those of the shipped prediction have 1.15.
unequal: 95 % of the trajectories have 13 to 54 frames; otherwise all have 30.
"""


@dataclass(frozen=True)
class Sums:
    """Sums over the frames of each unit, (S, U): of absolute and square errors of two models."""

    frames: Floats
    absolute: tuple[Floats, Floats]
    squared: tuple[Floats, Floats]

    def jackknives(self, model: int) -> dict[str, Jackknife]:
        """Estimates of the MAE and the RMSE of a model."""
        mse = Jackknife.of_mean(self.squared[model], self.frames)
        return {
            "MAE": Jackknife.of_mean(self.absolute[model], self.frames),
            "RMSE": mse.changed(np.sqrt),
        }


def draw(case: str, units: int, samples: int, rng: np.random.Generator) -> Sums:
    """Draw errors of S test sets of U trajectories."""
    kind, _, lengths = case.partition(", ")
    frames = np.full((samples, units), LENGTH)
    if lengths == "unequal":
        frames = np.clip(np.round(rng.gamma(8, LENGTH / 8, frames.shape)), 4, 90).astype(int)
    longest = frames.max()
    there = np.arange(longest) < frames[..., None]

    lags = np.abs(np.subtract.outer(np.arange(longest), np.arange(longest)))
    root = np.linalg.cholesky(CORRELATION**lags).T

    def noise() -> Floats:
        """Autoregressive noise of variance 1, (S, U, frames)."""
        return rng.normal(size=(samples, units, longest)) @ root

    # Models agree in part on which trajectories and frames are difficult.
    shared = rng.normal(size=(samples, units))
    hard = noise() if kind == "forces" else 0.0
    absolute, squared = [], []
    for _ in range(2):
        own = np.sqrt(0.5) * (shared + rng.normal(size=(samples, units)))[..., None]
        if kind == "forces":
            size = np.exp(0.14 * own + 0.2 * np.sqrt(0.5) * (hard + noise()))
            mean = 0.8 * size * (1 + 0.05 * rng.normal(size=size.shape))
            square = size**2 * (1 + 0.1 * rng.normal(size=size.shape))
        else:
            error = own + 0.5 * noise()
            if kind == "energies":
                error = np.exp(0.5 * own) * (0.85 + 0.5 * noise())
            mean, square = np.abs(error), error**2
        absolute.append((mean * there).sum(axis=-1))
        squared.append((square * there).sum(axis=-1))
    return Sums(frames.astype(float), tuple(absolute), tuple(squared))


def truth(case: str, samples: int = 400) -> dict[str, float]:
    """The MAE and the RMSE of a test set without end, from 1000 trajectories for each sample."""
    rng = np.random.default_rng(1)
    totals = np.zeros(3)
    for _ in range(samples):
        sums = draw(case, 50, 20, rng)
        totals += [2 * sums.frames.sum(), np.sum(sums.absolute), np.sum(sums.squared)]
    return {"MAE": totals[1] / totals[0], "RMSE": float(np.sqrt(totals[2] / totals[0]))}


@dataclass(frozen=True)
class Row:
    """Shares of the samples: intervals that hold the truth, and p-values up to 0.05 and 0.01.

    ``percentile`` is the coverage of percentiles of bootstrap samples instead.
    """

    case: str
    units: int
    error: str
    coverage: float
    percentile: float
    difference: float
    p5: float
    p1: float

    def shares(self) -> tuple[str, ...]:
        """The numbers as text, in the order of the table."""
        held = (self.coverage, self.percentile, self.difference)
        return (*(f"{x:.3f}" for x in held), f"{self.p5:.4f}", f"{self.p1:.4f}")


def rows(
    case: str, units: int, expected: dict[str, float], samples: int, seed: int = 0
) -> Iterator[Row]:
    """Calibrate the intervals and p-values of U trajectories."""
    rng = np.random.default_rng([seed, units])
    shares: dict[str, list[list[float]]] = {"MAE": [], "RMSE": []}
    for part in range(samples // PART):
        sums = draw(case, units, PART, rng)
        flips = SignFlips(units, SIGN_PATTERNS, seed + part)
        for name, of in (("MAE", sums.absolute), ("RMSE", sums.squared)):
            goal = expected[name] ** (2 if name == "RMSE" else 1)
            held = [
                _inside(*Jackknife.of_mean(of[model], sums.frames).positive_interval(), goal)
                for model in range(2)
            ]
            percentile = _inside(*_percentiles(of[0], sums.frames, seed), goal)
            first, second = (sums.jackknives(model)[name] for model in range(2))
            p = flips.p_values((of[0] - of[1]).T)
            shares[name].append(
                [
                    float(np.mean(held)),
                    percentile,
                    _inside(*first.minus(second).interval(), 0.0),
                    float(np.mean(p <= 0.05)),
                    float(np.mean(p <= 0.01)),
                ]
            )
    for name, parts in shares.items():
        yield Row(case, units, name, *np.mean(parts, axis=0).tolist())


def _inside(low: Floats, high: Floats, value: float) -> float:
    return float(np.mean((low <= value) & (value <= high)))


def _percentiles(sums: Floats, frames: Floats, seed: int) -> tuple[Floats, Floats]:
    """Limits that 1000 bootstrap samples of the units would give."""
    units = sums.shape[1]
    drawn = np.concatenate(list(Resampling(np.arange(units), "trajectory", 1000, seed).draws()))
    means = (drawn @ sums.T) / (drawn @ frames.T)
    low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    return low, high


def main() -> None:
    """Print the table, a line for each kind of errors and number of units."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=20_000, help="test sets of each line")
    samples = parser.parse_args().samples
    pairs = ("interval", "percentiles", "difference", "p ≤ 0.05", "p ≤ 0.01")
    print("| errors | U | " + " | ".join(f"{x} MAE | RMSE" for x in pairs) + " |")
    print("|---|--:|" + "--:|" * 2 * len(pairs))
    for case in CASES:
        expected = truth(case)
        for units in UNITS:
            both = zip(*(row.shares() for row in rows(case, units, expected, samples)), strict=True)
            numbers = " | ".join(f"{a} | {b}" for a, b in both)
            print(f"| {case} | {units} | {numbers} |", flush=True)


if __name__ == "__main__":
    main()
