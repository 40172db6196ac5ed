"""What the errors of forces are made of: atoms, directions, tails, and how strong the force is.

The distributions of two pieces of a test set can be added.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from teadata.typing import Floats, Ints

MAGNITUDES = (0.0, 5.0, 10.0, 20.0, 40.0, 80.0, 160.0)
"""Lower edges of the bins of |F|, kcal/mol/Å; the last has no end."""

LOWEST, HIGHEST = -40, 40
"""Powers of two between which errors (kcal/mol/Å) are told apart in the histogram."""

MANTISSA = 12
"""Bits by which the histogram divides each power of two: quantiles are exact to 2⁻¹² of
their value."""

_EXPONENT_BIAS, _FRACTION = 1023, 52
_FIRST = (LOWEST + _EXPONENT_BIAS) << MANTISSA
_BINS = (HIGHEST - LOWEST) << MANTISSA


def _bins(values: Floats) -> Ints:
    """Find the bin of each value ≥ 0; a float64's leading bits are in the order of the values."""
    bits = np.ascontiguousarray(values, dtype=np.float64).view(np.int64)
    place: Ints = np.clip((bits >> (_FRACTION - MANTISSA)) - _FIRST, 0, _BINS - 1)
    return place


def _upper_edges(bins: Ints) -> Floats:
    """Give the value that each bin ends at."""
    bits = (bins + 1 + _FIRST) << (_FRACTION - MANTISSA)
    edges: Floats = bits.view(np.float64)
    return edges


@dataclass(frozen=True, eq=False)
class ForceDistribution:
    """Sums over frames, and means of each.

    Parameters
    ----------
    frames
        Frames they are of.
    by_atom
        (A,) sum of the absolute errors of each atom's components, kcal/mol/Å.
    mae, magnitude, vector
        (N,) means over the atoms of each frame of the absolute errors of components, of
        | |p| − |r| | and of |p − r|, kcal/mol/Å; NaN for frames without a prediction.
    cosine
        (N,) means of the cosines between p and r, over atoms where both have a length; NaN for
        frames without any.
    histogram
        How many absolute errors of components are in each bin.
    bin_counts, bin_force, bin_error
        (B,) atoms whose reference |F| is in each bin of :data:`MAGNITUDES`, and the sums of their
        |F| and of the mean absolute errors of their components, kcal/mol/Å.
    """

    frames: int
    by_atom: Floats
    mae: Floats
    magnitude: Floats
    vector: Floats
    cosine: Floats
    histogram: Ints
    bin_counts: Ints
    bin_force: Floats
    bin_error: Floats

    @classmethod
    def of(
        cls, predicted: Floats, reference: Floats, scored: NDArray[np.bool_]
    ) -> ForceDistribution:
        """Collect them from forces (N, A, 3) in kcal/mol/Å, of the frames (N,) that are finite."""
        if not scored.all():
            predicted, reference = predicted[scored], reference[scored]
        gap = predicted - reference
        p, r, vector = (
            np.sqrt(np.einsum("nai,nai->na", x, x)) for x in (predicted, reference, gap)
        )
        gap = np.abs(gap, out=gap)
        place = np.searchsorted(MAGNITUDES, r.ravel(), side="right") - 1
        bins = len(MAGNITUDES)

        def every(values: Floats) -> Floats:
            of_all = np.full(len(scored), np.nan)
            of_all[scored] = values
            return of_all

        return cls(
            frames=len(predicted),
            by_atom=gap.sum(axis=(0, 2)),
            mae=every(gap.mean(axis=(1, 2))),
            magnitude=every(np.abs(p - r).mean(axis=1)),
            vector=every(vector.mean(axis=1)),
            cosine=every(_mean_cosine(predicted, reference, p, r)),
            histogram=np.bincount(_bins(gap.ravel()), minlength=_BINS),
            bin_counts=np.bincount(place, minlength=bins),
            bin_force=np.bincount(place, r.ravel(), bins).astype(np.float64),
            bin_error=np.bincount(place, gap.mean(axis=2).ravel(), bins).astype(np.float64),
        )

    def __add__(self, other: ForceDistribution) -> ForceDistribution:
        return ForceDistribution(
            **{
                f.name: np.concatenate([getattr(self, f.name), getattr(other, f.name)])
                if f.name in ("mae", "magnitude", "vector", "cosine")
                else getattr(self, f.name) + getattr(other, f.name)
                for f in fields(self)
            }
        )

    def quantile(self, share: float) -> float:
        """Find the absolute error that this share of the components do not exceed, kcal/mol/Å.

        To within 2⁻¹² of its value, never below it.
        """
        ranks = np.cumsum(self.histogram)
        place = np.searchsorted(ranks, share * ranks[-1], side="left")
        return float(_upper_edges(np.array([place]))[0])


def _mean_cosine(predicted: Floats, reference: Floats, p: Floats, r: Floats) -> Floats:
    """Average the cosines over each frame's vectors (N, A, 3), whose lengths are p and r (N, A)."""
    product = np.einsum("nai,nai->na", predicted, reference)
    directed = (p > 0) & (r > 0) & np.isfinite(p)
    cosines = np.where(directed, product, 0.0)
    np.divide(np.divide(cosines, p, out=cosines, where=directed), r, out=cosines, where=directed)
    count = directed.sum(axis=1)
    mean: Floats = cosines.sum(axis=1) / np.where(count, count, np.nan)
    return mean
