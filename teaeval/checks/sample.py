"""Pick the frames that diagnoses look at; regress predictions on the reference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from teadata.stored_frames import AnyFrames
from teadata.typing import Floats, Ints
from teaeval.predictions.findings import Finding
from teaeval.predictions.places import Places
from teaeval.predictions.prediction import Prediction

FRAMES = 5000
"""Largest number of frames in a sample."""

RUN = 50
"""Number of consecutive frames in a run; runs are evenly spaced and read in one go."""

COMPONENTS = 6_000_000
"""Largest number of force components in a sample (48 MB per array)."""

FEWEST = 30
"""Smallest number of frames for a diagnosis; with fewer, chance explains too much."""

FEWEST_COMPONENTS = 90
"""Smallest number of force components for a diagnosis of their unit and sign."""

WILD = 1e100
"""Frames with larger values, in kcal/mol or kcal/mol/Å, are skipped: their squares overflow."""


@dataclass(frozen=True, eq=False)
class Sample:
    """Predicted and reference values of the same n frames.

    Parameters
    ----------
    energies, reference_energies
        (n,) in kcal/mol.
    forces, reference_forces
        (n, A, 3) in kcal/mol/Å.
    rows
        (n,) rows of these frames in the prediction's file; None where frames were rearranged.
    """

    energies: Floats
    forces: Floats
    reference_energies: Floats
    reference_forces: Floats
    rows: Ints | None = None

    def __len__(self) -> int:
        return len(self.energies)


def evenly(count: int, most: int) -> Ints:
    """Pick at most `most` of `count` indices, evenly spaced and ascending."""
    if count <= most:
        return np.arange(count)
    return np.linspace(0, count - 1, most).astype(np.int64)


def runs(count: int, most: int) -> Ints:
    """Pick at most `most` of `count` indices in evenly spaced runs, ascending."""
    if count <= most or most < RUN:
        return evenly(count, most)
    starts = evenly(count - RUN + 1, most // RUN)
    return np.unique(starts[:, None] + np.arange(RUN))


def draw(prediction: Prediction, test: AnyFrames, places: Places) -> Sample | None:
    """Draw a sample of predicted frames and their reference; None if there are none.

    Frames without a place in the test set, with two, or with values that are not finite are
    left out.

    Parameters
    ----------
    prediction, test
        What was predicted, and the test set.
    places
        Which frame of the test set each predicted frame is.
    """
    most = min(FRAMES, COMPONENTS // (3 * test.n_atoms))
    known = places.alone
    picked = runs(places.predicted, most) if known is None else known[runs(len(known), most)]
    energies, forces = prediction.energies[picked], prediction.forces[picked]
    usable = np.abs(energies) < WILD  # False for NaN
    usable &= (np.abs(forces) < WILD).all(axis=(1, 2))
    rows = places[picked]
    reference = test.forces[rows]
    usable &= np.isfinite(reference).all(axis=(1, 2))  # those of a file may be none
    if not usable.any():
        return None
    return Sample(
        energies[usable],
        forces[usable],
        test.energies[rows[usable]],
        reference[usable],
        picked[usable],
    )


def pooled(samples: Sequence[tuple[Sample, Ints]]) -> tuple[Sample, Ints]:
    """Put samples of several systems together, to regress all their values at once.

    Parameters
    ----------
    samples
        Each with the atomic numbers (A,) of its system.

    Returns
    -------
    sample
        Energies about the mean of their system; the forces of all frames as those of one.
    numbers
        Atomic number of each of its atoms.
    """

    def centred(name: str) -> Floats:
        values = [getattr(sample, name) for sample, _ in samples]
        return np.concatenate([each - each.mean() for each in values])

    def of_one_frame(name: str) -> Floats:
        values = [getattr(sample, name).reshape(-1, 3) for sample, _ in samples]
        forces: Floats = np.concatenate(values)[None]
        return forces

    sample = Sample(
        energies=centred("energies"),
        forces=of_one_frame("forces"),
        reference_energies=centred("reference_energies"),
        reference_forces=of_one_frame("reference_forces"),
    )
    return sample, np.concatenate([np.tile(numbers, len(each)) for each, numbers in samples])


@dataclass(frozen=True)
class Regression:
    """Slope and r² of predictions against reference values, both centred."""

    slope: float
    r2: float

    def __str__(self) -> str:
        return f"a slope of {self.slope:.4g} against the reference (r² = {self.r2:.3f})"


def regress(predicted: Floats, reference: Floats) -> Regression:
    """Regress all values on the reference; slope and r² are 0 if either is constant."""
    p = (predicted - predicted.mean()).ravel()
    r = (reference - reference.mean()).ravel()
    pr, pp, rr = float(p @ r), float(p @ p), float(r @ r)
    # A constant varies only by rounding.
    if pp <= (1e-14 * float(np.abs(predicted).max())) ** 2 * p.size or rr == 0:
        return Regression(0.0, 0.0)
    return Regression(pr / rr, pr * pr / (pp * rr))


def few_frames(sample: Sample, count: int) -> Finding:
    """Warn that a sample of `count` frames is too small for diagnoses, and what was looked at."""
    found = f"{count}; these checks were left out"
    if sample.forces.size >= FEWEST_COMPONENTS:
        found += f", but for unit and sign of the {sample.forces.size} force components"
    return Finding.warning(
        "few-frames",
        expected=f"at least {FEWEST} frames, to check units, signs and orders from their values",
        found=found,
        remedy="make sure of them yourself, or compare more frames",
    )
