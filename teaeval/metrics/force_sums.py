"""Sums over the atoms of each element, frame by frame: what the errors of forces are made of.

The sums have one order: the values of an element are added one after another, atom by atom as
the system has them, x before y before z.  Rounding follows from the order, so that NumPy and the
compiled loop (:mod:`teaeval.metrics.force_loop`) give the same digits to the last.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from teadata.typing import Floats, Ints
from teaeval.metrics import compiled
from teaeval.metrics.digests import Digests

CACHE = 1 << 16
"""Force components that NumPy compares at a time: arrays of them stay in a core's cache."""


class Elements(Protocol):
    """The atoms of each element of a system."""

    @property
    def atoms(self) -> Ints:
        """(A,) all atoms, those of an element together."""
        ...

    @property
    def starts(self) -> Ints:
        """(E,) place in `atoms` at which each element begins."""
        ...


@dataclass(frozen=True)
class ForceSums:
    """Sums over the values of each of E elements, for each of N frames, or blocks of frames.

    All but `values`, `frames` and `digests` are (E, N), in kcal/mol/Å or its square.

    Parameters
    ----------
    values
        (E,) force components of each element in a frame.
    frames
        (N,) frames of each block, 1 for single frames.
    digests
        Of the predicted forces of each frame.
    absolute, square, largest
        Of errors: the sums of their magnitudes and of their squares; the largest, NaN where one is
        not a number.
    reference, magnitude, spread
        Of reference values: the sums of them, of their magnitudes, and of their squares about the
        mean of the element in the frame or block.
    """

    values: Ints
    frames: Ints
    digests: Digests
    absolute: Floats
    square: Floats
    largest: Floats
    reference: Floats
    magnitude: Floats
    spread: Floats

    @classmethod
    def of(cls, predicted: Floats, reference: Floats, elements: Elements) -> ForceSums:
        """Sum over forces (N, A, 3) in kcal/mol/Å; squares may overflow, and NaN stay NaN."""
        count, atoms = predicted.shape[:2]
        p, r = (
            np.require(forces, np.float64, ["C", "A"]).reshape(count, 3 * atoms)
            for forces in (predicted, reference)
        )
        order = (3 * elements.atoms[:, None] + np.arange(3)).ravel()
        starts = 3 * np.append(elements.starts, atoms)
        sums = cls(
            np.diff(starts),
            np.ones(count, np.int64),
            np.empty(count, np.uint64),
            *np.empty((6, len(starts) - 1, count)),
        )
        loop = compiled.force_loop()
        if loop is not None:
            loop(p, p.view(np.uint64), r, order, starts, weights(3 * atoms), *sums.arrays)
            return sums
        with np.errstate(over="ignore", invalid="ignore"):
            step = max(1, CACHE // max(1, 3 * atoms))
            for start in range(0, count, step):
                sums._fill(slice(start, min(start + step, count)), p, r, order, starts)
        return sums

    @property
    def finite(self) -> bool:
        """Whether every error is finite, and the sum of the squares of all errors."""
        return bool(np.isfinite(self.square.sum()))

    def merged(self, block: int) -> ForceSums:
        """Add the sums of every `block` consecutive frames, all of which are finite."""
        starts = np.arange(0, len(self.frames), block)
        frames = np.diff(starts, append=len(self.frames))

        def add(sums: Floats) -> Floats:
            added: Floats = np.add.reduceat(sums, starts, axis=1)
            return added

        reference, values = add(self.reference), self.values[:, None]
        centre = np.repeat(reference / (values * frames), frames, axis=1)
        about = self.reference / values - centre
        return replace(
            self,
            frames=frames,
            absolute=add(self.absolute),
            square=add(self.square),
            largest=np.maximum.reduceat(self.largest, starts, axis=1),
            reference=reference,
            magnitude=add(self.magnitude),
            spread=add(self.spread + values * about**2),
        )

    @property
    def arrays(self) -> tuple[NDArray[np.generic], ...]:
        """What is computed, in the order of the fields."""
        return (
            self.digests, self.absolute, self.square, self.largest,
            self.reference, self.magnitude, self.spread,
        )  # fmt: skip

    def _fill(self, rows: slice, predicted: Floats, reference: Floats, *layout: Ints) -> None:
        """Compute some columns with NumPy, from values (N, V) in the order of the atoms."""
        order, starts = layout
        self.digests[rows] = _digests(predicted[rows])
        p, r = (_by_value(values[rows], order) for values in (predicted, reference))
        width = rows.stop - rows.start
        parts = [slice(*ends) for ends in pairwise(starts)]

        def add(values: Floats, to: Floats, function: np.ufunc = np.add) -> None:
            for part, sums in zip(parts, to, strict=True):
                sums[rows] = function.reduce(values[part], axis=0)[:width]

        gap = np.abs(np.subtract(p, r, out=p), out=p)
        add(gap, self.absolute)
        add(gap, self.largest, np.maximum)
        add(np.multiply(gap, gap, out=gap), self.square)
        add(r, self.reference)
        add(np.abs(r, out=p), self.magnitude)
        for part, sums, count in zip(parts, self.reference, self.values, strict=True):
            r[part, :width] -= sums[rows] / count
        add(np.multiply(r, r, out=r), self.spread)


def _by_value(values: Floats, order: Ints) -> Floats:
    """Values (n, V) in this order and turned over, (V, n), so that whole rows are added.

    NumPy adds rows one after another, but the numbers of a single column in another order: there
    are two columns at least.
    """
    if len(values) == 1:
        values = np.repeat(values, 2, axis=0)
    return np.ascontiguousarray(values[:, order].T)


def _digests(values: Floats) -> Digests:
    """A number for each row, equal where all bits are."""
    bits = (values + 0.0).view(np.uint64)  # no −0
    digests: Digests = np.einsum("ij,j->i", bits, weights(bits.shape[1]))
    return digests


@lru_cache(maxsize=64)
def weights(count: int) -> NDArray[np.uint64]:
    """Odd numbers that the bits of a frame's values are multiplied by."""
    drawn = np.random.default_rng(0).integers(2**63, size=count, dtype=np.uint64)
    return 2 * drawn + np.uint64(1)
